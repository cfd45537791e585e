"""Whether greater predictions belong to greater targets: the correlation of ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def spearman(y: NDArray[Any], p: Floats, weights: Floats | None = None) -> float:
    """Spearman's rank correlation (1904), -1 to 1, of targets (rows,) and predictions (rows,) or (rows, 1).

    Equal values share the mean of their ranks. A row of weight k counts as k rows. It is 0 where all predictions are
    equal, as they tell no order, and undefined where all targets are.
    """
    each = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    one, other = ranks(np.asarray(y, dtype=np.float64), each), ranks(np.asarray(p).reshape(len(y)), each)
    one, other = one - np.average(one, weights=each), other - np.average(other, weights=each)
    spread = float(np.sqrt((each * one**2).sum() * (each * other**2).sum()))
    if not spread:
        return float("nan") if not one.any() else 0.0
    return float((each * one * other).sum()) / spread


def ranks(values: Floats, weights: Floats) -> Floats:
    """The rank of each value, (rows,), a row of weight k as k rows; equal values have the mean of theirs."""
    _, place = np.unique(values, return_inverse=True)
    mass = np.bincount(place, weights=weights)
    return np.asarray((np.cumsum(mass) - mass / 2 + 0.5)[place])
