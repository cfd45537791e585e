"""What is sent is taken once, within the limits of its team whoever sends at the same time, and shown to its team."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from concours.core.digests import digest_json
from concours.core.job import Job
from concours.core.needs import Needs
from concours.server import audit
from concours.server.actor import VISITOR
from concours.server.database.tables import MEMBERS, PAGES, SIGNALS, SUBMISSIONS, TALLIES
from concours.server.database.texts import json_of
from concours.server.database.work_tables import WORK, WORK_LOG
from concours.server.refusals import Conflict, Forbidden, NotSignedIn, TooMany, Unfit, Unknown
from concours.server.services import membership, participants, receipts, submissions, teams
from concours.server.services.access import accessed
from concours.server.services.submissions import Sent
from concours.server.working.queue import SqlQueue

from .playing import Playing, in_days, phase


def _signals(desk: Any) -> list[dict[str, Any]]:
    with desk.reading() as db:
        return [json_of(text) for text in db.execute(select(SIGNALS.c.signal).order_by(SIGNALS.c.number)).scalars()]


def test_a_submission_is_a_row_and_a_signal_of_its_number(desk):
    game = Playing.of(desk)
    game.joined("mina")
    taken = game.send("mina", "first", message="a try", name="My try")
    assert (taken.state, taken.charged, taken.phase, taken.name) == ("waiting", True, "main", "My try")
    (signal,) = _signals(desk)
    assert (signal["name"], signal["to"], signal["id"]) == ("joined", f"phase {game.phase_id()}", str(taken.id))
    assert signal["body"] == {
        "name": "My try",
        "team": str(taken.team),
        "file": digest_json("first"),
        "called": "first.csv",
    }
    with desk.reading() as db:
        assert audit.verify(db).fault == ""


def test_code_comes_as_a_program(desk):
    game = Playing.of(desk, phase(takes=["code"]))
    game.joined("mina")
    game.send("mina", called="entry.py", brings="code")
    assert _signals(desk)[0]["body"].keys() == {"name", "team", "program", "called"}
    with pytest.raises(Unfit, match="takes code"):
        game.send("mina")


def test_who_does_not_take_part_sends_nothing(desk):
    game = Playing.of(desk)
    with pytest.raises(Forbidden, match="join 'Flowers' first"):
        game.send("mina")
    with pytest.raises(NotSignedIn):
        game.do(VISITOR, submissions.submit, Sent(digest="", size=0, called="a.csv", brings="predictions"))
    game.joined("mina")
    desk_publishes_rules(game)
    with pytest.raises(Forbidden, match="rules have changed"):
        game.send("mina")
    version = game.do("mina", membership.rules).version
    game.do("mina", membership.join, version)
    assert game.send("mina").id


def desk_publishes_rules(game: Playing) -> None:
    with game.desk.writing() as db:
        competition = accessed(db, game.desk.host, game.slug).competition.id
        db.execute(
            PAGES.insert().values(competition=competition, key="rules", number=1, title="Rules", text="Be fair.")
        )


def test_a_key_that_comes_twice_makes_one_submission_even_when_the_phase_is_over(desk):
    game = Playing.of(desk, phase(limits={"per_day": 1}))
    game.joined("mina", "noah")
    first = game.send("mina", once="k1")
    assert game.send("mina", once="k1").id == first.id
    assert game.send("noah", once="k1").id != first.id
    with pytest.raises(Conflict, match="another file"):
        game.send("mina", "other", once="k1")
    assert game.send("mina", once="k1", now=in_days(30)).id == first.id
    assert len(_signals(desk)) == 2


def test_over_the_limit_is_refused_with_what_is_left_and_when(desk):
    game = Playing.of(desk, phase(limits={"per_day": 2, "total": 3}))
    game.joined("mina")
    noon = datetime.now(UTC).replace(hour=12)
    at = [in_days(days, noon) for days in (0, 0.1, 0.2, 1.2, 2.2)]
    assert game.do("mina", submissions.left, now=at[0]).left == 2
    game.send("mina", now=at[0])
    game.send("mina", now=at[1])
    room = game.do("mina", submissions.left, now=at[2])
    assert (room.used_today, room.used, room.left) == (2, 2, 0)
    with pytest.raises(TooMany, match="2 of 2 submissions today.*next is possible at .* 00:00 UTC") as refused:
        game.send("mina", now=at[2])
    assert 0 < refused.value.after_s <= 12 * 3600
    game.send("mina", now=at[3])
    with pytest.raises(TooMany, match="3 of 3"):
        game.send("mina", now=at[4])
    assert game.do("mina", submissions.left, now=at[4]).next_at is None


@pytest.mark.parametrize(
    ("phases", "said"),
    [
        ([phase(begins=1)], "begins at"),
        ([phase(ends=-1)], "has ended at"),
    ],
)
def test_before_and_after_a_phase_nothing_is_taken(desk, phases, said):
    game = Playing.of(desk, *phases)
    if "begins" in said:
        game.phase_is("waiting")
    game.joined("mina")
    with pytest.raises(Conflict, match=said):
        game.send("mina")
    with pytest.raises(Conflict, match=said):
        game.do("mina", submissions.require_room)


def test_a_phase_that_the_host_has_closed_by_hand_takes_nothing(desk):
    game = Playing.of(desk, phase(ends=None))
    game.joined("mina")
    game.send("mina")
    game.phase_is("closing")
    with pytest.raises(Conflict, match="has ended"):
        game.send("mina")


def test_the_phase_that_is_open_is_meant_unless_another_is_named(desk):
    game = Playing.of(desk, phase("one", -10, -5), phase("two", -5, 5), phase("three", 5, 9))
    game.joined("mina")
    assert game.send("mina").phase == "two"
    with pytest.raises(Unknown, match="did you mean 'three'"):
        game.send("mina", phase="thre")


def test_what_is_stopped_before_it_has_a_score_does_not_count(desk):
    game = Playing.of(desk, phase(limits={"per_day": 1}))
    game.joined("mina", "noah")
    sent = game.send("mina")
    with pytest.raises(Unknown):
        game.do("noah", submissions.stop, sent.id)
    assert game.do("mina", submissions.stop, sent.id).state == "stopped"
    assert _signals(desk)[-1]["body"] == {"entry": str(sent.id)}
    again = game.send("mina")
    game.score(again.id, 0.8)
    with pytest.raises(Conflict, match="is scored already"):
        game.do("mina", submissions.stop, again.id)
    with pytest.raises(TooMany):
        game.send("mina")
    with pytest.raises(Conflict, match="stopped already"):
        game.do("mina", submissions.stop, sent.id)


def test_others_see_nothing_of_it_until_the_end_and_then_its_scores(desk):
    game = Playing.of(desk)
    game.joined("mina", "noah")
    sent = game.send("mina", message="secret idea")
    game.score(sent.id, 0.8)
    own = game.do("mina", submissions.one, sent.id)
    assert (own.metrics["accuracy"], own.message, own.called) == (0.8, "secret idea", "a.csv")
    assert list(own.metrics) == ["accuracy", "log_loss"]
    assert game.do(desk.host, submissions.one, sent.id).message == "secret idea"
    for who in ("noah", VISITOR):
        with pytest.raises(Unknown):
            game.do(who, submissions.one, sent.id)
    assert game.do("noah", submissions.listed) == ()
    assert [one.id for one in game.do(desk.host, submissions.listed)] == [sent.id]
    game.phase_is("closed")
    seen = game.do("noah", submissions.one, sent.id)
    assert (seen.metrics["accuracy"], seen.message, seen.called, seen.digest, seen.reason) == (0.8, "", "", "", "")
    with pytest.raises(Forbidden):
        game.do("noah", submissions.file, sent.id)
    assert game.do("mina", submissions.file, sent.id).digest == digest_json("a")


def test_a_guard_shows_what_it_shows_and_a_hidden_phase_nothing(desk):
    game = Playing.of(desk, phase("open"), phase("dark", board="hidden"))
    game.joined("mina")
    guarded, dark = game.send("mina", phase="open"), game.send("mina", phase="dark")
    game.score(guarded.id, 0.83, shown=0.8)
    game.score(dark.id, 0.9)
    assert game.do("mina", submissions.one, guarded.id).metrics["accuracy"] == 0.8
    assert game.do("mina", submissions.one, dark.id).metrics == {}
    assert game.do(desk.host, submissions.one, dark.id).metrics["accuracy"] == 0.9
    game.phase_is("closed", "dark")
    assert game.do("mina", submissions.one, dark.id).metrics["accuracy"] == 0.9


def test_why_there_is_no_score_is_told_to_its_team(desk):
    game = Playing.of(desk)
    game.joined("mina")
    sent = game.send("mina")
    game.score(sent.id, None, reason="row 3: no such id 'x'")
    assert game.do("mina", submissions.one, sent.id).reason == "row 3: no such id 'x'"


def test_a_log_goes_on_where_it_was_read_and_is_its_teams(desk):
    game = Playing.of(desk, phase(takes=["code", "predictions"]))
    game.joined("mina", "noah")
    sent = game.send("mina", "run", called="run.py", brings="code")
    assert game.do("mina", submissions.log, sent.id).text == ""
    job = Job(runner="run_submission", inputs={"program": sent.digest}, label="run", needs=Needs(sandbox=True))
    SqlQueue(desk.platform.database, "phase 1").put(job)
    with desk.writing() as db:
        work = db.execute(select(WORK.c.id).where(WORK.c.program == sent.digest)).scalar_one()
        db.execute(insert(WORK_LOG), [{"work": work, "number": n, "text": text} for n, text in enumerate("ab")])
    first = game.do("mina", submissions.log, sent.id, after=0)
    assert (first.text, first.number) == ("b", 1)
    assert game.do(desk.host, submissions.log, sent.id).text == "ab"
    assert game.do("mina", submissions.log, sent.id, after=1).text == ""
    same = game.send("mina", "run", called="run.csv")
    assert game.do("mina", submissions.log, same.id).text == ""
    with pytest.raises(Unknown):
        game.do("noah", submissions.log, sent.id)


def test_the_log_of_the_same_program_elsewhere_is_not_shown(desk):
    """It may have printed what members of that competition alone may read."""
    game = Playing.of(desk, phase(takes=["code", "predictions"]))
    game.joined("mina")
    sent = game.send("mina", "run", called="run.py", brings="code")
    elsewhere = {"program": sent.digest, "public/data/x.csv": digest_json("data of another competition")}
    SqlQueue(desk.platform.database, "conductor").put(Job(runner="run_submission", inputs=elsewhere))
    with desk.writing() as db:
        work = db.execute(select(WORK.c.id).where(WORK.c.program == sent.digest)).scalar_one()
        db.execute(insert(WORK_LOG).values(work=work, number=0, text="a row of theirs"))
    assert game.do("mina", submissions.log, sent.id).text == ""


def test_the_list_goes_back_page_by_page(desk):
    game = Playing.of(desk)
    game.joined("mina")
    ids = [game.send("mina", str(number)).id for number in range(5)]
    first = game.do("mina", submissions.listed, most=3)
    rest = game.do("mina", submissions.listed, before=first[-1].id)
    assert [one.id for one in (*first, *rest)] == ids[::-1]


def test_a_receipt_is_genuine_as_it_is_and_in_no_other_way(desk):
    game = Playing.of(desk)
    game.joined("mina", "noah")
    sent = game.send("mina")
    with pytest.raises(Conflict):
        game.do("mina", receipts.receipt, sent.id, b"key")
    game.score(sent.id, 0.8)
    given = game.do("mina", receipts.receipt, sent.id, b"key")
    assert receipts.is_genuine(given, b"key")
    assert not receipts.is_genuine(given, b"other")
    for name, value in (("metrics", {"accuracy": 0.9}), ("submission", 7), ("predictions", "sha256:0")):
        changed = type(given)(**{**vars(given), name: value})
        assert not receipts.is_genuine(changed, b"key")
    with pytest.raises(Unknown):
        game.do("noah", receipts.receipt, sent.id, b"key")


@pytest.mark.parametrize("limit", [1, 5])
def test_however_many_send_at_once_none_is_above_the_limit_and_none_is_lost(desk, limit):
    game = Playing.of(desk, phase(limits={"per_day": limit}), teams={"most": 3})
    game.joined("mina", "noah")
    invited = game.do("mina", teams.invite, "noah")
    game.do("noah", teams.answer, invited.id, yes=True)
    taken, refused, failed = [], [], []
    barrier = threading.Barrier(8)

    def send(number: int) -> None:
        barrier.wait()
        for turn in range(2):
            try:
                taken.append(game.send(("mina", "noah")[number % 2], f"{number} {turn}").id)
            except TooMany as error:
                refused.append(error)
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert (len(taken), len(refused)) == (limit, 16 - limit)
    with desk.reading() as db:
        assert sorted(db.execute(select(SUBMISSIONS.c.id)).scalars()) == sorted(taken)
        assert db.execute(select(TALLIES.c.entries)).scalars().all() == [limit]
        assert audit.verify(db).fault == ""
    assert sorted(int(one["id"]) for one in _signals(desk)) == sorted(taken)


def test_a_key_sent_by_many_at_once_is_one_submission(desk):
    game = Playing.of(desk)
    game.joined("mina")
    ids: list[Any] = []

    def send() -> None:
        ids.append(game.send("mina", once="same").id)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 6
    assert len(set(ids)) == 1
    with desk.reading() as db:
        assert db.execute(select(func.count()).select_from(SUBMISSIONS)).scalar() == 1


def test_what_the_platform_could_not_do_is_given_back(desk):
    game = Playing.of(desk, phase(limits={"total": 1}))
    game.joined("mina")
    sent = game.send("mina")
    with desk.writing() as db:
        db.execute(update(SUBMISSIONS).where(SUBMISSIONS.c.id == sent.id).values(charged=False))
    assert game.do("mina", submissions.left).left == 1
    with desk.reading() as db:
        assert db.execute(select(MEMBERS.c.team)).scalar() == sent.team


@pytest.mark.parametrize("how", ["removed", "left for another team"])
def test_whoever_takes_part_no_more_sends_nothing(desk, how):
    """They were let in a moment before, while the hosts removed them."""
    game = Playing.of(desk)
    game.joined("mina", "noah")
    seen = game.do("mina", lambda _, access: access)
    other = game.do("noah", lambda _, access: access.team)
    if how == "removed":
        game.do(desk.host, participants.remove, "mina", why="two accounts")
    else:
        with desk.writing() as db:
            db.execute(update(MEMBERS).where(MEMBERS.c.user == seen.actor.user).values(team=other))
    sent = Sent(digest=digest_json("a"), size=1, called="a.csv", brings="predictions")
    with pytest.raises(Forbidden), desk.writing() as db:
        submissions.submit(db, seen, sent)
