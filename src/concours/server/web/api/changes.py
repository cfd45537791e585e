"""What changes, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from fastapi.responses import StreamingResponse

from concours.server.accounts.addresses import network_of
from concours.server.refusals import NotNow
from concours.server.services.access import Rule
from concours.server.services.topics import topics
from concours.server.web.live import Crowded, Feed
from concours.server.web.routes import Asked, Routes

ROUTES = Routes("/api")
_STREAM = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}
_LAST = Header(alias="Last-Event-ID", max_length=20)


def _known(asked: Asked, topic: Annotated[list[str], Query(max_length=50)]) -> tuple[str, ...]:
    with asked.platform.database.reading() as db:
        return topics(db, asked.actor, topic)


@ROUTES.get("/changes", Rule.ANYONE, response_class=StreamingResponse, responses=_STREAM)
async def changes(
    request: Request,
    known: Annotated[tuple[str, ...], Depends(_known)],
    after: Annotated[int | None, Query(ge=0, lt=1 << 63)] = None,
    last: Annotated[str, _LAST] = "",
) -> StreamingResponse:
    """Tells when something changes, by events `change`, each with one `topic`: `board ID` of a phase, `submission ID`,
    `queue`. What it has come to is asked for by its own route. `after`, or `Last-Event-ID`, is the number of the last
    change that is known: what has come since is told at once.
    """
    feed: Feed = request.app.state.feed
    who = None if request.scope.get("local") or request.client is None else network_of(request.client.host)
    stream = feed.events(known, int(last) if last.isascii() and last.isdigit() else after, who)
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
