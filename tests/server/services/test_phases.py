"""Phases begin and end by their dates, once; finals go to the board, and what was chosen enters the next phase."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from concours.core.digests import digest_bytes
from concours.core.event import utc_now
from concours.server.database.tables import COMPETITIONS, PHASES, SUBMISSIONS
from concours.server.hosting.opened import Opened
from concours.server.services import phases, publishing

FILE = digest_bytes(b"a file")
BASELINES = [
    {"name": "Guessing", "baseline": True, "recipe": "dummy", "params": {}, "prepare": "none"},
    {"name": "Sample", "baseline": True, "file": FILE, "called": "sample.csv"},
]


def _at(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="microseconds")


@pytest.fixture
def two(desk):
    """A published competition of two phases, the first of which hands over; and their numbers."""
    first = {"key": "first", "title": "First", "begins": _at(-2), "ends": _at(-1), "hand_over": True}
    second = {"key": "second", "title": "Second", "begins": _at(1)}
    return desk.published(first, second, opened=Opened(baselines=tuple(BASELINES)))


def test_what_is_due_follows_dates_and_states(desk, two):
    first, second = two
    with desk.writing() as db:
        assert phases.due(db, utc_now()) == phases.Due(begin=(first,), end=())
        phases.begin(db, first)
        assert phases.due(db, utc_now()) == phases.Due(begin=(), end=(first,))
        assert phases.due(db, _at(2)) == phases.Due(begin=(second,), end=(first,))
        db.execute(update(COMPETITIONS).values(state="draft"))
        assert phases.due(db, _at(2)) == phases.Due(begin=(), end=())


def test_baselines_enter_when_a_phase_opens_and_once(desk, two):
    for _ in range(2):
        with desk.writing() as db:
            phases.begin(db, two[0])
            db.execute(update(PHASES).where(PHASES.c.id == two[0]).values(state="waiting"))
    with desk.reading() as db:
        rows = db.execute(select(SUBMISSIONS).order_by(SUBMISSIONS.c.id)).all()
        assert [(row.name, row.team, row.charged, row.brings) for row in rows] == [
            ("Guessing", None, False, "code"),
            ("Sample", None, False, "predictions"),
        ]
        assert [signal["body"] for signal in desk.signals(db)] == BASELINES
        assert [signal["id"] for signal in desk.signals(db)] == [str(row.id) for row in rows]


def test_a_board_is_closed_with_the_finals_that_stand(desk, two):
    with desk.writing() as db:
        phases.begin(db, two[0])
        mika, omar = desk.team(db, "Mika"), desk.team(db, "Omar")
        chosen = [desk.entry(db, two[0], mika, final=True) for _ in range(2)]
        desk.entry(db, two[0], mika)
        desk.entry(db, two[0], omar, final=True, state="stopped")
        for _ in range(2):
            phases.close(db, two[0])
        closing = [signal for signal in desk.signals(db) if signal["name"] == "closed"]
        assert [(signal["id"], signal["to"]) for signal in closing] == [(f"close {two[0]}", f"phase {two[0]}")]
        assert closing[0]["body"] == {"finals": {str(mika): [str(entry) for entry in chosen]}}
        assert db.execute(select(PHASES.c.state).where(PHASES.c.id == two[0])).scalar() == "closing"


def test_what_was_chosen_is_handed_over_and_else_the_best_and_once(desk, two):
    with desk.writing() as db:
        phases.begin(db, two[0])
        mika, omar, nils = desk.team(db, "Mika"), desk.team(db, "Omar"), desk.team(db, "Nils")
        gone = desk.team(db, "Gone", into=nils)
        final = desk.entry(db, two[0], mika, final=True)
        other = desk.entry(db, two[0], mika)
        best = desk.entry(db, two[0], omar)
        code = desk.entry(db, two[0], nils, final=True, brings="code")
        merged = desk.entry(db, two[0], gone, final=True)
        desk.places(db, two[0], [(mika, other), (omar, best), (nils, code)])
        phases.close(db, two[0])
        phases.end(db, two[0])
        new = db.execute(select(SUBMISSIONS).where(SUBMISSIONS.c.phase == two[1]).order_by(SUBMISSIONS.c.of)).all()
        assert [(row.of, row.team, row.charged, row.final) for row in new] == [
            (final, mika, False, False),
            (best, omar, False, False),
            (merged, nils, False, False),
        ]
        assert phases.hand_over(db, two[0]) == ()
        joined = [signal for signal in desk.signals(db) if signal["to"] == f"phase {two[1]}"]
        assert [signal["id"] for signal in joined] == [str(row.id) for row in new]
        assert joined[0]["body"] == {"name": "entry", "team": str(mika), "file": FILE, "called": "entry.csv"}


def test_with_its_last_phase_a_competition_is_closed_and_can_be_archived_then(desk, two):
    with desk.writing() as db:
        phases.begin(db, two[0])
        phases.begin(db, two[1])
        phases.close(db, two[0])
        phases.end(db, two[0])
        assert db.execute(select(COMPETITIONS.c.state)).scalar() == "published"
        phases.close(db, two[1])
        phases.end(db, two[1])
        assert db.execute(select(COMPETITIONS.c.state)).scalar() == "closed"
    assert desk.do(desk.host, "flowers", publishing.archive).state == "archived"
