"""What changes, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from fastapi.responses import StreamingResponse

from concours.server.refusals import NotNow
from concours.server.services.access import Rule
from concours.server.services.topics import topics as require_topics
from concours.server.web.live import Crowded, Feed
from concours.server.web.routes import Asked, Routes

ROUTES = Routes("/api")
_STREAM = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}
_LAST = Header(alias="Last-Event-ID", max_length=20)


def _known(asked: Asked, topics: Annotated[str, Query(max_length=1000)]) -> tuple[str, ...]:
    return require_topics(asked.db, asked.actor, topics)


@ROUTES.get("/changes", Rule.ANYONE, response_class=StreamingResponse, responses=_STREAM)
async def changes(
    request: Request, known: Annotated[tuple[str, ...], Depends(_known)], last: Annotated[str, _LAST] = ""
) -> StreamingResponse:
    """Tells when something changes: `board ID` of a phase, `submission ID`, `queue`; divided by commas.

    An event `changed` names its topic; what it has come to is asked for by its own route. Every topic is told once at
    the beginning, unless `Last-Event-ID` says what was heard before.
    """
    feed: Feed = request.app.state.feed
    stream = feed.events(known, int(last) if last.isascii() and last.isdigit() else None)
    try:
        first = await anext(stream)
    except Crowded:
        raise NotNow("too many pages are open; changes are told again when some are closed") from None
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_begun(first, stream), media_type="text/event-stream", headers=headers)


async def _begun(first: str, stream: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for event in stream:
        yield event
