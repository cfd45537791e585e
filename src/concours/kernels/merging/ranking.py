"""Which elements of a tensor are the greatest, found without sorting it, nor having all of it in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.merging.parts import Array, module_of

_DIGIT: Final = 16
"""Bits of a magnitude that are counted in one pass."""

Magnitudes = Callable[[], Iterator[Array]]
"""Gives the magnitudes of a tensor, 0 or more, a flat array a part, in order; called once a pass."""


@dataclass(frozen=True)
class Cut:
    """The greatest elements of a tensor: those above a magnitude, and those equal to it that come before a place.

    Attributes:
        magnitude: of the smallest of them.
        place: in the order of rows; of elements that are equally great the first are taken.
    """

    magnitude: float
    place: int

    def takes(self, magnitudes: Array, start: int) -> Array:
        """Which elements of a part, which begins at `start`, are among the greatest: truth values of its shape."""
        greater, before = magnitudes > self.magnitude, self.place - start
        if before <= 0:
            return greater
        equal = (magnitudes == self.magnitude).reshape(-1)
        equal[before:] = False
        return greater | equal.reshape(magnitudes.shape)


NONE: Final = Cut(math.inf, 0)
"""No element."""
ALL: Final = Cut(-1.0, 0)
"""Every element."""


def greatest(magnitudes: Magnitudes, count: int, *, of: int, held: int = 0) -> Cut:
    """Where to cut a tensor so that so many of its elements are taken, the greatest, the first among equals.

    Elements are counted by the first bits of their magnitudes, then by the next of those that share the first with the
    last one taken, until what is left may be held: among these it is selected.

    Args:
        of: how many elements there are; none of them is NaN.
        held: how many elements may be in memory at a time besides a part.

    Passes: two as a rule, one where all may be held, and at most one for each 16 bits of the type and one more; none
    where all or no elements are taken. Law: the same elements as the first `count` of a stable sort, the greatest
    first, whatever is held.
    """
    if count <= 0 or count >= of:
        return NONE if count <= 0 else ALL
    prefix, seen, bits, inside, left = 0, 0, 8 * next(magnitudes()).dtype.itemsize, of, count
    while inside > held and seen < bits:
        seen += _DIGIT
        counts = _counted(magnitudes, bits - seen, prefix)
        above = counts[::-1].cumsum()
        digit = len(counts) - 1 - int(np.searchsorted(above, left))
        inside = int(counts[digit])
        left -= int(counts[digit + 1 :].sum())
        prefix = prefix << _DIGIT | digit
    if inside > held:
        magnitude = _float_of(prefix, bits)
        return Cut(magnitude, _place(magnitudes, magnitude, left))
    return _selected(*_collected(magnitudes, min(bits - seen, bits - 1), prefix), left)  # no sign is set


def _selected(numbers: NDArray[Any], places: NDArray[np.int64], count: int) -> Cut:
    """Where to cut some elements, which are in memory, so that so many are taken."""
    magnitude = np.partition(numbers, len(numbers) - count)[len(numbers) - count]
    equal = places[numbers == magnitude]
    return Cut(float(magnitude), int(equal[count - int((numbers > magnitude).sum()) - 1]) + 1)


def _counted(magnitudes: Magnitudes, shift: int, prefix: int) -> NDArray[np.int64]:
    """How many elements have each value of the digit that begins at a bit, of those whose bits before it are a prefix.

    The first digit has nothing before it, which is the prefix 0.
    """
    total = np.zeros(1 << _DIGIT, dtype=np.int64)
    for part in magnitudes():
        digits = _whole(part) >> shift
        if shift + _DIGIT < 8 * part.dtype.itemsize:
            digits = digits[digits >> _DIGIT == prefix] & (1 << _DIGIT) - 1
        total += _numpy(module_of(part).bincount(digits, minlength=1 << _DIGIT))
    return total


def _collected(magnitudes: Magnitudes, shift: int, prefix: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The magnitudes whose bits from one on are a prefix, and behind how many elements each of them is found."""
    found, start = [], 0
    for part in magnitudes():
        (where,) = module_of(part).where(_whole(part) >> shift == prefix)
        found.append((_numpy(part[where]), _numpy(where) + start))
        start += len(part)
    numbers, places = zip(*found, strict=True)
    return np.concatenate(numbers), np.concatenate(places)


def _whole(magnitudes: Array) -> Array:
    """Their bits, as whole numbers of the same order."""
    module = module_of(magnitudes)
    return magnitudes.view(module.int32 if magnitudes.dtype.itemsize == 4 else module.int64)


def _numpy(array: Array) -> NDArray[Any]:
    return array if isinstance(array, np.ndarray) else array.cpu().numpy()


def _float_of(bits: int, width: int) -> float:
    whole = np.array(bits, dtype=f"i{width // 8}")
    return float(whole.view(f"f{width // 8}"))


def _place(magnitudes: Magnitudes, magnitude: float, count: int) -> int:
    """Behind how many elements so many have been seen that are just so great."""
    start = 0
    for part in magnitudes():
        equal = part == magnitude
        seen = int(equal.sum())
        if seen >= count:
            order = module_of(part).cumsum(equal, 0)
            return start + int((order < count).sum()) + 1
        start, count = start + len(part), count - seen
    return start
