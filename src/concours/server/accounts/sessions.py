"""Sessions: a random cookie in a browser, its digest here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.engine import Connection

from concours.core.event import utc_now
from concours.server.accounts.secrets import digest_of, made
from concours.server.database.tables import SESSIONS

LASTS_S: Final = 14 * 24 * 3600
"""A session ends so long after it began, however much it was used."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One that holds.

    Attributes:
        digest: of its cookie.
        form: what its forms carry, so that other sites cannot send them.
    """

    digest: str
    user: int
    form: str
    began: str
    ends: str


def begin(db: Connection, user: int) -> str:
    """A new session's cookie. What the browser had before is never taken on."""
    cookie = made()
    db.execute(
        insert(SESSIONS).values(
            digest=digest_of(cookie), user=user, form=made(), began=utc_now(), ends=in_future(LASTS_S)
        )
    )
    return cookie


def of(db: Connection, cookie: str) -> Session | None:
    """The session of a cookie, if there is one and it has not ended."""
    row = db.execute(
        select(SESSIONS).where(SESSIONS.c.digest == digest_of(cookie), SESSIONS.c.ends > utc_now())
    ).one_or_none()
    return None if row is None else Session(**row._mapping)


def end(db: Connection, session: Session) -> None:
    """Logs out."""
    db.execute(delete(SESSIONS).where(SESSIONS.c.digest == session.digest))


def end_all(db: Connection, user: int) -> None:
    """Logs out everywhere."""
    db.execute(delete(SESSIONS).where(SESSIONS.c.user == user))


def forget_ended(db: Connection) -> None:
    """Takes away those that have ended."""
    db.execute(delete(SESSIONS).where(SESSIONS.c.ends <= utc_now()))


def in_future(seconds: float) -> str:
    """The time so long from now, as `core.event.utc_now` writes it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="microseconds")
