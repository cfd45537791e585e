"""What a server receives over HTTP."""

from __future__ import annotations

from starlette.requests import Request

from concours.serving.server import LARGEST, require_plain, too_large


async def body_of(request: Request, largest: int = LARGEST) -> bytes:
    """The body of a request. Raises Refused where it is too large, or packed."""
    require_plain(request.headers.get("content-encoding"))
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > largest:
        raise too_large(int(declared), largest)
    parts, size = list[bytes](), 0
    async for part in request.stream():
        size += len(part)
        if size > largest:
            raise too_large(size, largest)
        parts.append(part)
    return b"".join(parts)
