"""Whether the platform works."""

from __future__ import annotations

from sqlalchemy import text

from concours.server.services.access import Rule
from concours.server.web.routes import Asked, Routes

ROUTES = Routes()


@ROUTES.get("/health", Rule.ANYONE)
def health(asked: Asked) -> dict[str, str]:
    """That the web process and its database answer."""
    asked.db.execute(text("SELECT 1"))
    return {"status": "ok"}
