"""Who takes part: the rules accepted, a team of one made; and who leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from concours.core.digests import digest_bytes
from concours.core.event import utc_now
from concours.server import audit
from concours.server.database.tables import MEMBERS, PAGES, SUBMISSIONS, TEAMS, USERS
from concours.server.refusals import Conflict, Forbidden, NotSignedIn
from concours.server.services import participants
from concours.server.services.access import Access
from concours.server.services.teams import begin, part

NO_RULES: Final = ""
"""The version of the rules where there are none."""

RULES: Final = "rules"
"""The key of the page that has them."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What has to be accepted.

    Attributes:
        version: the digest of the text; empty where there are no rules.
        text: Markdown, as the host wrote it.
        accepted: the version that whoever asks has accepted; none if they are no member.
    """

    version: str
    text: str
    accepted: str | None

    @property
    def holds(self) -> bool:
        """Whether they are a member by these rules."""
        return self.accepted == self.version


@dataclass(frozen=True, kw_only=True)
class Membership:
    """Somebody who takes part: their team, and when they accepted which rules.

    Attributes:
        mail: whether hosts may see their address of mail (`participants.let_mail`).
    """

    competition: str
    team: int
    team_name: str
    accepted: str
    rules: str
    mail: bool


def rules(db: Connection, access: Access) -> Rules:
    """The rules as they are now."""
    its = select(PAGES.c.text).where(PAGES.c.competition == access.competition.id, PAGES.c.key == RULES)
    text = str(db.execute(its).scalar() or "")
    mine = select(MEMBERS.c.rules).where(
        MEMBERS.c.competition == access.competition.id, MEMBERS.c.user == access.actor.user
    )
    version = digest_bytes(text.encode()) if text else NO_RULES
    return Rules(version=version, text=text, accepted=db.execute(mine).scalar())


def require_rules(db: Connection, access: Access) -> None:
    """Raises Forbidden: they are a member by rules that have changed since."""
    if not rules(db, access).holds:
        raise Forbidden("the rules have changed since you accepted them: read them, and accept them again")


def join(db: Connection, access: Access, version: str = NO_RULES) -> Membership:
    """Takes part, with a team of one; or accepts the rules again after they have changed. Idempotent.

    Args:
        version: of the rules that are accepted.

    Raises:
        NotSignedIn. Conflict: the competition takes nobody; or the rules are of another version than that. Forbidden:
            the hosts have removed them.
    """
    if not access.actor.signed_in:
        raise NotSignedIn("sign in first")
    competition = access.competition
    if competition.state != "published":
        raise Conflict(f"nobody can join {competition.title!r}: it is {competition.state}")
    now = rules(db, access)
    if version != now.version:
        what = "accept the rules first" if not version else "the rules have changed"
        raise Conflict(f"{what}: read them, and send their version, {now.version or 'which is empty'}")
    if access.team is None:
        participants.require_welcome(db, access)
        _add(db, access, version)
        audit.write(db, access.actor, "competition.join", competition.slug, {"rules": version})
    elif not now.holds:
        its = (MEMBERS.c.competition == competition.id, MEMBERS.c.user == access.actor.user)
        db.execute(update(MEMBERS).where(*its).values(rules=version, accepted=utc_now()))
        audit.write(db, access.actor, "rules.accept", competition.slug, {"rules": version})
    return mine(db, access)


def _add(db: Connection, access: Access, version: str) -> None:
    competition, user = access.competition.id, access.actor.user
    display = db.execute(select(USERS.c.display).where(USERS.c.id == user)).scalar_one()
    try:
        with db.begin_nested():
            team = begin(db, access, display)
            values = {"competition": competition, "user": user, "team": team, "accepted": utc_now(), "rules": version}
            db.execute(insert(MEMBERS).values(**values))
    except IntegrityError:
        raise Conflict("you are joining already, or somebody took your name for a team just now: join again") from None


def mine(db: Connection, access: Access) -> Membership:
    """How somebody takes part. Raises Forbidden: they do not."""
    row = db.execute(
        select(MEMBERS, TEAMS.c.name)
        .join(TEAMS, TEAMS.c.id == MEMBERS.c.team)
        .where(MEMBERS.c.competition == access.competition.id, MEMBERS.c.user == access.actor.user)
    ).one_or_none()
    if row is None:
        raise Forbidden(f"join {access.competition.title!r} first")
    return Membership(
        competition=access.competition.slug,
        team=row.team,
        team_name=row.name,
        accepted=row.accepted,
        rules=row.rules,
        mail=row.mail,
    )


def leave(db: Connection, access: Access) -> None:
    """Takes part no more.

    Raises:
        Forbidden: they do not take part. Conflict: their team has sent something, which stays on the board.
    """
    found = mine(db, access)
    sent = select(func.count()).where(SUBMISSIONS.c.team == found.team)
    if db.execute(sent).scalar_one():
        raise Conflict("your team has submissions, which stay on the board: ask the hosts if they are to be taken off")
    part(db, access, found.team)
    its = (MEMBERS.c.competition == access.competition.id, MEMBERS.c.user == access.actor.user)
    db.execute(delete(MEMBERS).where(*its))
    audit.write(db, access.actor, "competition.leave", access.competition.slug, {"team": found.team})
