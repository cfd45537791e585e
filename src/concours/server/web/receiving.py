"""Requests that bring a file as their body.

The file is read aside before any transaction begins: who sends slowly, or much, keeps nobody waiting. The rule of the
route holds before the first byte is read, and again in the transaction in which the file gets its name.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any, Final

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from concours.core.space import no_space_named
from concours.server.platform import Platform
from concours.server.web.bodies import paced
from concours.server.web.routes import Come, counted, held

BODY: Final[dict[str, Any]] = {
    "requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
"""What the description of the API says of such a route."""


@dataclass(frozen=True, kw_only=True)
class Receiving(Come):
    """A request whose body lies in a file.

    Attributes:
        content: the file, at its beginning.
        path: where it lies.
        aside: a folder of the platform's for what is there for a moment.
    """

    content: IO[bytes]
    path: Path
    aside: Path


async def _receiving(request: Request) -> AsyncIterator[Receiving]:
    counted(request)
    platform: Platform = request.app.state.platform
    await run_in_threadpool(_admit, request, platform)
    aside = platform.settings.data / "tmp"
    aside.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=aside) as content:
        async for piece in paced(aiter(request.stream())):
            with no_space_named(aside):
                content.write(piece)
        content.flush()
        content.seek(0)
        yield Receiving(request=request, platform=platform, content=content, path=Path(content.name), aside=aside)


def _admit(request: Request, platform: Platform) -> None:
    with platform.database.reading() as db:
        held(request, db)


Received = Annotated[Receiving, Depends(_receiving, scope="function")]
