"""Who sends slowly, or much at once, takes nothing away from others."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest

from concours.server.refusals import TooMany, Unfit
from concours.server.web import bodies, uploads
from concours.server.web.bodies import paced
from concours.server.web.limits import Turns

MINUTE, HOUR = 60.0, 3600.0


@pytest.mark.parametrize(
    ("piece", "every_s", "pieces", "taken"),
    [
        (1, 1.0, 50, True),  # a small file of whoever is slow
        (1, 50.0, 100, False),  # a byte before each minute is over
        (1000, 1.0, 1000, False),
        (20_000, 1.0, 2000, True),
        (1 << 20, 59.0, 100, True),
        (1 << 20, 0.0, 100, True),
    ],
)
def test_a_file_has_to_come_at_some_pace(monkeypatch, piece, every_s, pieces, taken):
    now = 0.0
    monkeypatch.setattr(bodies.time, "monotonic", lambda: now)

    async def sent():
        nonlocal now
        for _ in range(pieces):
            now += every_s
            yield bytes(piece)

    async def size():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bodies, "fail_after", lambda _: ExitStack())  # whose clock is another
            return sum([len(piece) async for piece in paced(sent())])

    if taken:
        assert asyncio.run(size()) == piece * pieces
    else:
        with pytest.raises(Unfit, match="slower"):
            asyncio.run(size())
        assert now < HOUR


def test_turns_are_given_back_and_are_each_ones_own():
    turns = Turns(2, "at once")
    for _ in range(3):
        with turns.taken("ann"), turns.taken("ann"), turns.taken("bob"):
            with pytest.raises(TooMany, match="2 at once"), turns.taken("ann"):
                pass
            with turns.taken("bob"):
                pass
    with pytest.raises(ZeroDivisionError), turns.taken("ann"):
        raise ZeroDivisionError
    assert not turns._taken


def test_a_user_sends_a_few_files_at_once(people, app):
    """All threads that take files in would be one user's else, up to the end of a phase."""
    people.member("mina", people.competition("wine"))
    mina = people.browser("mina", address="192.0.2.7")
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(uploads.TURNS.taken(people.user("mina")))
        answer = mina.post("/api/competitions/wine/submissions", files={"file": ("p.csv", b"id,prediction\n")})
        assert (answer.status_code, "being sent" in answer.json()["error"]) == (429, True)
    answer = mina.post("/api/competitions/wine/submissions", files={"file": ("p.csv", b"id,prediction\n")})
    assert answer.status_code != 429
