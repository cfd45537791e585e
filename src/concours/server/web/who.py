"""Who sent a request: by a session's cookie or by a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import Request, Response
from sqlalchemy import select
from sqlalchemy.engine import Connection

from concours.server.accounts import sessions, tokens
from concours.server.accounts.sessions import Session
from concours.server.actor import Actor
from concours.server.database.tables import USERS
from concours.server.platform import Platform
from concours.server.refusals import NotSignedIn
from concours.server.settings import Settings

READS: Final = ("GET", "HEAD")


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Whoever sent a request.

    Attributes:
        session: that they came by, if it was a session.
        token: the number of the token that they came by, where its use is to be written down (`tokens.mark`).
    """

    actor: Actor
    session: Session | None = None
    token: int | None = None


def sender_of(request: Request, db: Connection, platform: Platform, *, known: bool = True) -> Sender:
    """Whoever sent it; a visitor where nothing says who, and where a session has ended. A token goes before a cookie.

    Args:
        known: whether what says who is looked at.

    Raises NotSignedIn: there is a token, and it is none.
    """
    address = request.client.host if request.client else ""
    if not known:
        return Sender(actor=Actor(address=address))
    if "authorization" in request.headers:
        return _by_token(request, db, address)
    cookie = request.cookies.get(cookie_name(platform.settings))
    session = sessions.of(db, cookie) if cookie else None
    if session is not None:
        row = db.execute(select(USERS).where(USERS.c.id == session.user, USERS.c.disabled.is_(None))).one_or_none()
        if row is not None:
            actor = Actor(user=row.id, name=row.name, administrator=row.administrator, address=address)
            return Sender(actor=actor, session=session)
    return Sender(actor=Actor(address=address))


def cookie_name(settings: Settings) -> str:
    """Over TLS browsers take `__Host-` from this very host alone (RFC 6265bis, 4.1.3.2)."""
    return "__Host-concours" if settings.secure else "concours"


def remember(response: Response, settings: Settings, cookie: str) -> None:
    """Gives the browser the cookie of a session that has begun."""
    response.set_cookie(
        cookie_name(settings),
        cookie,
        max_age=sessions.LASTS_S,
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="lax",
    )


def forget(response: Response, settings: Settings) -> None:
    """Takes the cookie away."""
    response.delete_cookie(cookie_name(settings), path="/", secure=settings.secure, httponly=True, samesite="lax")


def _by_token(request: Request, db: Connection, address: str) -> Sender:
    kind, _, secret = request.headers["authorization"].partition(" ")
    if kind.lower() != "bearer" or not secret.startswith(tokens.PREFIX):
        raise NotSignedIn(f"authorization: expected `Bearer {tokens.PREFIX}…`, a token of yours")
    row = tokens.of(db, secret.strip())
    if row is None:
        raise NotSignedIn("this token is none, or has ended; make another, under your profile")
    scopes = frozenset(row.scopes.split())
    administrator = row.administrator and not scopes.isdisjoint(("admin", "watch"))  # the latter opens /metrics alone
    actor = Actor(user=row.id, name=row.name, administrator=administrator, scopes=scopes, address=address)
    return Sender(actor=actor, token=row.token if tokens.is_stale(row.used) else None)
