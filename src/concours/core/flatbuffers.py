"""The few parts of flatbuffers that tell sizes and places in files of others, read without believing them.

A buffer begins with the place of its root table; a table with that of the list of its fields; vectors with their length
(Google, "FlatBuffers internals"). What leads out of the buffer raises a `struct.error`.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import DTypeLike, NDArray


def root(content: bytes) -> int:
    """Where the root table begins."""
    return int(struct.unpack_from("<I", content)[0])


def field(content: bytes, table: int, number: int) -> int:
    """Where a field of a table lies; 0 where it is left out."""
    known = table - struct.unpack_from("<i", content, table)[0]
    if known < 0:
        raise struct.error("a table's list of fields lies outside of the buffer")
    size = struct.unpack_from("<H", content, known)[0]
    offset = struct.unpack_from("<H", content, known + 4 + 2 * number)[0] if 6 + 2 * number <= size else 0
    return table + int(offset) if offset else 0


def number(content: bytes, table: int, place: int, form: str) -> int:
    """A number that is a field of a table, in a form of `struct`; 0 where it is left out."""
    at = field(content, table, place)
    return int(struct.unpack_from(form, content, at)[0]) if at else 0


def inner(content: bytes, table: int, place: int) -> int:
    """Where a table begins that is a field of another."""
    at = field(content, table, place)
    if not at:
        raise struct.error("a table is left out that must be there")
    return at + int(struct.unpack_from("<I", content, at)[0])


def vector(content: bytes, table: int, place: int) -> tuple[int, int]:
    """Where the items of a field begin, and how many there are; none where it is left out."""
    if not field(content, table, place):
        return 0, 0
    at = inner(content, table, place)
    return at + 4, int(struct.unpack_from("<I", content, at)[0])


def numbers(content: bytes, table: int, place: int, form: DTypeLike, *, items: int = 1) -> NDArray[np.int64]:
    """The whole numbers of a field, (count,); of structures of so many `items` each, one after the other."""
    begin, count = vector(content, table, place)
    kind = np.dtype(form)
    if begin + items * count * kind.itemsize > len(content):
        raise struct.error("a vector reaches out of the buffer")
    return np.frombuffer(content, kind, items * count, begin).astype(np.int64)
