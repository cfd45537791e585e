"""A competition goes its way and no other, whoever presses which button when; a check holds for what was checked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import insert, select, update

from concours.core.event import utc_now
from concours.core.job import Job
from concours.server import audit
from concours.server.actor import Actor
from concours.server.database.tables import COMPETITIONS, OPENINGS, PHASES, SIGNALS, USERS
from concours.server.database.texts import json_of, text_of
from concours.server.hosting.opened import RUNNER
from concours.server.platform import Platform
from concours.server.refusals import Conflict, Refusal, Unfit
from concours.server.services import editing, files, phases, publishing
from concours.server.services.access import accessed
from concours.server.settings import Settings

OPENED = text_of({"asked": [], "files": [], "baselines": [], "reading": [], "warnings": []})


def _fill(desk):
    with desk.writing() as db:
        editing.create(db, desk.host, title="Flowers", slug="flowers")
    for path in ("data/train.csv", "truth/test.csv"):
        desk.do(desk.host, "flowers", files.put, desk.platform.store, path, desk.kept(path.encode()))


def _found(desk, **values):
    """As the conductor writes down what a check came to."""
    with desk.writing() as db:
        db.execute(update(COMPETITIONS).values(state="draft", **values))


def test_a_check_names_what_is_missing_before_anything_is_read(desk):
    with desk.writing() as db:
        editing.create(db, desk.host, title="Flowers", slug="flowers")
    with pytest.raises(Unfit, match=r"task\.data: there is no data/train\.csv; task\.test"):
        desk.do(desk.host, "flowers", publishing.check)


def test_a_check_asks_for_a_job_on_the_files_of_this_version(desk):
    _fill(desk)
    found = desk.do(desk.host, "flowers", publishing.check)
    assert found.state == "checking"
    with desk.reading() as db:
        row = db.execute(select(OPENINGS)).one()
    job = Job.from_json(json_of(row.job))
    assert (row.version, row.state, job.runner) == (found.version, "waiting", RUNNER)
    assert sorted(job.inputs) == ["data/train.csv", "truth/test.csv"]


def test_what_was_checked_is_published_and_not_what_came_after(desk):
    _fill(desk)
    desk.do(desk.host, "flowers", publishing.check)
    _found(desk, complaint="the truth has no column 'target'")
    with pytest.raises(Conflict, match="no column 'target'"):
        desk.do(desk.host, "flowers", publishing.publish)
    _found(desk, complaint="", opened=OPENED)
    desk.do(desk.host, "flowers", files.put, desk.platform.store, "truth/test.csv", desk.kept(b"another"))
    with pytest.raises(Conflict, match="check"):
        desk.do(desk.host, "flowers", publishing.publish)
    _found(desk, complaint="", opened=OPENED)
    assert desk.do(desk.host, "flowers", publishing.publish).state == "published"
    with pytest.raises(Conflict, match="rescore"):
        desk.do(desk.host, "flowers", files.put, desk.platform.store, "truth/test.csv", desk.kept(b"a third"))


def test_what_has_ended_already_is_not_published(desk):
    _fill(desk)
    _found(desk, opened=OPENED)
    with desk.writing() as db:
        db.execute(update(PHASES).values(begins="2020-01-01", ends="2020-01-02"))
    with pytest.raises(Conflict, match="'main' has ended already"):
        desk.do(desk.host, "flowers", publishing.publish)


class Way(RuleBasedStateMachine):
    """Against a model of four lines: what each button does in each state."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.platform = Platform.opened(Settings.of(Path(self.folder.name)))
        with self.platform.database.writing() as db:
            user = db.execute(
                insert(USERS).values(name="hanna", display="Hanna", created=utc_now()).returning(USERS.c.id)
            ).scalar_one()
            self.host = Actor(user=user, name="hanna")
            editing.create(db, self.host, title="Flowers", slug="flowers")
        self.state, self.checked, self.phase = "draft", False, "waiting"
        for path in ("data/train.csv", "truth/test.csv"):
            self._press(files.put, self.platform.store, path, files.Kept(digest="sha256:" + "0" * 64, size=1))

    def teardown(self) -> None:
        self.platform.close()
        self.folder.cleanup()

    def _press(self, service, *more, **named) -> bool:
        try:
            with self.platform.database.writing() as db:
                service(db, accessed(db, self.host, "flowers"), *more, **named)
        except Refusal:
            return False
        return True

    def _row(self):
        with self.platform.database.reading() as db:
            return db.execute(select(COMPETITIONS)).one()

    @rule()
    def check(self) -> None:
        assert self._press(publishing.check) == (self.state == "draft")
        if self.state == "draft":
            self.state, self.checked = "checking", False

    @precondition(lambda self: self.state == "checking")
    @rule()
    def read(self) -> None:
        with self.platform.database.writing() as db:
            db.execute(update(COMPETITIONS).values(state="draft", opened=OPENED))
        self.state, self.checked = "draft", True

    @rule()
    def edit(self) -> None:
        if self.state in ("draft", "checking"):
            changes = {"seed": self._row().version}
            assert self._press(editing.edit, self.platform.store, changes, version=self._row().version)
            self.state, self.checked = "draft", False
        else:
            changes = {"seed": self._row().version + 1000}
            assert not self._press(editing.edit, self.platform.store, changes, version=self._row().version)

    @rule()
    def publish(self) -> None:
        may = self.state == "draft" and self.checked
        assert self._press(publishing.publish) == may
        self.state = "published" if may else self.state

    @rule()
    def time_passes(self) -> None:
        later = (datetime.now(UTC) + timedelta(days=30)).isoformat(timespec="microseconds")
        with self.platform.database.writing() as db:
            due = phases.due(db, later)
            for phase in due.begin:
                phases.begin(db, phase)
        assert bool(due.begin) == (self.state == "published" and self.phase == "waiting")
        self.phase = "open" if due.begin else self.phase

    @rule()
    def close(self) -> None:
        assert self._press(publishing.close) == (self.state == "published")
        if self.state == "published":
            self.state, self.phase = "closed", "closing" if self.phase == "open" else "closed"

    @rule()
    def scored(self) -> None:
        with self.platform.database.writing() as db:
            phases.end(db, db.execute(select(PHASES.c.id)).scalar_one())
        self.phase = "closed" if self.phase == "closing" else self.phase

    @rule()
    def archive(self) -> None:
        may = self.state == "closed" and self.phase == "closed"
        assert self._press(publishing.archive) == may
        self.state = "archived" if may else self.state

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        row = self._row()
        with self.platform.database.reading() as db:
            phase = db.execute(select(PHASES.c.state)).scalar_one()
            closings = db.execute(select(SIGNALS.c.number)).all()
            assert audit.verify(db).fault == ""
        assert (row.state, phase) == (self.state, self.phase)
        assert (row.opened is not None) == (self.checked or self.state in ("published", "closed", "archived"))
        assert len(closings) <= 1


Way.TestCase.settings = settings(max_examples=8, stateful_step_count=15)
TestWay = Way.TestCase
