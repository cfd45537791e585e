"""Who sent a request: by a session's cookie or by a token."""

from __future__ import annotations

from fastapi import Request
from sqlalchemy.engine import Connection

from concours.server.actor import VISITOR, Actor
from concours.server.platform import Platform


def actor_of(request: Request, db: Connection, platform: Platform) -> Actor:  # noqa: ARG001 (filled with the accounts)
    """Whoever sent it; a visitor where nothing says who."""
    return VISITOR
