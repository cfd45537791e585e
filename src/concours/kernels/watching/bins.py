"""Bins of numbers, by the quantiles of those that models were fitted on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

BINS = 10


def edges_of(values: Floats) -> Floats:
    """Edges (bins - 1,), increasing, between at most ten bins of about as many of the values each.

    Laws: each bin holds one of the values at least; equal values share a bin; values that are all the same have one.

    Args:
        values: (rows,); NaN is passed over.
    """
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return np.empty(0)
    ends = known[np.arange(1, BINS) * len(known) // BINS]
    return np.unique(ends[ends > known[0]])


def binned(values: Floats, edges: Floats) -> Codes:
    """The bin of each value, (rows,): those of an edge belong above it; NaN has a bin of its own, the last.

    Args:
        edges: (bins - 1,), as `edges_of` gives them.
    """
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))
