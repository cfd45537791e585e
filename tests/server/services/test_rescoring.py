"""Another truth is read before it counts; boards at work are told once; old scores stay, and who moved is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from concours.core.digests import digest_bytes
from concours.core.job import Job
from concours.core.kind import Input, Output
from concours.core.problem import Goal, Part, Problem
from concours.server.actor import VISITOR
from concours.server.database.tables import COMPETITIONS, FILES, OPENINGS, PHASES, RESCORES, SUBMISSIONS
from concours.server.database.texts import json_of, text_of
from concours.server.hosting.opened import Asked, Opened
from concours.server.refusals import Conflict, Forbidden, NotSignedIn, Unfit
from concours.server.services import files, phases, rescoring

D = digest_bytes


def _problem(truth: bytes) -> Problem:
    train = Part(x=D(b"x"), y=D(b"y"), ids=D(b"i"), rows=3)
    return Problem(
        name="flowers",
        kind="tabular-classification",
        input=Input(name="table"),
        output=Output(name="classes", estimator="classifier", joins=("mean",), labels=("a", "b")),
        metrics=(Goal(name="accuracy", greater_is_better=True),),
        train=train,
        folds=D(b"f"),
        n_folds=3,
        test=replace(train, y=D(truth)),
    )


def _opened(truth: bytes) -> Opened:
    asked = Asked(
        phase="", problem=_problem(truth), rows=3, public_rows=1, ids=D(b"i"), id="id", target="y",
        columns=("id", "y"), sample=D(b"s"),
    )  # fmt: skip
    return Opened(asked=(replace(asked, phase="first"), replace(asked, phase="second")))


@pytest.fixture
def two(desk):
    now = datetime.now(UTC)
    first = {"key": "first", "title": "First", "begins": (now - timedelta(days=1)).isoformat()}
    second = {"key": "second", "title": "Second", "begins": (now + timedelta(days=1)).isoformat()}
    numbers = desk.published(first, second, opened=_opened(b"old"))
    with desk.writing() as db:
        of = db.execute(select(COMPETITIONS.c.id)).scalar_one()
        files.put_all(db, of, {path: desk.kept(path.encode()) for path in ("data/train.csv", "truth/test.csv")})
        phases.begin(db, numbers[0])
    return numbers


def _correct(desk, **more):
    asked = {"why": "A column was shifted.", "files": {"truth/test.csv": desk.kept(b"new")}, **more}
    return desk.do(desk.host, "flowers", rescoring.correct, **asked)


def test_a_correction_is_read_beside_what_is_there_and_changes_nothing_before(desk, two):
    found = _correct(desk)
    assert (found.state, found.files) == ("waiting", ("truth/test.csv",))
    with desk.reading() as db:
        job = Job.from_json(json_of(db.execute(select(OPENINGS.c.job)).scalar_one()))
        kept = db.execute(select(FILES.c.digest).where(FILES.c.path == "truth/test.csv")).scalar_one()
    assert job.inputs["truth/test.csv"] == D(b"new")
    assert kept == D(b"truth/test.csv")
    with pytest.raises(Conflict, match="another correction"):
        _correct(desk)


def test_what_cannot_be_read_is_refused_and_all_stays(desk, two):
    number = _correct(desk).id
    with desk.writing() as db:
        rescoring.apply(db, desk.platform.store, number, "the truth has no column 'y'")
        assert [one["name"] for one in desk.signals(db)] == []
    with desk.reading() as db:
        found = rescoring.corrections(db, desk.access(db, desk.host, "flowers"))
        assert (found[0].state, found[0].complaint) == ("refused", "the truth has no column 'y'")
        assert db.execute(select(COMPETITIONS.c.complaint)).scalar_one() == ""


def test_boards_at_work_are_told_once_and_what_has_not_begun_begins_with_it(desk, two):
    number = _correct(desk).id
    new = _problem(b"new")
    for _ in range(2):
        with desk.writing() as db:
            rescoring.apply(db, desk.platform.store, number, _opened(b"new"))
    with desk.reading() as db:
        signals = desk.signals(db)
        assert [(one["name"], one["to"], dict(one["body"])) for one in signals] == [
            ("rescored", f"phase {two[0]}", {"problem": new.digest})
        ]
        assert desk.platform.store.verify(new.digest)
        problems = db.execute(select(PHASES.c.problem).order_by(PHASES.c.number)).scalars().all()
        assert problems == [_problem(b"old").digest, new.digest]
        row = db.execute(select(COMPETITIONS)).one()
        opened = Opened.from_json(json_of(row.opened))
        assert [one.problem.digest for one in opened.asked] == problems
        assert db.execute(select(FILES.c.digest).where(FILES.c.path == "truth/test.csv")).scalar_one() == D(b"new")


def test_who_moved_is_told_beside_the_reason(desk, two):
    with desk.writing() as db:
        mika, omar = (desk.team(db, name) for name in ("Mika", "Omar"))
    number = _correct(desk).id
    with desk.writing() as db:
        rescoring.apply(db, desk.platform.store, number, _opened(b"new"))
        found = rescoring.rescores(db, desk.access(db, VISITOR, "flowers"))
        assert [one.moves for one in found] == [None]
        db.execute(update(RESCORES).values(difference=text_of({f"{mika}": [1, 3], f"{omar}": [None, 1]})))
        found = rescoring.rescores(db, desk.access(db, VISITOR, "flowers"))
    assert found[0].why == "A column was shifted."
    assert [(one.name, one.before, one.after) for one in found[0].moves] == [("Omar", None, 1), ("Mika", 1, 3)]


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"why": " "}, "why"),
        ({"files": {}}, "give a file"),
        ({"files": {"truth/other.csv": files.Kept(digest=D(b""), size=0)}}, "expected one of truth/test.csv"),
        ({"files": {"data/train.csv": files.Kept(digest=D(b""), size=0)}}, "no file of the truth"),
        ({"metrics": [""], "files": {}, "why": ""}, "why"),
    ],
)
def test_a_correction_needs_a_reason_and_files_of_the_truth(desk, two, more, word):
    with pytest.raises(Unfit, match=word):
        _correct(desk, **more)


def test_hosts_alone_correct_and_run_again(desk, two):
    with desk.writing() as db:
        entry = desk.entry(db, two[0], desk.team(db, "Mika"), state="failed")
    for refused, who in ((NotSignedIn, VISITOR), (Forbidden, desk.member)):
        with pytest.raises(refused):
            desk.do(who, "flowers", rescoring.correct, why="x", files={})
        with pytest.raises(refused):
            desk.do(who, "flowers", rescoring.run_again, entry)
        with pytest.raises(refused):
            desk.do(who, "flowers", rescoring.corrections)


@pytest.mark.parametrize("state", ["waiting", "running", "scored", "failed", "stopped"])
def test_what_runs_again_is_a_new_entry_and_neither_counts(desk, two, state):
    with desk.writing() as db:
        mika = desk.team(db, "Mika")
        entry = desk.entry(db, two[0], mika, state=state, final=state == "scored")
    made = [desk.do(desk.host, "flowers", rescoring.run_again, entry) for _ in range(2)]
    with desk.reading() as db:
        rows = {row.id: row for row in db.execute(select(SUBMISSIONS))}
        assert not any(row.charged for row in rows.values())
        assert rows[entry].state == ("stopped" if state in ("waiting", "running") else state)
        assert [rows[number].of for number in made] == [entry, entry]
        assert sum(row.final for row in rows.values()) == (state == "scored")
        names = [(one["name"], one["id"]) for one in desk.signals(db)]
        assert ("joined", str(made[0])) in names
        assert (("withdrawn", f"withdrawn {entry}") in names) == (state in ("waiting", "running"))


def test_a_board_that_is_closed_takes_nothing_any_more(desk, two):
    with desk.writing() as db:
        entry = desk.entry(db, two[0], desk.team(db, "Mika"), state="failed")
        phases.close(db, two[0])
    with pytest.raises(Conflict, match="closing"):
        desk.do(desk.host, "flowers", rescoring.run_again, entry)
