"""One tensor of a merged model, made stretch by stretch from those of its parents."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.visible import visible
from concours.kernels.merging.floats import FLOATS
from concours.kernels.merging.gram import BLOCK
from concours.kernels.merging.methods import METHODS, Method
from concours.kernels.merging.parts import Array, Part, Whole
from concours.stores.checkpoints.machines import Machine
from concours.stores.checkpoints.tensors import BITS, Stored, read_into

_LEAST: Final = 1 << 12
_COPIES: Final = 6
"""Arrays that a method may hold at a time for each model."""

_HELD: Final = 1 << 20
"""Numbers that a look at a tensor holds at most: it takes longer to choose among more than to read them again."""

Write = Callable[[NDArray[Any], int], None]
"""Takes bytes, and where they belong in the tensor."""


@dataclass(frozen=True)
class Piece:
    """A tensor to make.

    Attributes:
        name, dtype, shape: of the tensor that is written.
        method: of `METHODS`; none where the parents' tensors must be equal, and it is theirs.
        tensors: of the models that are merged.
        base: of the model that they come from, where the method takes one.
        given: other keywords of the method.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    method: str | None
    tensors: tuple[Stored, ...]
    base: Stored | None = None
    given: Mapping[str, Any] | None = None

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return self.tensors[0].size

    @property
    def bytes(self) -> int:
        """How many bytes it takes."""
        return self.size * BITS[self.dtype] // 8

    @property
    def parents(self) -> tuple[Stored, ...]:
        """All tensors that it is made from."""
        return (*self.tensors, *([self.base] if self.base else []))


class Files:
    """Files that are read by several threads: each is opened once, and all are closed together."""

    def __init__(self) -> None:
        self._opened: dict[Path, int] = {}
        self._lock = threading.Lock()

    def read(self, tensor: Stored, start: int, stop: int) -> NDArray[Any]:
        """Numbers of a tensor as they are kept, from one to another; bytes where they are of no floating form."""
        bits = BITS[tensor.dtype]
        kind = np.dtype(FLOATS[tensor.dtype].kept if tensor.dtype in FLOATS else np.uint8)
        first, end = start * bits // 8, stop * bits // 8
        found = np.empty((end - first) // kind.itemsize, dtype=kind)
        read_into(self._number(tensor.file), found, tensor.begin + first)
        return found

    def close(self) -> None:
        """Closes all of them."""
        while self._opened:
            os.close(self._opened.popitem()[1])

    def _number(self, file: Path) -> int:
        with self._lock:
            if file not in self._opened:
                self._opened[file] = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
                with suppress(AttributeError, OSError):
                    os.posix_fadvise(self._opened[file], 0, 0, os.POSIX_FADV_SEQUENTIAL)
            return self._opened[file]


class _Stretch(Sequence[Array]):
    """A stretch of each of some tensors, read whenever it is asked for."""

    def __init__(self, tensors: Sequence[Stored], read: Callable[[Stored], Array]) -> None:
        self._tensors, self._read = tensors, read

    def __len__(self) -> int:
        return len(self._tensors)

    @overload
    def __getitem__(self, place: int) -> Array: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Array]: ...
    def __getitem__(self, place: int | slice) -> Array:
        if isinstance(place, slice):
            return _Stretch(self._tensors[place], self._read)
        return self._read(self._tensors[place])


def make(piece: Piece, files: Files, machine: Machine, write: Write, *, memory: int) -> list[str]:
    """Makes a tensor, and hands its bytes on stretch by stretch.

    Args:
        memory: how many bytes it may take, about.

    Returns:
        Folders of the models whose infinite numbers are in what was made.

    Law: the bytes hang on neither `memory` nor the machine's stretch.

    Raises:
        DataError: a parent holds NaN, or what comes out is too great for the form in which it is to be kept; or
            tensors differ that are of no floating form.
    """
    if piece.method is None:
        _copy(piece, files, write, memory)
        return []
    try:
        return _merge(piece, METHODS[piece.method], files, machine, write, memory)
    except ValueError as error:  # what the method cannot do with what it was given
        raise DataError(f"tensor {visible(piece.name)!r}: {error}") from None


