"""What somebody is to a competition, and what that lets them do: decided here, for pages and API alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.engine import Connection, Row

from concours.server.actor import Actor
from concours.server.database.tables import COMPETITIONS, HOSTS, MEMBERS
from concours.server.refusals import Forbidden, NotSignedIn, Unknown


class Rule(Enum):
    """Who may use a route."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    READER = "reader"
    MEMBER = "member"
    HOST = "host"
    ADMINISTRATOR = "administrator"
    WORKER = "worker"


OF_A_COMPETITION = frozenset({Rule.READER, Rule.MEMBER, Rule.HOST})
"""Rules that say what somebody must be to the competition that the route names. A reader may see its pages: anybody,
where it is visible to all and published; else members and hosts."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Somebody before a competition that they may know of.

    Attributes:
        competition: its row in `COMPETITIONS`.
        team: of theirs, if they are members.
    """

    actor: Actor
    competition: Row[Any]
    host: bool
    team: int | None

    @property
    def member(self) -> bool:
        return self.team is not None

    def require(self, rule: Rule) -> None:
        """Raises NotSignedIn, Forbidden: they are not what the rule asks for."""
        if rule is Rule.READER or self.host or (rule is Rule.MEMBER and self.member):
            return
        if not self.actor.signed_in:
            raise NotSignedIn("sign in first")
        if rule is Rule.MEMBER:
            raise Forbidden(f"join {self.competition.title!r} first")
        raise Forbidden(f"this is for the hosts of {self.competition.title!r}")


def accessed(db: Connection, actor: Actor, slug: str) -> Access:
    """What somebody is to a competition.

    Raises:
        Unknown: there is none of that name, or they may not know of it: drafts are known to hosts alone, those for
            members to members. Of whoever comes with a token, a host is who has the scope `host`.
    """
    row = db.execute(
        select(COMPETITIONS, HOSTS.c.user.label("hosting"), MEMBERS.c.team.label("team_of"))
        .outerjoin(HOSTS, and_(HOSTS.c.competition == COMPETITIONS.c.id, HOSTS.c.user == actor.user))
        .outerjoin(MEMBERS, and_(MEMBERS.c.competition == COMPETITIONS.c.id, MEMBERS.c.user == actor.user))
        .where(COMPETITIONS.c.slug == slug)
    ).one_or_none()
    if row is not None:
        host = actor.may("host") and (row.hosting is not None or actor.administrator)
        published = row.state not in ("draft", "checking")
        if host or (published and (row.visibility == "all" or row.team_of is not None)):
            return Access(actor=actor, competition=row, host=host, team=row.team_of)
    raise Unknown(f"there is no competition {slug!r}")


def require(actor: Actor, rule: Rule) -> None:
    """Of rules that no competition is needed for. Raises NotSignedIn, Forbidden."""
    if rule is Rule.ANYONE:
        return
    if not actor.signed_in:
        raise NotSignedIn("sign in first")
    if rule is Rule.ADMINISTRATOR and not actor.administrator:
        raise Forbidden("this is for administrators")
    if rule is Rule.WORKER and not (actor.scopes and "work" in actor.scopes):
        raise Forbidden("this is for workers, who have tokens of their own")
