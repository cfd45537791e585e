"""Routes to which submissions are sent, in a form: who sends is asked first, the file goes to the store, then the
handler runs.

No transaction is open while bytes come in, and none of the threads that answer other requests waits for them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final

from anyio import CapacityLimiter, from_thread, to_thread
from fastapi import Depends, Request

from concours.server.platform import Platform
from concours.server.receiving import Fields, Received, received
from concours.server.services import submissions
from concours.server.web.bodies import next_piece, paced
from concours.server.web.limits import Turns
from concours.server.web.routes import Asking, AskingOf, counted, held

_AT_ONCE: Final = 64
_LIMITER = CapacityLimiter(_AT_ONCE)
TURNS: Final = Turns(4, "files of yours are being sent already; send this one when one of them has come")
"""Of one user: else who sends slowly, and much at once, would have all the threads that take files in."""

_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "phase": {"type": "string"},
                        "name": {"type": "string"},
                        "message": {"type": "string"},
                    },
                }
            }
        },
    }
}

SENDS: Final[dict[str, Any]] = {"scope": "submit", "limit": "submit", "uploads": True, "openapi_extra": _FORM}
"""What such a route says of itself."""


@dataclass(frozen=True, kw_only=True)
class SendingTo(AskingOf):
    """A request with a file, which lies in the store."""

    received: Received


async def _received(request: Request) -> Received:
    take = partial(_take, request, paced(aiter(request.stream())))
    return await to_thread.run_sync(take, limiter=_LIMITER)


def _take(request: Request, stream: AsyncIterator[bytes]) -> Received:
    """In a thread: asks who sends it, and what would be refused anyway, before anything is kept."""
    counted(request)
    platform: Platform = request.app.state.platform
    with platform.database.reading() as db:
        sender = held(request, db).actor

    def refuse(fields: Fields) -> None:
        with platform.database.reading() as db:
            submissions.require_room(db, _of_competition(held(request, db)).access, fields.get("phase", ""))

    with nullcontext() if request.scope.get("local") else TURNS.taken(sender.user):
        return received(
            _chunks(stream),
            request.headers.get("content-type", ""),
            platform.store,
            most=platform.settings.upload_bytes,
            before=refuse,
        )


def _chunks(stream: AsyncIterator[bytes]) -> Iterator[bytes]:
    while (chunk := from_thread.run(next_piece, stream)) is not None:
        yield chunk


def _sending(request: Request, file: Annotated[Received, Depends(_received)]) -> Iterator[SendingTo]:
    platform: Platform = request.app.state.platform
    with platform.database.writing() as db:
        yield SendingTo(**vars(_of_competition(held(request, db))), received=file)


def _of_competition(asked: Asking) -> AskingOf:
    if not isinstance(asked, AskingOf):
        raise TypeError("submissions are sent to competitions")
    return asked


Sending = Annotated[SendingTo, Depends(_sending, scope="function")]
