"""How often what a board shows beside its scores has changed, so that what is kept of it is known to be old."""

from __future__ import annotations

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from concours.server.database.changes import tell
from concours.server.database.tables import EDITIONS, PHASES, TALLIES


def changed(db: Connection, phase: int) -> None:
    """The board of a phase shows something else from now on, and who looks at it is told."""
    raised = update(EDITIONS).where(EDITIONS.c.phase == phase).values(number=EDITIONS.c.number + 1)
    if not db.execute(raised).rowcount:
        try:
            with db.begin_nested():
                db.execute(insert(EDITIONS).values(phase=phase, number=1))
        except IntegrityError:  # another was quicker
            db.execute(raised)
    tell(db, f"board {phase}")


def sent(db: Connection, phase: int, team: int, now: str) -> None:
    """One more in the tally of a team."""
    its = (TALLIES.c.phase == phase, TALLIES.c.team == team)
    raised = update(TALLIES).where(*its).values(entries=TALLIES.c.entries + 1, last=now)
    if not db.execute(raised).rowcount:
        db.execute(insert(TALLIES).values(phase=phase, team=team, entries=1, last=now))


def all_changed(db: Connection, competition: int) -> None:
    """The boards of all its phases do."""
    ids = select(PHASES.c.id).where(PHASES.c.competition == competition).order_by(PHASES.c.id)
    for phase in db.execute(ids).scalars().all():
        changed(db, phase)


def edition(db: Connection, phase: int) -> int:
    """How often the board of a phase has changed."""
    found = db.execute(select(EDITIONS.c.number).where(EDITIONS.c.phase == phase)).scalar()
    return found or 0
