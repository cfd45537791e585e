"""What people write stays as they wrote it; they edit their own, hosts take away."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from concours.server.actor import VISITOR
from concours.server.database.tables import COMPETITIONS
from concours.server.refusals import Conflict, Forbidden, NotSignedIn, Unfit, Unknown
from concours.server.services import discussion, profiles

from .playing import Playing, line


def test_threads_come_by_what_was_written_last(desk):
    game = Playing.of(desk)
    game.joined("mina", "noah")
    first = game.do(
        "mina", discussion.write, "How are <b>ties</b> ranked?", "They *share* a rank.\r\n<script>x</script>"
    )
    second = game.do("noah", discussion.write, "Data", "Where?")
    assert first.text == "They *share* a rank.\n<script>x</script>"
    assert [post.id for post in game.do(VISITOR, discussion.threads)] == [second.id, first.id]
    game.do(desk.administrator, discussion.reply, first.id, "1, 1, 3")
    listed = game.do(VISITOR, discussion.threads)
    assert [(post.id, post.replies) for post in listed] == [(first.id, 1), (second.id, 0)]
    shown = game.do("mina", discussion.thread, first.id)
    assert (shown.first.mine, [reply.mine for reply in shown.replies]) == (True, [False])


def test_only_who_takes_part_writes_and_only_who_wrote_edits(desk):
    game = Playing.of(desk)
    game.joined("mina", "noah")
    with pytest.raises(NotSignedIn):
        game.do(VISITOR, discussion.write, "a", "b")
    with pytest.raises(Forbidden):
        game.do("olga", discussion.write, "a", "b")
    for title, text in (("", "b"), ("a" * 201, "b"), ("a", " "), ("a", "b" * 20_001)):
        with pytest.raises(Unfit):
            game.do("mina", discussion.write, title, text)
    post = game.do("mina", discussion.write, "a", "b")
    with pytest.raises(Forbidden):
        game.do("noah", discussion.edit, post.id, "c")
    with pytest.raises(Forbidden):
        game.do(desk.host, discussion.edit, post.id, "c")
    edited = game.do("mina", discussion.edit, post.id, "c")
    assert edited.text == "c"
    assert edited.edited


def test_what_was_deleted_leaves_its_place_and_nothing_else(desk):
    game = Playing.of(desk)
    game.joined("mina", "noah")
    post = game.do("mina", discussion.write, "Offer", "Buy this")
    reply = game.do("noah", discussion.reply, post.id, "No")
    with pytest.raises(Forbidden):
        game.do("noah", discussion.delete, post.id)
    game.do(desk.host, discussion.delete, post.id)
    shown = game.do(VISITOR, discussion.thread, post.id)
    assert (shown.first.text, shown.first.title, shown.first.by) == ("", "", "")
    assert shown.replies[0].text == "No"
    with pytest.raises(Conflict, match="deleted"):
        game.do("mina", discussion.reply, post.id, "x")
    game.do("noah", discussion.delete, reply.id)
    assert game.do(VISITOR, discussion.threads) == ()
    with pytest.raises(Unknown):
        game.do(VISITOR, discussion.thread, 77)


def test_places_of_somebody_are_told_after_the_end(desk):
    game = Playing.of(desk)
    game.joined("mina")
    entry = game.send("mina").id
    game.score(entry, 0.9)
    game.place((entry, line(0.9, 1)))
    with desk.writing() as db:
        assert profiles.finished(db, VISITOR, "mina") == ()
        db.execute(update(COMPETITIONS).values(state="closed"))
    game.phase_is("closed")
    with desk.reading() as db:
        (shown,) = profiles.finished(db, VISITOR, "mina")
        assert (shown.title, shown.team, shown.rank, shown.teams) == ("Flowers", "Mina", 1, 1)
        with pytest.raises(Unknown):
            profiles.finished(db, VISITOR, "nobody")
