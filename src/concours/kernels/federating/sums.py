"""Means and deviations of columns that lie at several sites: from counts and sums, which are all that leaves a site."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from concours.kernels.federating.update import Floats


@dataclass(frozen=True)
class Sums:
    """Counts, sums and sums of squares of columns, each (columns,) float64; gaps do not count.

    Law: `+` is associative and commutative but for rounding, and `Sums.of` of all rows is the sum of that of parts.
    """

    count: Floats
    total: Floats
    squares: Floats

    @classmethod
    def of(cls, rows: NDArray[Any]) -> Self:
        """Of rows (…, columns), along the last axis; NaN is a gap."""
        flat = np.asarray(rows).reshape(-1, np.shape(rows)[-1])
        there = np.isfinite(flat)
        zero, one, two = np.zeros(flat.shape[1]), np.zeros(flat.shape[1]), np.zeros(flat.shape[1])
        for start in range(0, len(flat), 65536):
            part = np.where(there[start : start + 65536], flat[start : start + 65536], 0.0).astype(np.float64)
            zero, one, two = zero + there[start : start + 65536].sum(0), one + part.sum(0), two + (part**2).sum(0)
        return cls(zero, one, two)

    @classmethod
    def over(cls, sites: Iterable[Self]) -> Self:
        """Those of all sites together, of one at least."""
        return reduce(lambda one, other: one + other, sites)

    def __add__(self, other: Self) -> Self:
        return type(self)(self.count + other.count, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> Floats:
        """(columns,); 0 of a column without a value."""
        return np.asarray(self.total / np.maximum(self.count, 1))

    @property
    def deviation(self) -> Floats:
        """(columns,); 1 of a column whose values are all the same."""
        spread = np.sqrt(np.maximum(self.squares / np.maximum(self.count, 1) - self.mean**2, 0.0))
        return np.where(spread > 1e-6 * np.abs(self.mean) + 1e-12, spread, 1.0)
