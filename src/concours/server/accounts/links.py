"""Links that serve once: how the first administrator, who is invited, and who lost a password come in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection

from concours.core.event import utc_now
from concours.server import audit
from concours.server.accounts.secrets import digest_of, made
from concours.server.accounts.sessions import in_future
from concours.server.accounts.users import row_of
from concours.server.actor import Actor
from concours.server.database.tables import LINKS, USERS
from concours.server.refusals import Unfit, Unknown
from concours.server.settings import Settings

PURPOSES: Final[Mapping[str, int]] = {"first": 7, "recovery": 1, "invitation": 14}
"""What a link is for, and for how many days it holds. first: who opens it becomes an administrator. recovery: its user
takes a new password. invitation: who opens it may register, whatever registration is otherwise."""

_PATH: Final = "/links/"


@dataclass(frozen=True, kw_only=True)
class Link:
    """One that still serves.

    Attributes:
        user, name: whose password it sets anew, of `recovery`.
    """

    purpose: str
    user: int | None
    name: str | None


def first_link(db: Connection, settings: Settings) -> str | None:
    """The link by which the first administrator comes in; none where there is an administrator. One that was made
    before and not used serves no more."""
    if db.execute(select(USERS.c.id).where(USERS.c.administrator).limit(1)).first():
        return None
    db.execute(delete(LINKS).where(LINKS.c.purpose == "first"))
    return _added(db, settings, "first", None)


def add(db: Connection, who: Actor, settings: Settings, purpose: str, name: str | None = None) -> str:
    """An administrator's link for somebody, whole, to be handed to them.

    Args:
        name: the user's, for `recovery`.

    Raises:
        Unfit: there is no such purpose, or it does not go with a name.
        Unknown: there is nobody of that name.
    """
    if purpose not in ("recovery", "invitation") or (purpose == "recovery") != (name is not None):
        raise Unfit(f"purpose: expected recovery, with a user, or invitation, without; got {purpose[:20]!r}")
    user = None if name is None else int(row_of(db, name).id)
    link = _added(db, settings, purpose, user)
    audit.write(db, who, "link.add", name or "", {"purpose": purpose})
    return link


def look(db: Connection, secret: str) -> Link:
    """What a link is for. Raises Unknown: it has served, or has ended, or is none."""
    row = db.execute(
        select(LINKS.c.purpose, LINKS.c.user, USERS.c.name)
        .outerjoin(USERS, USERS.c.id == LINKS.c.user)
        .where(LINKS.c.digest == digest_of(secret), LINKS.c.used.is_(None), LINKS.c.ends > utc_now())
    ).one_or_none()
    if row is None:
        raise Unknown("this link has served already, or has ended: ask for a new one")
    return Link(**row._mapping)


def take(db: Connection, secret: str) -> Link:
    """The same, and from now on it serves no more: of two at once, one alone gets it. Raises Unknown."""
    link = look(db, secret)
    taken = db.execute(
        update(LINKS).where(LINKS.c.digest == digest_of(secret), LINKS.c.used.is_(None)).values(used=utc_now())
    )
    if not taken.rowcount:
        raise Unknown("this link has served already, or has ended: ask for a new one")
    return link


def forget_ended(db: Connection) -> None:
    """Takes away those that serve no more."""
    db.execute(delete(LINKS).where(LINKS.c.ends <= utc_now()))


def _added(db: Connection, settings: Settings, purpose: str, user: int | None) -> str:
    secret = made()
    days = PURPOSES[purpose]
    values = {"purpose": purpose, "user": user, "created": utc_now(), "ends": in_future(days * 86400)}
    db.execute(insert(LINKS).values(digest=digest_of(secret), **values))
    return f"{settings.address}{_PATH}{secret}"
