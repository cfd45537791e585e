"""Whose jobs a worker may have.

A job brings what teams have sent, and to a host's scorer the truth; and a worker says what came of it. So a host's
worker has the jobs of the competitions that its owner hosts, as they are now, and those of administrators and of the
platform itself have all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.engine import Connection

from concours.server.accounts.own_workers import NAME
from concours.server.database.tables import HOSTS, USERS


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Owners of jobs (`WORK.owner`); none where it is all of them."""

    owners: frozenset[str] | None

    @property
    def named(self) -> dict[str, Any]:
        """As `statements` have it."""
        return {"of_all": self.owners is None, "of_owners": sorted(self.owners or ())}


EVERYTHING: Final = Reach(owners=None)


def owner_of(competition: int) -> str:
    """The owner of the jobs of a competition."""
    return f"competition {competition}"


def reach_of(db: Connection, user: int | None) -> Reach:
    """What the workers of somebody may have now."""
    trusted = or_(USERS.c.administrator, USERS.c.name == NAME)
    if db.execute(select(USERS.c.id).where(USERS.c.id == user, trusted)).first():
        return EVERYTHING
    hosted = db.execute(select(HOSTS.c.competition).where(HOSTS.c.user == user)).scalars()
    return Reach(owners=frozenset(map(owner_of, hosted)))
