"""What somebody has come to: their places in competitions that have ended."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.engine import Connection

from concours.server.actor import Actor
from concours.server.database.tables import COMPETITIONS, MEMBERS, TEAMS, USERS
from concours.server.refusals import Unknown
from concours.server.services import boards
from concours.server.services.access import accessed
from concours.server.services.stages import stages


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A place that somebody has in a competition that has ended.

    Attributes:
        rank: on the private board of its last phase; none where they have no score there.
        teams: how many have a place.
    """

    competition: str
    title: str
    team: str
    rank: int | None
    teams: int
    ended: str


def finished(db: Connection, actor: Actor, name: str) -> tuple[Finished, ...]:
    """The places of somebody in competitions that have ended and whoever asks may know of, the latest first.

    Raises:
        Unknown: there is nobody of that name.
    """
    user = db.execute(select(USERS.c.id).where(USERS.c.name == name, USERS.c.disabled.is_(None))).scalar()
    if user is None:
        raise Unknown(f"there is nobody called {name!r}")
    rows = db.execute(
        select(COMPETITIONS.c.slug, COMPETITIONS.c.title, COMPETITIONS.c.closed, MEMBERS.c.team, TEAMS.c.name)
        .join(MEMBERS, MEMBERS.c.competition == COMPETITIONS.c.id)
        .join(TEAMS, TEAMS.c.id == MEMBERS.c.team)
        .where(MEMBERS.c.user == user, or_(COMPETITIONS.c.state == "closed", COMPETITIONS.c.state == "archived"))
        .order_by(COMPETITIONS.c.closed.desc())
    ).all()
    found = []
    for slug, title, closed, team, name in rows:
        try:
            access = accessed(db, actor, slug)
        except Unknown:  # it is for members
            continue
        last = stages(db, access)[-1]
        if not last.over:
            continue
        board = boards.board(db, access, last.key)
        ranks = {row.team: row.rank for row in board.rows if row.rank is not None}
        found.append(
            Finished(
                competition=slug, title=title, team=name, rank=ranks.get(team), teams=len(ranks), ended=closed or ""
            )
        )
    return tuple(found)
