"""How much a request may bring, and how slowly: counted as it streams, whatever it says of itself."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Final

from anyio import fail_after
from fastapi import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from concours.server.refusals import Unfit

_SILENT_S: Final = 60.0
_SLOWEST: Final = 16 << 10
"""Bytes a second that a file has to come at, over all after the first minute: who sends a byte now and then would keep
a place for ever that others wait for."""


def require_small(scope: Scope, most: int) -> None:
    """Raises HTTPException (413): it says itself that it brings more than `most` bytes."""
    said = dict(scope["headers"]).get(b"content-length", b"0")
    if len(said) > 18 or (said.isdigit() and int(said) > most):
        raise _too_large(most)


def bounded(receive: Receive, most: int) -> Receive:
    """The same messages, until they have brought more than `most` bytes: then HTTPException (413)."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise _too_large(most)
        return message

    return counted


async def next_piece(stream: AsyncIterator[bytes]) -> bytes | None:
    """The next piece of a body, none at its end. Raises Unfit: it broke off, or nothing came for a minute."""
    try:
        with fail_after(_SILENT_S):
            return await anext(stream, None)
    except ClientDisconnect:
        raise Unfit("the connection broke off before the end: send it again") from None
    except TimeoutError:
        raise Unfit(f"nothing came for {_SILENT_S:g} seconds: send it again") from None


async def paced(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same pieces, as long as they come. Raises Unfit: as `next_piece`, or they come too slowly."""
    began, seen = time.monotonic(), 0
    while (piece := await next_piece(stream)) is not None:
        seen += len(piece)
        if time.monotonic() - began > _SILENT_S + seen / _SLOWEST:
            raise Unfit(f"it comes slower than {_SLOWEST >> 10} KB a second: send it again by a better connection")
        yield piece


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"the request is too large: at most {most:,} bytes are taken here")
