"""Routes to which files are sent, in a form: who sends is asked first, the file goes to the store, then the handler
runs.

No transaction is open while bytes come in, and none of the threads that answer other requests waits for them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final

from anyio import CapacityLimiter, from_thread, to_thread
from fastapi import Depends, Request

from concours.server.platform import Platform
from concours.server.receiving import Fields, NoFile, Received, received
from concours.server.refusals import Refusal, Unfit
from concours.server.services import submissions
from concours.server.web.bodies import next_piece, paced
from concours.server.web.limits import Turns
from concours.server.web.routes import AskingOf, Come, Route, counted, held, of_competition

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


async def _sending(request: Request) -> SendingTo:
    take = partial(_take, request, paced(aiter(request.stream())))
    return await to_thread.run_sync(take, limiter=_LIMITER)


def _take(request: Request, stream: AsyncIterator[bytes]) -> SendingTo:
    """In a thread: asks who sends it, and what would be refused anyway, before anything is kept."""
    counted(request)
    platform: Platform = request.app.state.platform
    with platform.database.reading() as db:
        asking = of_competition(held(request, db))

    def refuse(fields: Fields) -> None:
        with platform.database.reading() as db:
            submissions.require_room(db, of_competition(held(request, db)).access, fields.get("phase", ""))

    with nullcontext() if request.scope.get("local") else TURNS.taken(asking.actor.user):
        file = received(
            _chunks(stream),
            request.headers.get("content-type", ""),
            platform.store,
            most=platform.settings.upload_bytes,
            before=refuse,
        )
    return SendingTo(**vars(asking), received=file)


def _chunks(stream: AsyncIterator[bytes]) -> Iterator[bytes]:
    while (chunk := from_thread.run(next_piece, stream)) is not None:
        yield chunk


Sending = Annotated[SendingTo, Depends(_sending, scope="function")]


@dataclass(frozen=True, kw_only=True)
class Form(Come):
    """A form with a file that a page of a session sent; no transaction is open.

    Attributes:
        fields: all others, but for what keeps others from sending it; if it was refused, those before the file.
        came: the file, which lies in the store; or why it is not taken.
    """

    fields: Fields
    came: Received | Refusal

    @property
    def file(self) -> Received:
        """The file. Raises Refusal: it is not taken, or none was picked."""
        if isinstance(self.came, NoFile):
            raise Unfit("file: pick a file first")
        if isinstance(self.came, Refusal):
            raise self.came
        return self.came

    @property
    def picked(self) -> Received | None:
        """The file, where one was picked. Raises Refusal: it is not taken."""
        return None if isinstance(self.came, NoFile) else self.file


async def _form(request: Request) -> Form:
    take = partial(_take_form, request, paced(aiter(request.stream())))
    return await to_thread.run_sync(take, limiter=_LIMITER)


def _take_form(request: Request, stream: AsyncIterator[bytes]) -> Form:
    """In a thread. Who may not send it is told so; what else is refused is for the page with the form to say."""
    counted(request)
    platform: Platform = request.app.state.platform
    route: Route = request.scope["route"]
    given: list[Fields] = []

    def admit(fields: Fields) -> None:
        with platform.database.reading() as db:
            asked = held(request, db, _shown(request, fields))
            if not request.scope.get("local"):
                turn.enter_context(TURNS.taken(asked.actor.user))
            given.append(fields)
            if route.limit == SENDS["limit"]:
                submissions.require_room(db, of_competition(asked).access, fields.get("phase", ""))

    came: Received | Refusal
    with ExitStack() as turn:
        try:
            came = received(
                _chunks(stream),
                request.headers.get("content-type", ""),
                platform.store,
                most=platform.settings.upload_bytes,
                before=admit,
            )
            given.append(came.fields)
        except Refusal as refusal:
            if not given:  # nothing of it could be read; or it is what is raised here again
                admit({})
            came = refusal
    fields = {name: text for name, text in given[-1].items() if name not in ("form", "file")}
    return Form(request=request, platform=platform, form=_shown(request, given[-1]), fields=fields, came=came)


def _shown(request: Request, fields: Fields) -> str:
    """What shows that a page of this session sent a form."""
    return request.headers.get("x-form", fields.get("form", ""))


FormWithFile = Annotated[Form, Depends(_form, scope="function")]
