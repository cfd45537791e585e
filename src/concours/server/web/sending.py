"""Files of the store as answers: as a download, under a name, and not again where whoever asks has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from concours.core.digests import Digest
from concours.core.ports import Store

_PIECE = 1 << 18
_REST = re.compile(r"bytes=([0-9]{1,18})-")


def sent(request: Request, store: Store, digest: Digest, path: str) -> Response:
    """An object as a file to keep. A browser shows nothing of it: what people send may hold anything.

    Raises:
        ObjectNotFound, ObjectDamaged: as `Store.open`.
    """
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(PurePosixPath(path).name)}",
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-cache",
        "etag": f'"{digest}"',
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    content, size = store.open(digest), store.size(digest)
    begin = _begin(request, headers["etag"], size)
    headers |= {"content-length": str(size - begin), "accept-ranges": "bytes"}
    if begin:
        content.seek(begin)
        headers["content-range"] = f"bytes {begin}-{size - 1}/{size}"
    status = 206 if begin else 200
    return StreamingResponse(_pieces(content), status, headers, media_type="application/octet-stream")


def _begin(request: Request, tag: str, size: int) -> int:
    """From which byte a download goes on: it was begun before, of the same content (RFC 9110, 14.2)."""
    asked = _REST.fullmatch(request.headers.get("range", ""))
    same = request.headers.get("if-range") == tag
    return begin if asked and same and (begin := int(asked[1])) < size else 0


def _pieces(content: BinaryIO) -> Iterator[bytes]:
    with content:
        while piece := content.read(_PIECE):
            yield piece
