"""Weights of rows: how much each counts, and how many rows of equal weight tell as much.

A weight says how many rows one stands for: a row of weight 2 counts as two rows would, one of weight 0 as none. What
is told does not depend on their unit. How sure it is does depend on how unequal they are, not on how large.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def in_rows(weights: NDArray[Any]) -> Floats:
    """Weights (rows,) in a unit in which those above 0 are 1 on average, so that they add up to how many these are.

    Laws: multiplying all by a number changes nothing but rounding; equal weights are ones; rows of weight 0 change
    nothing for the others.
    """
    values = np.asarray(weights, dtype=np.float64)
    some = values[values > 0]
    return np.asarray(values / some.mean()) if len(some) else values


def among(weights: Floats | None, rows: Any) -> Floats | None:
    """Weights of some of the rows, by their numbers or flags, again in a unit of their own; none of none."""
    return None if weights is None else in_rows(weights[rows])


def effective(weights: Floats, groups: Codes | None = None) -> float:
    """How many independent rows of equal weight have a mean as sure: `sum ** 2 / sum of squares` (Kish 1965).

    Args:
        groups: (rows,) codes: then it is of groups, each of which weighs as its rows do on average, so that groups
            whose rows all weigh alike count one each, however large they are.

    Laws: between 1 and the rows (groups); all of them for equal weights; the same for multiples of the weights.
    """
    if groups is not None:
        sizes = np.bincount(groups)
        weights = np.bincount(groups, weights=weights)[sizes > 0] / sizes[sizes > 0]
    return float(weights.sum() ** 2 / np.square(weights).sum())


def without_each(estimates: Floats, without: Floats, weights: Floats) -> Floats:
    """Pseudo-values (rows, k): what each row says if estimates (k,) are weighted means (Tukey 1958).

    Args:
        without: (rows, k), the estimates without each row.
        weights: (rows,) above 0.

    Law: `estimates - without` is `w * (pseudo - estimates) / (total - w)`, as it is of a weighted mean.
    """
    share = (weights.sum() / weights)[:, None]
    return np.asarray(share * estimates - (share - 1) * without)
