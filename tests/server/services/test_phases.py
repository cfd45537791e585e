"""Phases begin and end by their dates, once; finals go to the board, and what was chosen enters the next phase."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from concours.core.digests import digest_bytes
from concours.core.event import utc_now
from concours.server.database.tables import COMPETITIONS, PHASES, PLACES, SIGNALS, SUBMISSIONS, TEAMS
from concours.server.database.texts import json_of, text_of
from concours.server.services import editing, phases, publishing

FILE = digest_bytes(b"a file")
BASELINES = [
    {"name": "Guessing", "baseline": True, "recipe": "dummy", "params": {}, "prepare": "none"},
    {"name": "Sample", "baseline": True, "file": FILE, "called": "sample.csv"},
]
OPENED = text_of({"asked": [], "files": [], "baselines": BASELINES, "reading": [], "warnings": []})


def _at(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="microseconds")


@pytest.fixture
def two(desk):
    """A published competition of two phases, the first of which hands over; and their numbers."""
    with desk.writing() as db:
        editing.create(db, desk.host, title="Flowers", slug="flowers")
    first = {"key": "first", "title": "First", "begins": _at(-2), "ends": _at(-1), "hand_over": True}
    second = {"key": "second", "title": "Second", "begins": _at(1)}
    store = desk.platform.store
    desk.do(desk.host, "flowers", editing.edit, store, {"phases": [first, second]}, version=1)
    with desk.writing() as db:
        db.execute(update(COMPETITIONS).values(state="published", opened=OPENED))
        return tuple(db.execute(select(PHASES.c.id).order_by(PHASES.c.number)).scalars())


def _team(db: Any, name: str, into: int | None = None) -> int:
    competition = db.execute(select(COMPETITIONS.c.id)).scalar_one()
    values = {"competition": competition, "name": name, "leader": 1, "created": utc_now(), "into": into}
    return db.execute(insert(TEAMS).values(**values).returning(TEAMS.c.id)).scalar_one()


def _entry(db: Any, phase: int, team: int, **more: Any) -> int:
    values = {
        "competition": db.execute(select(COMPETITIONS.c.id)).scalar_one(),
        "phase": phase,
        "team": team,
        "user": 1,
        "name": "entry",
        "brings": "predictions",
        "called": "entry.csv",
        "digest": FILE,
        "size": 6,
        "at": utc_now(),
        "state": "scored",
    }
    return db.execute(insert(SUBMISSIONS).values(**{**values, **more}).returning(SUBMISSIONS.c.id)).scalar_one()


def _signals(db: Any) -> list[dict[str, Any]]:
    return [json_of(text) for text in db.execute(select(SIGNALS.c.signal).order_by(SIGNALS.c.number)).scalars()]


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
        assert [signal["body"] for signal in _signals(db)] == BASELINES
        assert [signal["id"] for signal in _signals(db)] == [str(row.id) for row in rows]


def test_a_board_is_closed_with_the_finals_that_stand(desk, two):
    with desk.writing() as db:
        phases.begin(db, two[0])
        mika, omar = _team(db, "Mika"), _team(db, "Omar")
        chosen = [_entry(db, two[0], mika, final=True) for _ in range(2)]
        _entry(db, two[0], mika)
        _entry(db, two[0], omar, final=True, state="stopped")
        for _ in range(2):
            phases.close(db, two[0])
        closing = [signal for signal in _signals(db) if signal["name"] == "closed"]
        assert [(signal["id"], signal["to"]) for signal in closing] == [(f"close {two[0]}", f"phase {two[0]}")]
        assert closing[0]["body"] == {"finals": {str(mika): [str(entry) for entry in chosen]}}
        assert db.execute(select(PHASES.c.state).where(PHASES.c.id == two[0])).scalar() == "closing"


def test_what_was_chosen_is_handed_over_and_else_the_best_and_once(desk, two):
    with desk.writing() as db:
        phases.begin(db, two[0])
        mika, omar, nils = _team(db, "Mika"), _team(db, "Omar"), _team(db, "Nils")
        gone = _team(db, "Gone", into=nils)
        final = _entry(db, two[0], mika, final=True)
        other = _entry(db, two[0], mika)
        best = _entry(db, two[0], omar)
        code = _entry(db, two[0], nils, final=True, brings="code")
        merged = _entry(db, two[0], gone, final=True)
        for place, (team, entry) in enumerate([(mika, other), (omar, best), (nils, code)]):
            line = {"board": f"phase {two[0]}", "part": "public", "entry": entry, "team": str(team), "number": place}
            db.execute(insert(PLACES).values(**line, line="{}"))
        phases.close(db, two[0])
        phases.end(db, two[0])
        new = db.execute(select(SUBMISSIONS).where(SUBMISSIONS.c.phase == two[1]).order_by(SUBMISSIONS.c.of)).all()
        assert [(row.of, row.team, row.charged, row.final) for row in new] == [
            (final, mika, False, False),
            (best, omar, False, False),
            (merged, nils, False, False),
        ]
        assert phases.hand_over(db, two[0]) == ()
        joined = [signal for signal in _signals(db) if signal["to"] == f"phase {two[1]}"]
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
