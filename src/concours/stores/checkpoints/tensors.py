"""Files of the form safetensors: what their heads say, and where the content of each tensor lies."""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.visible import shortened, visible

BITS: Final = {
    "BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "U32": 32, "I32": 32, "U64": 64, "I64": 64,
    "F16": 16, "BF16": 16, "F32": 32, "F64": 64, "C64": 64,
    "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}  # fmt: skip
"""How long a number of each form is."""
_LONGEST: Final = 100_000_000
"""Bytes of a head at most, as in the library."""
_LENGTH: Final = struct.Struct("<Q")


@dataclass(frozen=True)
class Stored:
    """A tensor as it lies in a file.

    Attributes:
        dtype: its form, as safetensors files call it.
        begin: where its first byte is, from the beginning of the file.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: Path
    begin: int

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """How many bytes it takes."""
        return self.size * BITS[self.dtype] // 8


def tensors_in(file: Path) -> dict[str, Stored]:
    """The tensors of a file, in the order in which they lie in it.

    Raises:
        DataError: it is no such file, is cut off, or its head says what cannot be.
    """
    with file.open("rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        length = _LENGTH.unpack(start)[0] if len(start := opened.read(_LENGTH.size)) == _LENGTH.size else size
        if length > min(_LONGEST, size - _LENGTH.size):
            raise DataError(f"{file}: no safetensors file, or cut off within its head; get it anew")
        head = _read_head(opened.read(length), file)
    begin = _LENGTH.size + length
    found = [_stored(name, row, file, begin) for name, row in head.items() if name != "__metadata__"]
    found.sort(key=lambda pair: (pair[0].begin, pair[1]))
    _require_whole(found, file, begin, size)
    return {tensor.name: tensor for tensor, _ in found}


def head_of(tensors: Sequence[tuple[str, str, tuple[int, ...]]], metadata: Mapping[str, str]) -> bytes:
    """The head of a file that holds tensors of these names, forms and shapes, one directly after the other."""
    rows: dict[str, Any] = {"__metadata__": dict(metadata)}
    at = 0
    for name, dtype, shape in tensors:
        end = at + math.prod(shape) * BITS[dtype] // 8
        rows[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(rows, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return _LENGTH.pack(len(text)) + text


def read_into(file: int, buffer: NDArray[Any], begin: int) -> None:
    """Fills an array with the bytes of an open file from a place on. Raises DataError where it ends before."""
    view = buffer.view(np.uint8).data
    while len(view):
        got = os.preadv(file, [view], begin)
        if not got:
            raise DataError("a file of weights has become shorter while it was read; run the same command again")
        view, begin = view[got:], begin + got


def write_from(file: int, content: NDArray[Any] | bytes, begin: int) -> None:
    """Writes bytes to a place of an open file."""
    view = memoryview(content) if isinstance(content, bytes) else np.ascontiguousarray(content).view(np.uint8).data
    while len(view):
        done = os.pwrite(file, view, begin)
        view, begin = view[done:], begin + done


def _read_head(text: bytes, file: Path) -> dict[str, Any]:
    try:
        head = json.loads(text)
    except (ValueError, RecursionError):
        head = None
    if not isinstance(head, dict) or not all(isinstance(row, dict) for row in head.values()):
        raise DataError(f"{file}: its head is not that of a safetensors file; get it anew")
    return head


def _stored(name: str, row: Mapping[str, Any], file: Path, begin: int) -> tuple[Stored, int]:
    """A tensor, and where it ends."""
    dtype, shape, offsets = (row.get(key) for key in ("dtype", "shape", "data_offsets"))
    if (
        dtype not in BITS
        or not (isinstance(shape, list) and all(type(length) is int and length >= 0 for length in shape))
        or not (isinstance(offsets, list) and len(offsets) == 2 and all(type(place) is int for place in offsets))
    ):
        said = shortened(visible(json.dumps(row)), 120)
        raise DataError(f"{file}: tensor {visible(name)!r} is described as {said}, which says no tensor")
    tensor = Stored(name, dtype, tuple(shape), file, begin + offsets[0])
    if offsets[1] - offsets[0] != tensor.bytes:
        raise DataError(
            f"{file}: tensor {visible(name)!r} of {tensor.size:,} numbers of {dtype} should take {tensor.bytes:,} "
            f"bytes, its head says {offsets[1] - offsets[0]:,}; get the file anew"
        )
    return tensor, begin + offsets[1]


def _require_whole(found: Sequence[tuple[Stored, int]], file: Path, begin: int, size: int) -> None:
    at = begin
    for tensor, end in found:
        if tensor.begin != at:
            raise DataError(f"{file}: tensor {visible(tensor.name)!r} does not begin where the one before it ends")
        at = end
    if at > size:
        raise DataError(
            f"{file} is cut off: its head says {at:,} bytes, and there are {size:,}; copy or download it again"
        )
    if at < size:
        raise DataError(f"{file}: {size - at:,} bytes more than its head says; get it anew")
