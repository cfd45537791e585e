"""What whoever runs a platform watches, as numbers of the database: a few queries, whose answers are small."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import Connection

from concours.server.database.tables import (
    APPLIED,
    COMPETITIONS,
    COUNTERS,
    FILES,
    JOURNAL,
    OPENINGS,
    SIGNALS,
    SUBMISSIONS,
    USERS,
)
from concours.server.database.work_tables import WORK, WORKERS

BOUNDS: Final = (0.1, 0.2, 0.3, 0.5, 1.0, 1.5, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, float("inf"))
"""Upper ends, in seconds, by which the times from accept to score are counted."""

_THERE_S: Final = 90.0
_SCORED: Final = "scored"


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """How a platform stands.

    Attributes:
        submissions: that there are, by state.
        scored: how many were scored within each of `BOUNDS`, and no sooner, since the platform began.
        scored_s: seconds that all of these took together, from when they were accepted.
        signals: that came in for boards, and that no journal has yet.
        behind: records of journals that pages do not show yet.
        jobs: of leased workers, by state, `waiting` or `leased`.
        oldest_s: for how many seconds the job that waits longest does; 0 where none does.
        workers: that were seen within 90 s, by whether they can make a sandbox.
        openings: competitions whose data is to be read.
        stored: bytes that rows name, by whether they are files of competitions or submissions.
        competitions: by state.
    """

    submissions: Mapping[str, int]
    scored: Mapping[float, int]
    scored_s: float
    signals: int
    behind: int
    jobs: Mapping[str, int]
    oldest_s: float
    workers: Mapping[bool, int]
    openings: int
    stored: Mapping[str, int]
    competitions: Mapping[str, int]
    users: int


def numbers(db: Connection) -> Numbers:
    """Counts."""
    scored, scored_s = _scored(db)
    jobs = _counted(db, WORK.c.state, WORK.c.state.in_(("waiting", "leased")))
    oldest = db.execute(select(func.min(WORK.c.asked)).where(WORK.c.state == "waiting")).scalar()
    seen = (datetime.now(UTC) - timedelta(seconds=_THERE_S)).isoformat(timespec="microseconds")
    last = select(func.max(JOURNAL.c.number)).where(JOURNAL.c.board == APPLIED.c.board).scalar_subquery()
    return Numbers(
        submissions=_counted(db, SUBMISSIONS.c.state),
        scored=scored,
        scored_s=scored_s,
        signals=_value(db, select(func.count()).select_from(SIGNALS)),
        behind=_value(db, select(func.sum(last - APPLIED.c.number))),
        jobs=jobs,
        oldest_s=max(0.0, _age(oldest)) if oldest else 0.0,
        workers=_counted(db, WORKERS.c.sandbox == "", WORKERS.c.seen >= seen),
        openings=_value(db, select(func.count()).where(OPENINGS.c.state == "waiting")),
        stored={
            "files": _value(db, select(func.sum(FILES.c.size))),
            "submissions": _value(db, select(func.sum(SUBMISSIONS.c.size))),
        },
        competitions=_counted(db, COMPETITIONS.c.state),
        users=_value(db, select(func.count()).select_from(USERS)),
    )


def count_scored(db: Connection, board: str, submission: int) -> None:
    """Counts the time that a submission took, in the transaction that first says that it is scored.

    Each board has counters of its own, for one process alone writes them: no two wait for one another.
    """
    waited = (
        SUBMISSIONS.c.id == submission,
        SUBMISSIONS.c.of.is_(None),
        SUBMISSIONS.c.state.in_(("waiting", "running")),
    )
    at = db.execute(select(SUBMISSIONS.c.at).where(*waited)).scalar()
    if at is None:
        return
    seconds = max(0.0, _age(at))
    bound = next(end for end in BOUNDS if seconds <= end)
    for name, more in ((f"{_SCORED} {bound} {board}", 1.0), (f"{_SCORED} s {board}", seconds)):
        mine = COUNTERS.c.name == name
        if not db.execute(update(COUNTERS).where(mine).values(value=COUNTERS.c.value + more)).rowcount:
            db.execute(insert(COUNTERS).values(name=name, value=more))


def _scored(db: Connection) -> tuple[dict[float, int], float]:
    found, seconds = dict.fromkeys(BOUNDS, 0), 0.0
    rows = db.execute(select(COUNTERS.c.name, COUNTERS.c.value).where(COUNTERS.c.name.startswith(f"{_SCORED} ")))
    for name, value in rows:
        what = name.split()[1]
        if what == "s":
            seconds += value
        else:
            found[float(what)] += int(value)
    return found, seconds


def _age(at: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()


def _value(db: Connection, query: Any) -> int:
    return int(db.execute(query).scalar() or 0)


def _counted(db: Connection, by: Any, *where: Any) -> dict[Any, int]:
    of = by.label("of")
    return {row.of: row.many for row in db.execute(select(of, func.count().label("many")).where(*where).group_by(of))}
