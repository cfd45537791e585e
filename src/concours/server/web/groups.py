"""The groups of routes of a platform, a row each."""

from __future__ import annotations

from typing import Final

from concours.server.web.api import (
    accounts,
    administration,
    arena,
    boards,
    changes,
    competitions,
    discussion,
    files,
    health,
    hosting,
    membership,
    participants,
    profiles,
    submissions,
    teams,
    work,
)
from concours.server.web.pages.groups import PAGES
from concours.server.web.routes import Routes

GROUPS: Final[tuple[Routes, ...]] = (
    health.ROUTES,
    accounts.ROUTES,
    competitions.ROUTES,
    files.ROUTES,
    hosting.ROUTES,
    participants.ROUTES,
    administration.ROUTES,
    membership.ROUTES,
    teams.ROUTES,
    submissions.ROUTES,
    boards.ROUTES,
    arena.ROUTES,
    discussion.ROUTES,
    profiles.ROUTES,
    changes.ROUTES,
    work.ROUTES,
    *PAGES,
)
