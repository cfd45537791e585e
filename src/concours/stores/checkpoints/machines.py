"""Where arithmetic on weights is done: numpy on the processor, or torch on a device of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from concours.kernels.merging.floats import FLOATS
from concours.kernels.merging.parts import Array

_TORCH: Final = {
    "F64": ("int64", "float64"),
    "F32": ("int32", "float32"),
    "F16": ("int16", "float16"),
    "BF16": ("int16", "bfloat16"),
    "<f4": ("", "float32"),
    "<f8": ("", "float64"),
}
"""Of each form the numbers that its bits are moved as, and what it is called there."""


class Machine(Protocol):
    """Takes numbers as they lie in files, and gives them back so.

    Attributes:
        stretch: how many elements of a tensor it takes at once at most.
    """

    @property
    def stretch(self) -> int: ...

    def widened(self, kept: NDArray[Any], dtype: str, wide: str) -> Array:
        """An array to compute with, of the type `wide`."""
        ...

    def narrowed(self, numbers: Array, dtype: str) -> NDArray[Any]:
        """The same numbers as they are kept in a file, rounded to the nearest."""
        ...


@dataclass(frozen=True)
class Processor:
    """Numpy."""

    stretch: int = 1 << 18

    def widened(self, kept: NDArray[Any], dtype: str, wide: str) -> Array:
        return FLOATS[dtype].widened(kept).astype(wide, copy=False)

    def narrowed(self, numbers: Array, dtype: str) -> NDArray[Any]:
        return FLOATS[dtype].narrowed(numbers)


@dataclass(frozen=True)
class Device:
    """Torch, on what it calls a device; torch is imported when it is first used."""

    name: str
    stretch: int = 1 << 24

    @cached_property
    def _torch(self) -> Any:
        import torch

        return torch

    def widened(self, kept: NDArray[Any], dtype: str, wide: str) -> Array:
        bits, name = _TORCH[dtype]
        moved = self._torch.from_numpy(kept.view(bits)).to(self.name)
        return moved.view(getattr(self._torch, name)).to(getattr(self._torch, _TORCH[wide][1]))

    def narrowed(self, numbers: Array, dtype: str) -> NDArray[Any]:
        bits, name = _TORCH[dtype]
        kept = numbers.to(getattr(self._torch, name)).view(getattr(self._torch, bits)).cpu().numpy()
        return np.asarray(kept.view(FLOATS[dtype].kept))
