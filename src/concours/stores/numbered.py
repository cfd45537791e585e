"""Texts that are fetched one by one by their number, from one object: what a page shows, without a library of data.

An object begins with eight bytes that name the form, and how many texts there are; then come where each begins and
where the last ends, and the texts in UTF-8. Numbers are of eight bytes, the least first.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from itertools import accumulate
from typing import BinaryIO, Final

from concours.core.digests import Digest
from concours.core.errors import ContentRefused
from concours.core.ports import Store

_FORM: Final = b"texts 1\n"
_HEAD: Final = len(_FORM) + 8


def put_numbered(store: Store, texts: Iterable[str]) -> Digest:
    """Keeps texts in their order. Raises UnicodeEncodeError: one of them is none that UTF-8 can write."""
    pieces = [text.encode() for text in texts]
    places = [0, *accumulate(map(len, pieces))]
    head = struct.pack(f"<{len(places) + 1}Q", len(pieces), *places)
    return store.put(io.BytesIO(b"".join((_FORM, head, *pieces))))


def numbered(store: Store, digest: Digest, number: int) -> str:
    """The text of a number, from 0: two short reads, however many there are.

    Raises:
        ObjectNotFound, ObjectDamaged, ContentRefused: the object is not there, or is none of these.
        IndexError: there are not so many.
    """
    with store.open(digest) as file:
        form, count = _read(file, len(_FORM)), _numbers(file, 1)[0]
        if form != _FORM:
            raise ContentRefused(f"object {digest} holds no texts by number")
        if not 0 <= number < count:
            raise IndexError(number)
        file.seek(_HEAD + 8 * number)
        begins, ends = _numbers(file, 2)
        if begins > ends:
            raise ContentRefused(f"object {digest} holds no texts by number")
        file.seek(_HEAD + 8 * (count + 1) + begins)
        try:
            return _read(file, ends - begins).decode()
        except UnicodeDecodeError as error:
            raise ContentRefused(f"object {digest} holds no texts by number") from error


def _numbers(file: BinaryIO, count: int) -> tuple[int, ...]:
    return struct.unpack(f"<{count}Q", _read(file, 8 * count))


def _read(file: BinaryIO, size: int) -> bytes:
    try:
        content = file.read(size)
    except (OverflowError, MemoryError):
        content = b""
    if len(content) != size:
        raise ContentRefused("an object of texts by number ends too early")
    return content
