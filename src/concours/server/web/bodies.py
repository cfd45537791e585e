"""How much a request may bring: counted as it streams, whatever it says of itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from anyio import fail_after
from fastapi import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from concours.server.refusals import Unfit

_SILENT_S: Final = 60.0


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


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"the request is too large: at most {most:,} bytes are taken here")
