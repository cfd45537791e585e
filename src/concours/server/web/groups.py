"""The groups of routes of a platform, a row each."""

from __future__ import annotations

from typing import Final

from concours.server.web.api import competitions, files, health
from concours.server.web.routes import Routes

GROUPS: Final[tuple[Routes, ...]] = (health.ROUTES, competitions.ROUTES, files.ROUTES)
