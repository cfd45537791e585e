"""Inner products of tensors: all that methods need which look at the angles between models."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.merging.parts import Array, Whole, module_of

BLOCK: Final = 1 << 16
"""Products are added up by so many elements, and blocks exactly: parts change nothing that begin where a block does."""

Gram = NDArray[np.float64]
"""(models, models): the inner product of each two."""


def gram(whole: Whole) -> Gram:
    """The inner products of what models have changed of the base, or of their tensors where there is none.

    Products are taken in float64. Law: symmetric, and the same for all parts that begin at multiples of `BLOCK`. Raises
    ValueError where a product is not finite.
    """
    pairs = [(one, two) for one in range(whole.models) for two in range(one, whole.models)]
    sums: dict[tuple[int, int], list[float]] = {pair: [] for pair in pairs}
    for part in whole.parts():
        deltas = [module_of(delta).asarray(delta, dtype=module_of(delta).float64).reshape(-1) for delta in part.deltas]
        for one, two in pairs:
            sums[one, two] += _by_block(deltas[one] * deltas[two])
    found = np.zeros((whole.models, whole.models))
    for (one, two), values in sums.items():
        if not np.isfinite(values).all():
            raise ValueError("numbers are infinite or too great for angles between models; linear asks for none")
        found[one, two] = found[two, one] = math.fsum(values)
    return found


def cosine(products: Gram, one: int, two: int) -> float:
    """Of the angle between two tensors, of which neither is 0."""
    size = math.sqrt(products[one, one]) * math.sqrt(products[two, two])
    return min(1.0, max(-1.0, float(products[one, two]) / size))


def _by_block(products: Array) -> list[float]:
    whole = len(products) // BLOCK * BLOCK
    sums: list[float] = products[:whole].reshape(-1, BLOCK).sum(1).tolist()
    return [*sums, float(products[whole:].sum())]
