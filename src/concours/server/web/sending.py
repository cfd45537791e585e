"""Files of the store as answers: as a download, under a name, and not again where whoever asks has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from concours.core.digests import Digest
from concours.core.ports import Store

_PIECE = 1 << 18


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
    content = store.open(digest)
    headers["content-length"] = str(store.size(digest))
    return StreamingResponse(_pieces(content), headers=headers, media_type="application/octet-stream")


def _pieces(content: BinaryIO) -> Iterator[bytes]:
    with content:
        while piece := content.read(_PIECE):
            yield piece
