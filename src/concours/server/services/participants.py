"""Who takes part in a competition, as its hosts see them: a list, a table to keep, and somebody removed.

Hosts see an address of mail only of who has said that they may; nobody has at first.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, update
from sqlalchemy.engine import Connection

from concours.core.event import utc_now
from concours.core.sheets import as_text
from concours.engine.inbox import new_signal
from concours.server import audit
from concours.server.database import inbox
from concours.server.database.tables import MEMBERS, PHASES, REMOVALS, SUBMISSIONS, TEAMS, USERS
from concours.server.refusals import Forbidden, Unfit, Unknown
from concours.server.services import editions
from concours.server.services.access import Access, Rule
from concours.server.services.editing import locked

_MOST: Final = 500
_LONGEST: Final = 2000


@dataclass(frozen=True, kw_only=True)
class Participant:
    """Somebody who takes part.

    Attributes:
        team: the name of their team.
        joined: when they accepted the rules, UTC.
        submissions: how many they have sent, and when the latest; empty where none.
        mail: their address, where they have said that hosts may see it.
    """

    user: str
    display: str
    team: str
    joined: str
    submissions: int
    latest: str
    mail: str


@dataclass(frozen=True, kw_only=True)
class Removal:
    """Somebody who was removed: by whom, when, and why."""

    user: str
    by: str
    at: str
    why: str


def listed(
    db: Connection, access: Access, *, search: str = "", offset: int = 0, limit: int = 100
) -> tuple[tuple[Participant, ...], int]:
    """Participants by name, and how many there are. Raises Forbidden.

    Args:
        search: what a name, a display name or the name of a team contains.
    """
    access.require(Rule.HOST)
    found: list[ColumnElement[bool]] = [MEMBERS.c.competition == access.competition.id]
    if search:
        columns = (USERS.c.name, USERS.c.display, TEAMS.c.name)
        found.append(or_(*(column.icontains(search, autoescape=True) for column in columns)))
    sent = (
        select(SUBMISSIONS.c.user, func.count().label("sent"), func.max(SUBMISSIONS.c.at).label("latest"))
        .where(SUBMISSIONS.c.competition == access.competition.id, SUBMISSIONS.c.team.is_not(None))
        .group_by(SUBMISSIONS.c.user)
        .subquery()
    )
    query = (
        select(USERS, MEMBERS.c.accepted, MEMBERS.c.mail, TEAMS.c.name.label("team"), sent.c.sent, sent.c.latest)
        .join(MEMBERS, MEMBERS.c.user == USERS.c.id)
        .join(TEAMS, TEAMS.c.id == MEMBERS.c.team)
        .outerjoin(sent, sent.c.user == USERS.c.id)
        .where(*found)
    )
    total = db.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    rows = db.execute(query.order_by(USERS.c.name).offset(max(0, offset)).limit(min(max(1, limit), _MOST)))
    people = tuple(
        Participant(
            user=row.name,
            display=row.display,
            team=row.team,
            joined=row.accepted,
            submissions=row.sent or 0,
            latest=row.latest or "",
            mail=(row.email or "") if row.mail else "",
        )
        for row in rows
    )
    return people, total


def table(db: Connection, access: Access) -> str:
    """All participants as CSV; no spreadsheet runs a cell of it. Raises Forbidden."""
    access.require(Rule.HOST)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [field.name for field in fields(Participant)]
    writer.writerow(names)
    offset = 0
    while people := listed(db, access, offset=offset, limit=_MOST)[0]:
        writer.writerows([as_text(str(getattr(one, name))) for name in names] for one in people)
        offset += len(people)
    return text.getvalue()


def let_mail(db: Connection, access: Access, *, shown: bool) -> None:
    """Says whether hosts may see one's own address of mail. Raises NotSignedIn, Forbidden: they take no part."""
    access.require(Rule.MEMBER)
    mine = (MEMBERS.c.competition == access.competition.id, MEMBERS.c.user == access.actor.user)
    if not db.execute(update(MEMBERS).where(*mine).values(mail=shown)).rowcount:
        raise Forbidden(f"join {access.competition.title!r} first")


