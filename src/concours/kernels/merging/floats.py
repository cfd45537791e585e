"""Floating numbers of checkpoints: each form as an array that can be computed with, and back.

bfloat16, which numpy has not, is the upper half of a float32: it is widened and rounded by its bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]


@dataclass(frozen=True)
class Float:
    """A form of floating numbers.

    Attributes:
        name: as people write it.
        bytes: of one.
        greatest: the greatest finite one.
        kept: the type of an array of them as they lie in a file.
        wide: the type in which they are computed with: float32, or float64 of 32 bits and more.
        widened: from `kept` to `wide`; exact.
        narrowed: from floating numbers to `kept`: the nearest, of two the one with an even last bit.
    """

    name: str
    bytes: int
    greatest: float
    kept: str
    wide: str
    widened: Callable[[Numbers], Numbers]
    narrowed: Callable[[Numbers], Numbers]


def _as(kind: str, numbers: Numbers) -> Numbers:
    return numbers.astype(kind, copy=False)


def _narrowed(kind: str, numbers: Numbers) -> Numbers:
    with np.errstate(over="ignore"):  # whoever narrows asks what is too great, by `greatest`
        return numbers.astype(kind)


def widened_bfloat16(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """The float32 of each bfloat16, which is given by its bits."""
    wide = bits.astype(np.uint32)
    wide <<= 16
    return wide.view(np.float32)


def narrowed_bfloat16(numbers: Numbers) -> NDArray[np.uint16]:
    """The bits of the nearest bfloat16 of each number, of two the even one; a float64 is first made a float32.

    What is too great becomes infinite, and NaN a NaN.
    """
    bits = numbers.astype(np.float32, copy=False).view(np.uint32)
    rounded = bits >> 16
    rounded &= 1
    rounded += 0x7FFF
    rounded += bits
    rounded >>= 16
    found = rounded.astype(np.uint16)
    if numbers.size and (greatest := numbers.max()) != greatest:
        found[np.isnan(numbers)] = 0x7FC0
    return found


def _of_numpy(kind: str, wide: str) -> Float:
    form = np.finfo(kind)
    return Float(
        form.dtype.name, form.bits // 8, float(form.max), kind, wide, partial(_as, wide), partial(_narrowed, kind)
    )


FLOATS: Final[Mapping[str, Float]] = {
    "F64": _of_numpy("<f8", "<f8"),
    "F32": _of_numpy("<f4", "<f8"),
    "F16": _of_numpy("<f2", "<f4"),
    "BF16": Float("bfloat16", 2, 255 * 2.0**120, "<u2", "<f4", widened_bfloat16, narrowed_bfloat16),
}
"""Forms by the names that safetensors files call them by."""
