"""What administrators chose for all pages: what the platform is called, and its language."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.engine import Connection

from concours.server.accounts.choices import ALLOWED, chosen
from concours.server.platform import Platform

_FRESH_S: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class Named:
    """name: of the platform. language: of who has chosen none; `browser` for that of theirs."""

    name: str
    language: str


_FIRST: Final = Named(name=ALLOWED["name"].first, language=ALLOWED["language"].first)
_known: dict[Path, tuple[float, Named]] = {}


def named(platform: Platform, db: Connection | None = None) -> Named:
    """What holds, or held some seconds ago; without a database what was known last."""
    at = platform.settings.data
    until, known = _known.get(at, (0.0, _FIRST))
    if db is None or db.closed or time.monotonic() < until:
        return known
    found = Named(name=chosen(db, "name"), language=chosen(db, "language"))
    _known[at] = (time.monotonic() + _FRESH_S, found)
    return found


def forget() -> None:
    """Looks again when next asked: something else was chosen in this process."""
    _known.clear()


def preference(cookies: Mapping[str, str], cookie: str, of: Named) -> str | None:
    """The language that somebody, or else an administrator, has chosen."""
    return cookies.get(cookie) or (None if of.language == _FIRST.language else of.language)