def _merge(piece: Piece, method: Method, files: Files, machine: Machine, write: Write, memory: int) -> list[str]:
    wide, infinite = _wide(piece), set[str]()

    def parts(least: int) -> Iterator[Part]:
        length = _length(piece, machine, memory, least)
        for start in range(0, piece.size, length):
            yield _part(piece, files, machine, wide, start, min(start + length, piece.size))

    whole = Whole(piece.size, len(piece.tensors), lambda: parts(BLOCK), _HELD)
    with np.errstate(all="ignore"):  # what comes of numbers that are too great is looked at below
        given = dict(method.looked(whole, piece.given or {}))
    for part in parts(_LEAST):
        if piece.base:
            given["base"] = part.base
        if method.takes("start"):
            given["start"] = part.start
        with np.errstate(all="ignore"):
            made = method.merge(part.tensors, **given)
        if not _fits(piece, made):
            carried = _infinite(piece, [part])
            if not carried or _is_nan(made):
                raise DataError(_why_not(piece, made, _infinite(piece, parts(_LEAST))))
            infinite |= carried
        write(machine.narrowed(made, piece.dtype), part.start * BITS[piece.dtype] // 8)
    return sorted(infinite)


def _part(piece: Piece, files: Files, machine: Machine, wide: str, start: int, stop: int) -> Part:
    def read(tensor: Stored) -> Array:
        numbers = machine.widened(files.read(tensor, start, stop), tensor.dtype, wide)
        if _is_nan(numbers):
            raise DataError(
                f"{tensor.file.parent}: tensor {visible(tensor.name)!r} holds NaN; that model is broken: get it anew, "
                "or merge without it"
            )
        return numbers

    return Part(_Stretch(piece.tensors, read), read(piece.base) if piece.base else None, start)


def _wide(piece: Piece) -> str:
    return max((FLOATS[tensor.dtype].wide for tensor in piece.parents), key=lambda wide: np.dtype(wide).itemsize)


def _length(piece: Piece, machine: Machine, memory: int, least: int) -> int:
    """Of a stretch: a multiple of `least`."""
    a_number = np.dtype(_wide(piece)).itemsize * _COPIES * (len(piece.parents) + 1)
    return max(1, min(machine.stretch, memory // a_number) // least) * least


def _is_nan(numbers: Array) -> bool:
    return math.isnan(numbers.max())


def _fits(piece: Piece, made: Array) -> bool:
    """Whether all numbers that were made are finite in the form in which they are kept."""
    form = FLOATS[piece.dtype]
    ends = np.array([float(made.min()), float(made.max())])
    with np.errstate(over="ignore"):
        return bool(np.isfinite(form.widened(form.narrowed(ends))).all())


def _infinite(piece: Piece, parts: Iterable[Part]) -> set[str]:
    """Folders of the parents that hold infinite numbers in some parts."""
    return {
        str(tensor.file.parent)
        for part in parts
        for tensor, own in zip(piece.parents, (*part.tensors, *([part.base] if piece.base else [])), strict=True)
        if math.isinf(own.max()) or math.isinf(own.min())
    }


def _why_not(piece: Piece, made: Array, infinite: set[str]) -> str:
    form = FLOATS[piece.dtype]
    wider = [other.name for other in FLOATS.values() if other.greatest > form.greatest]
    broken = "such weights are broken"
    if infinite:
        how = f"as NaN: infinite numbers in {', '.join(sorted(infinite))}; get that model anew, or merge without it"
    elif _is_nan(made):
        how = f"as NaN: its numbers are too great to be computed with; {broken}"
    else:
        cure = f"write it as {' or '.join(wider)} (--dtype)" if wider else broken
        how = f"greater than {form.name} can hold ({form.greatest:g}); {cure}"
    return f"tensor {visible(piece.name)!r} comes out {how}"


def _copy(piece: Piece, files: Files, write: Write, memory: int) -> None:
    first, *others = piece.tensors
    length = max(_LEAST, min(memory, 1 << 20) // _LEAST * _LEAST)
    for start in range(0, piece.size, length):
        stop = min(start + length, piece.size)
        content = files.read(first, start, stop)
        for other in others:
            if not np.array_equal(content, files.read(other, start, stop)):
                raise DataError(
                    f"tensor {visible(first.name)!r} is of {first.dtype}, which are no weights to be merged, and "
                    f"differs between {first.file.parent} and {other.file.parent}"
                )
        write(content, start * BITS[piece.dtype] // 8)
