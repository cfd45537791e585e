"""Tokens: what programs come with. Shown once, kept as digests; each says what it may be used for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.engine import Connection, Row

from concours.core.event import utc_now
from concours.server import audit
from concours.server.accounts.names import display_of
from concours.server.accounts.secrets import digest_of, made
from concours.server.accounts.sessions import in_future
from concours.server.actor import Actor
from concours.server.database.tables import COMPETITIONS, HOSTS, TOKENS, USERS
from concours.server.refusals import Conflict, Forbidden, Unfit, Unknown

PREFIX: Final = "cc_"
"""Tokens begin with it, so that programs that look for leaked secrets find them."""

SCOPES: Final[Mapping[str, str]] = {
    "read": "see what you see",
    "submit": "submit, and choose finals",
    "write": "join, teams, posts, votes, your profile",
    "host": "whatever hosts of your competitions may",
    "admin": "whatever administrators may",
    "work": "run jobs, as a worker; nothing else",
    "watch": "read the numbers of the platform, for Prometheus; nothing else",
}
"""Names of scopes, and what a token of each may do."""

ALONE: Final = ("work", "watch")
"""Scopes of tokens that lie on other machines, and have no other."""

_MOST: Final = 50
_FRESH_S: Final = 3600


@dataclass(frozen=True, kw_only=True)
class Token:
    """One that somebody has, without its secret."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created: str
    ends: str | None
    used: str | None


def add(db: Connection, who: Actor, name: str, scopes: Collection[str], *, days: int | None = None) -> tuple[int, str]:
    """A new token of theirs: its number and its text, which nobody can show again.

    Args:
        days: how long it holds; for ever where none.

    Raises:
        Unfit: there is no such scope, or the days are none.
        Forbidden: they may not give that: `admin` is for administrators, `work` for them and for hosts, and no token
            makes one that may more than itself.
        Conflict: they have too many.
    """
    given = sorted(set(scopes), key=list(SCOPES).index) if set(scopes) <= SCOPES.keys() else []
    if not given:
        raise Unfit(f"scopes: expected some of {', '.join(SCOPES)}; got {', '.join(map(repr, scopes)) or 'none'}"[:300])
    if len(given) > 1 and (alone := next((scope for scope in ALONE if scope in given), "")):
        raise Unfit(f"scopes: a token has the scope {alone} alone, for it lies on other machines")
    if days is not None and not 1 <= days <= 3660:
        raise Unfit(f"days: expected 1 to 3,660, or none; got {days:,}")
    _require(db, who, frozenset(given))
    held = db.execute(select(func.count()).where(TOKENS.c.user == who.user)).scalar_one()
    if held >= _MOST:
        raise Conflict(f"you have {held} tokens; delete one first")
    secret = made(PREFIX)
    values = {
        "user": who.user,
        "name": display_of(name),
        "digest": digest_of(secret),
        "scopes": " ".join(given),
        "created": utc_now(),
        "ends": None if days is None else in_future(days * 86400),
    }
    id = db.execute(insert(TOKENS).values(**values).returning(TOKENS.c.id)).scalar_one()
    audit.write(db, who, "token.add", str(id), {"scopes": given})
    return int(id), secret


def listed(db: Connection, who: Actor) -> list[Token]:
    """Theirs, the newest first."""
    rows = db.execute(select(TOKENS).where(TOKENS.c.user == who.user).order_by(TOKENS.c.id.desc()))
    return [
        Token(
            id=row.id,
            name=row.name,
            scopes=tuple(row.scopes.split()),
            created=row.created,
            ends=row.ends,
            used=row.used,
        )
        for row in rows
    ]


def remove(db: Connection, who: Actor, id: int) -> None:
    """Raises Unknown: they have no such token."""
    done = db.execute(delete(TOKENS).where(TOKENS.c.id == id, TOKENS.c.user == who.user))
    if not done.rowcount:
        raise Unknown(f"you have no token {id}")
    audit.write(db, who, "token.remove", str(id))


def of(db: Connection, secret: str) -> Row[Any] | None:
    """Whose it is, with `token`, `scopes` and `used`: a row of users; none where it has ended or is none."""
    return db.execute(
        select(USERS, TOKENS.c.id.label("token"), TOKENS.c.scopes, TOKENS.c.used)
        .join(USERS, USERS.c.id == TOKENS.c.user)
        .where(
            TOKENS.c.digest == digest_of(secret),
            or_(TOKENS.c.ends.is_(None), TOKENS.c.ends > utc_now()),
            USERS.c.disabled.is_(None),
        )
    ).one_or_none()


def is_stale(used: str | None) -> bool:
    """Whether `used` is to be written again: its time is kept to the hour."""
    return used is None or used < in_future(-_FRESH_S)


def mark(db: Connection, id: int) -> None:
    """That it was used now."""
    db.execute(update(TOKENS).where(TOKENS.c.id == id).values(used=utc_now()))


def _require(db: Connection, who: Actor, scopes: frozenset[str]) -> None:
    if who.scopes is not None and not scopes <= who.scopes:
        missing = ", ".join(sorted(scopes - who.scopes))
        raise Forbidden(f"this token has no scope {missing}, and makes none that has")
    if (only := scopes & {"admin", "watch"}) and not who.administrator:
        raise Forbidden(f"the scope {min(only)} is for administrators")
    if "work" in scopes and not who.administrator and not _hosts(db, who):
        raise Forbidden("the scope work is for administrators and hosts")


def _hosts(db: Connection, who: Actor) -> bool:
    hosting = select(HOSTS.c.user).where(HOSTS.c.user == who.user)
    owning = select(COMPETITIONS.c.owner).where(COMPETITIONS.c.owner == who.user)
    return db.execute(hosting.union(owning).limit(1)).first() is not None
