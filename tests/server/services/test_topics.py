"""Nobody is told that something changes which they may not see."""

from __future__ import annotations

import pytest

from concours.server.actor import VISITOR
from concours.server.refusals import Forbidden, NotSignedIn, Unfit, Unknown
from concours.server.services.topics import topics

from .playing import Playing, phase


def test_who_may_be_told_of_what(desk):
    game = Playing.of(desk, phase("open"), phase("dark", board="hidden"))
    game.joined("mina", "noah")
    sent = game.send("mina", phase="open").id
    board, dark = (f"board {game.phase_id(key)}" for key in ("open", "dark"))
    cases = [
        (VISITOR, board, None),
        (VISITOR, dark, NotSignedIn),
        (game.person("mina"), dark, Forbidden),
        (desk.host, dark, None),
        (game.person("mina"), f"submission {sent}", None),
        (game.person("noah"), f"submission {sent}", Unknown),
        (VISITOR, "queue", NotSignedIn),
        (game.person("mina"), "queue", Forbidden),
        (desk.host, "queue", None),
        (VISITOR, "board 99", Unknown),
        (game.person("mina"), "competition flowers", Forbidden),
        (desk.host, "competition flowers", None),
        (desk.host, "competition none", Unknown),
        *((VISITOR, wrong, Unfit) for wrong in ("", "board", "board x", "queue 1", "users 1", "board ²")),
    ]
    with desk.reading() as db:
        for who, asked, refusal in cases:
            if refusal:
                with pytest.raises(refusal):
                    topics(db, who, [asked])
            else:
                assert topics(db, who, [asked, f" {asked}"]) == (asked,)
        with pytest.raises(NotSignedIn):
            topics(db, VISITOR, [board, dark])
        for many in ([], [f"board {n}" for n in range(60)]):
            with pytest.raises(Unfit):
                topics(db, VISITOR, many)
