"""Somebody, as everybody may see them."""

from __future__ import annotations

from fastapi.responses import Response

from concours.server.accounts import users
from concours.server.services import profiles
from concours.server.services.access import Rule
from concours.server.web.pages.answering import page
from concours.server.web.routes import Asked, Routes

ROUTES = Routes(pages=True)


@ROUTES.get("/u/{name}", Rule.ANYONE)
def profile(asked: Asked, name: str) -> Response:
    """Their profile, with their places in competitions that have ended."""
    finished = profiles.finished(asked.db, asked.actor, name)
    return page(asked, "profile", p=users.profile(asked.db, name), finished=finished)