def remove(db: Connection, access: Access, user: str, *, why: str) -> None:
    """Somebody takes part no more, and cannot join again.

    What they have sent stays where others are in their team; else it is taken off the boards that are open.

    Raises:
        Forbidden. Unfit: there is no reason. Unknown: nobody of that name takes part.
    """
    row = locked(db, access)
    if not why.strip() or len(why) > _LONGEST:
        raise Unfit(f"why: say in 1 to {_LONGEST:,} letters why; it stands in the audit log")
    found = db.execute(
        select(MEMBERS.c.user, MEMBERS.c.team)
        .join(USERS, USERS.c.id == MEMBERS.c.user)
        .where(MEMBERS.c.competition == row.id, USERS.c.name == user)
    ).one_or_none()
    if found is None:
        raise Unknown(f"nobody called {user[:60]!r} takes part in {row.title!r}")
    db.execute(select(TEAMS.c.id).where(TEAMS.c.id == found.team).with_for_update())  # nothing of theirs is on its way
    db.execute(delete(MEMBERS).where(MEMBERS.c.competition == row.id, MEMBERS.c.user == found.user))
    values = {"competition": row.id, "user": found.user, "by": access.actor.user, "at": utc_now(), "why": why.strip()}
    db.execute(insert(REMOVALS).values(**values))
    next_leader = db.execute(
        select(MEMBERS.c.user).where(MEMBERS.c.team == found.team).order_by(MEMBERS.c.accepted, MEMBERS.c.user).limit(1)
    ).scalar()
    if next_leader is None:
        _take_off(db, found.team)
    else:
        led = (TEAMS.c.id == found.team, TEAMS.c.leader == found.user)
        db.execute(update(TEAMS).where(*led).values(leader=next_leader))
    editions.all_changed(db, row.id)
    audit.write(db, access.actor, "participant.remove", row.slug, {"user": user, "why": why.strip()})


def readmit(db: Connection, access: Access, user: str) -> None:
    """Lets somebody join again who was removed. Raises Forbidden; Unknown: nobody of that name was."""
    row = locked(db, access)
    number = select(USERS.c.id).where(USERS.c.name == user).scalar_subquery()
    if not db.execute(delete(REMOVALS).where(REMOVALS.c.competition == row.id, REMOVALS.c.user == number)).rowcount:
        raise Unknown(f"nobody called {user[:60]!r} was removed from {row.title!r}")
    audit.write(db, access.actor, "participant.readmit", row.slug, {"user": user})


def removed(db: Connection, access: Access) -> tuple[Removal, ...]:
    """Who was removed, the latest first. Raises Forbidden."""
    access.require(Rule.HOST)
    by = USERS.alias()
    rows = db.execute(
        select(USERS.c.name.label("user"), by.c.name.label("by"), REMOVALS.c.at, REMOVALS.c.why)
        .join(USERS, USERS.c.id == REMOVALS.c.user)
        .join(by, by.c.id == REMOVALS.c.by)
        .where(REMOVALS.c.competition == access.competition.id)
        .order_by(REMOVALS.c.at.desc(), USERS.c.name)
    )
    return tuple(Removal(**row._mapping) for row in rows)


def require_welcome(db: Connection, access: Access) -> None:
    """Raises Forbidden: whoever asks was removed, and may not join again."""
    mine = (REMOVALS.c.competition == access.competition.id, REMOVALS.c.user == access.actor.user)
    if why := db.execute(select(REMOVALS.c.why).where(*mine)).scalar():
        raise Forbidden(f"the hosts have removed you from {access.competition.title!r}: {why}")


def _take_off(db: Connection, team: int) -> None:
    """Takes what a team has sent off the boards that are open."""
    rows: Any = db.execute(
        select(SUBMISSIONS.c.id, SUBMISSIONS.c.phase)
        .join(PHASES, PHASES.c.id == SUBMISSIONS.c.phase)
        .where(SUBMISSIONS.c.team == team, SUBMISSIONS.c.state != "stopped", PHASES.c.state.in_(("waiting", "open")))
        .order_by(SUBMISSIONS.c.id)
    ).all()
    for row in rows:
        signal = new_signal("withdrawn", {"entry": str(row.id)}, to=f"phase {row.phase}", id=f"withdrawn {row.id}")
        inbox.put(db, signal)
        taken = {"state": "stopped", "final": False}
        db.execute(update(SUBMISSIONS).where(SUBMISSIONS.c.id == row.id).values(**taken))
