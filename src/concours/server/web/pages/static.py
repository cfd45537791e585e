"""Files of the pages that never change under their names: each name has a part of the digest of what is in it."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

from fastapi.responses import Response

from concours.server.refusals import Unknown
from concours.server.services.access import Rule
from concours.server.web.routes import Asked, Routes

ROUTES = Routes(pages=True)

_TYPES: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


@cache
def _files() -> dict[str, tuple[str, bytes]]:
    """Each file by the name that it is served under: its type and what is in it."""
    found = {}
    for file in (files("concours.server.web") / "static").iterdir():
        stem, _, ending = file.name.rpartition(".")
        if ending in _TYPES:
            content = file.read_bytes()
            found[f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{ending}"] = (_TYPES[ending], content)
    return found


@cache
def address(name: str) -> str:
    """Where a file is served. Raises KeyError: there is none of that name."""
    stem, _, ending = name.rpartition(".")
    for served in _files():
        if served.startswith(f"{stem}.") and served.endswith(f".{ending}"):
            return f"/static/{served}"
    raise KeyError(name)


@ROUTES.get("/static/{name}", Rule.ANYONE)
def static(asked: Asked, name: str) -> Response:  # noqa: ARG001 (routes are asked)
    """A file; kept by browsers for a year."""
    if name not in _files():
        raise Unknown(f"there is no file {name!r}")
    kind, content = _files()[name]
    return Response(content, media_type=kind, headers={"cache-control": "public, max-age=31536000, immutable"})
