"""What people have come to."""

from __future__ import annotations

from concours.server.services import profiles
from concours.server.services.access import Rule
from concours.server.services.profiles import Finished
from concours.server.web.routes import Asked, Routes

ROUTES = Routes("/api")


@ROUTES.get("/users/{user}/places", Rule.ANYONE)
def finished(asked: Asked, user: str) -> tuple[Finished, ...]:
    """The places of somebody in competitions that have ended, the latest first."""
    return profiles.finished(asked.db, asked.actor, user)
