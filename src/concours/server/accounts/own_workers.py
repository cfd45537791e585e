"""The token of the workers that a platform starts itself."""

from __future__ import annotations

import socket
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.engine import Connection

from concours.core.event import utc_now
from concours.server.accounts.secrets import digest_of, made
from concours.server.accounts.tokens import PREFIX
from concours.server.database.tables import TOKENS, USERS
from concours.server.settings import Settings

NAME: Final = "workers"
"""A reserved name, so nobody else has it; without a password nobody logs in by it."""


def own_token(db: Connection, settings: Settings) -> str:
    """A new token for them; that of an earlier start of the platform in the same place holds no more."""
    user = db.execute(select(USERS.c.id).where(USERS.c.name == NAME)).scalar()
    if user is None:
        values = {"name": NAME, "display": "Workers of this platform", "created": utc_now()}
        user = db.execute(insert(USERS).values(**values).returning(USERS.c.id)).scalar_one()
    place, secret = f"{socket.gethostname()} {settings.data}"[-80:], made(PREFIX)
    db.execute(delete(TOKENS).where(TOKENS.c.user == user, TOKENS.c.name == place))
    values = {"user": user, "name": place, "digest": digest_of(secret), "scopes": "work", "created": utc_now()}
    db.execute(insert(TOKENS).values(**values))
    return secret
