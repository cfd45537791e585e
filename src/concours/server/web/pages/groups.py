"""The groups of pages, a row each."""

from __future__ import annotations

from typing import Final

from concours.server.web.pages import (
    accounts,
    administration,
    arena,
    around,
    boards,
    competitions,
    described,
    discussion,
    home,
    hosting,
    openid,
    profiles,
    static,
    submissions,
    teams,
)
from concours.server.web.routes import Routes

PAGES: Final[tuple[Routes, ...]] = (
    home.ROUTES,
    static.ROUTES,
    around.ROUTES,
    accounts.ROUTES,
    openid.ROUTES,
    profiles.ROUTES,
    described.ROUTES,
    competitions.ROUTES,
    boards.ROUTES,
    arena.ROUTES,
    submissions.ROUTES,
    teams.ROUTES,
    discussion.ROUTES,
    hosting.ROUTES,
    administration.ROUTES,
)
