"""Which elements of a tensor are the greatest, found without sorting it, nor having all of it in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

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

    Args:
        of: how many elements there are; none of them is NaN.
        held: how many numbers may be in memory at a time.

    Passes: one where all may be held, else one for each 16 bits of the type; and one for the place, up to there. None
    where all or no elements are taken. Law: the same elements as the first `count` of a stable sort, the greatest
    first, whatever is held.
    """
    if count <= 0 or count >= of:
        return NONE if count <= 0 else ALL
    selects = of <= held and module_of(next(magnitudes())) is np
    magnitude, left = _selected(magnitudes, count, of) if selects else _narrowed_down(magnitudes, count)
    return Cut(magnitude, _place(magnitudes, magnitude, left))


def _selected(magnitudes: Magnitudes, count: int, of: int) -> tuple[float, int]:
    """The magnitude of the last that is taken, and how many just so great are taken: by a selection in memory."""
    numbers, start = np.empty(of, dtype=next(magnitudes()).dtype), 0
    for part in magnitudes():
        numbers[start : start + len(part)] = part
        start += len(part)
    numbers.partition(of - count)
    taken = numbers[of - count :]
    return float(taken[0]), int((taken == taken[0]).sum())


def _narrowed_down(magnitudes: Magnitudes, count: int) -> tuple[float, int]:
    """The same, by counting from the first bits of magnitudes to the last; nothing is held."""
    prefix, left, passes = 0, count, 0
    for shift in _shifts(magnitudes):
        counts = _counted(magnitudes, shift, prefix, first=passes == 0)
        above = counts[::-1].cumsum()
        digit = len(counts) - 1 - int(np.searchsorted(above, left))
        left -= int(above[len(counts) - 1 - digit] - counts[digit])
        prefix, passes = (prefix << _DIGIT) | digit, passes + 1
    return _float_of(prefix, passes), left


def _shifts(magnitudes: Magnitudes) -> range:
    bits = 8 * next(magnitudes()).dtype.itemsize
    return range(bits - _DIGIT, -1, -_DIGIT)


def _counted(magnitudes: Magnitudes, shift: int, prefix: int, *, first: bool) -> NDArray[np.int64]:
    """How many elements have each value of a digit, of those whose bits before it are a prefix."""
    total = np.zeros(1 << _DIGIT, dtype=np.int64)
    for part in magnitudes():
        module = module_of(part)
        bits = part.view(module.int32 if part.dtype.itemsize == 4 else module.int64)
        digits = bits >> shift
        if not first:
            digits = digits[(digits >> _DIGIT) == prefix] & ((1 << _DIGIT) - 1)
        counted = module.bincount(digits, minlength=1 << _DIGIT)
        total += counted if module is np else counted.cpu().numpy()
    return total


def _float_of(bits: int, digits: int) -> float:
    whole = np.array(bits, dtype=np.int32 if digits == 2 else np.int64)
    return float(whole.view(np.float32 if digits == 2 else np.float64))


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
