"""The entries that a team is ranked by in the end: up to two of a phase, chosen before it ends."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from concours.core.event import utc_now
from concours.server import audit
from concours.server.database.changes import tell
from concours.server.database.tables import PLACES, SUBMISSIONS, TEAMS
from concours.server.refusals import Conflict, Unknown
from concours.server.services.access import Access
from concours.server.services.stages import Stage, stage
from concours.server.services.teams import MOST_FINALS, own


@dataclass(frozen=True, kw_only=True)
class Finals:
    """What a team is ranked by in the end.

    Attributes:
        chosen: numbers of submissions.
        default: what counts if none is chosen: the one with the best public score; none if nothing has a score.
        most: how many may be chosen.
    """

    phase: str
    chosen: tuple[int, ...]
    default: int | None
    most: int


def chosen(db: Connection, access: Access, phase: str = "", *, now: str = "") -> Finals:
    """What one's own team has chosen in a phase, by default the one that is open. Raises Forbidden, Unknown."""
    return _finals(db, own(access), stage(db, access, phase, now or utc_now()))


def choose(db: Connection, access: Access, ids: tuple[int, ...], phase: str = "", *, now: str = "") -> Finals:
    """Chooses these and no others; none at all brings the default back.

    Raises:
        Conflict: the phase takes nothing any more, they are too many, or one of them has no score. Unknown: one is not
            a submission of the team's in this phase.
    """
    now = now or utc_now()
    team, of = own(access), stage(db, access, phase, now)
    db.execute(select(TEAMS.c.id).where(TEAMS.c.id == team).with_for_update()).one()
    if not of.open_at(now):
        raise Conflict(f"{of.why_closed(now)}; what was chosen then counts")
    wanted = sorted(set(ids))
    if len(wanted) > MOST_FINALS:
        raise Conflict(f"up to {MOST_FINALS} submissions are chosen, got {len(wanted)}")
    its = (SUBMISSIONS.c.team == team, SUBMISSIONS.c.phase == of.id)
    asked = select(SUBMISSIONS.c.id, SUBMISSIONS.c.state).where(*its, SUBMISSIONS.c.id.in_(wanted))
    states = {row.id: row.state for row in db.execute(asked)}
    for id in wanted:
        if id not in states:
            raise Unknown(f"your team has no submission {id} in phase {of.key!r}")
        if states[id] != "scored":
            raise Conflict(f"submission {id} is {states[id]}: only what has a score can be chosen")
    db.execute(update(SUBMISSIONS).where(*its).values(final=SUBMISSIONS.c.id.in_(wanted)))
    tell(db, *(f"submission {id}" for id in wanted))
    audit.write(db, access.actor, "finals.choose", str(team), {"phase": of.id, "submissions": wanted})
    return _finals(db, team, of)


def _finals(db: Connection, team: int, of: Stage) -> Finals:
    its = (SUBMISSIONS.c.team == team, SUBMISSIONS.c.phase == of.id)
    ids = (
        db.execute(select(SUBMISSIONS.c.id).where(*its, SUBMISSIONS.c.final).order_by(SUBMISSIONS.c.id)).scalars().all()
    )
    first = (
        select(PLACES.c.entry)
        .join(SUBMISSIONS, SUBMISSIONS.c.id == PLACES.c.entry)
        .where(*its, PLACES.c.board == of.board, PLACES.c.part == "public")
        .order_by(PLACES.c.number)
        .limit(1)
    )
    return Finals(phase=of.key, chosen=tuple(ids), default=db.execute(first).scalar(), most=MOST_FINALS)
