"""What a server receives over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterable

from starlette.requests import Request

from concours.serving.server import LARGEST, require_plain, too_large


async def body_of(request: Request, largest: int = LARGEST) -> bytes:
    """The body of a request. Raises Refused where it is too large, or packed."""
    heads = request.headers
    return await collected(request.stream(), heads.get("content-length"), heads.get("content-encoding"), largest)


async def collected(
    parts: AsyncIterable[bytes], declared: str | None, encoding: str | None, largest: int = LARGEST
) -> bytes:
    """The parts of a body as one, bounded.

    Args:
        declared, encoding: what the head says of its length, and of how it is packed.

    Raises:
        Refused: it is too large, or packed.
    """
    require_plain(encoding)
    if declared and declared.isdecimal() and int(declared) > largest:
        raise too_large(int(declared), largest)
    found, size = list[bytes](), 0
    async for part in parts:
        size += len(part)
        if size > largest:
            raise too_large(size, largest)
        found.append(part)
    return found[0] if len(found) == 1 else b"".join(found)
