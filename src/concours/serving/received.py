"""What a server receives over HTTP."""

from __future__ import annotations

from starlette.requests import Request

from concours.serving.server import LARGEST, too_large


async def body_of(request: Request) -> bytes:
    """The body of a request. Raises Refused where it is too large."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > LARGEST:
        raise too_large(int(declared))
    parts, size = list[bytes](), 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            raise too_large(size)
        parts.append(part)
    return b"".join(parts)
