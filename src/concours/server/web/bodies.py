"""How much a request may bring: counted as it streams, whatever it says of itself."""

from __future__ import annotations

from fastapi import HTTPException
from starlette.types import Message, Receive, Scope


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


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"the request is too large: at most {most:,} bytes are taken here")
