"""Tensors that are merged, whole or in parts: what all methods read them by.

Arrays are numpy's, or torch's where a caller has them on another device: a method asks an array for the module that it
is from, and uses what the two have alike. They are floating, of 32 bits or more, and arithmetic is done in their own
type.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

Array: TypeAlias = Any
"""A numpy array, or a torch tensor."""
Shares: TypeAlias = float | Sequence[float]
"""A number for all models, or one for each."""


@dataclass(frozen=True)
class Within:
    """Which numbers an option may be: from `low`, which it may be only if `closed`, to `high`."""

    low: float
    high: float
    closed: bool = True

    @property
    def words(self) -> str:
        """Said."""
        between = f"from {self.low:g} to" if self.closed else f"above {self.low:g}, up to"
        return f"{between} {self.high:g}"

    def __contains__(self, value: float) -> bool:
        return self.low < value <= self.high or (self.closed and value == self.low)


Density: TypeAlias = Annotated[Shares, Within(0, 1, closed=False)]
"""Which share of the elements stays."""
Fraction: TypeAlias = Annotated[float, Within(0, 1)]
"""From one to another."""


@dataclass(frozen=True)
class Part:
    """A stretch of one tensor, of each model that has it.

    Attributes:
        tensors: one a model, all of one shape; they may be read only when they are asked for.
        base: of the model that they come from, where a method asks for it.
        start: how many of the tensor's elements lie before it, in the order of rows.
    """

    tensors: Sequence[Array]
    base: Array | None = None
    start: int = 0

    def delta(self, model: int) -> Array:
        """What a model has changed of the base; its tensor itself where there is none."""
        return self.tensors[model] if self.base is None else self.tensors[model] - self.base

    @property
    def deltas(self) -> list[Array]:
        """Those of all models."""
        return [self.delta(model) for model in range(len(self.tensors))]


@dataclass(frozen=True)
class Whole:
    """A tensor of some models, read part by part.

    Attributes:
        size: how many elements it has.
        models: how many models have it.
        parts: gives all of it, in order; called once a pass.
        held: how many numbers may be in memory at a time besides a part.
    """

    size: int
    models: int
    parts: Callable[[], Iterator[Part]]
    held: int = 0

    @classmethod
    def of(cls, tensors: Sequence[Array], base: Array | None = None) -> Whole:
        """Tensors that are in memory, in one part."""
        size = math.prod(tensors[0].shape)
        return cls(size, len(tensors), lambda: iter((Part(tensors, base),)), held=size)


def module_of(array: Array) -> Any:
    """The module whose functions take this array: numpy, or torch where the caller has imported it."""
    return sys.modules[type(array).__module__.partition(".")[0]]


def each(shares: Shares, models: int) -> list[float]:
    """One number a model. Raises ValueError where there are more or fewer."""
    values = [float(shares)] * models if isinstance(shares, (int, float)) else [float(share) for share in shares]
    if len(values) != models:
        raise ValueError(f"expected a number for each of {models} models, got {len(values)}")
    return values


def only(where: Array, numbers: Array) -> Array:
    """Numbers where something is true, and 0 elsewhere, of either sign; what is infinite there becomes NaN.

    A product: numpy's `where` asks about each number, which of what holds at random costs fifteen times as much.
    """
    return numbers * where


def combined(tensors: Sequence[Array], coefficients: Sequence[float]) -> Array:
    """The sum of tensors by coefficients, added up from the first on; one of 0 takes no part, whatever it holds."""
    total: Array | None = None
    for tensor, coefficient in zip(tensors, coefficients, strict=True):
        if coefficient:
            term = tensor if coefficient == 1 else tensor * coefficient
            total = term if total is None else total + term
    return tensors[0] * 0 if total is None else total
