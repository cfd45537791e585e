"""Growing portions of rows: how many are asked before each look, and which."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]

FIRST, GROWTH = 50, 1.5
"""Rows of the first portion, since the tests are for many rows; and how much greater each is than the one before."""


def portions(rows: int) -> tuple[int, ...]:
    """How many rows of so many are known at each look. Laws: growing; the last is all of them."""
    found, size = [], float(FIRST)
    while ceil(size) < rows:
        found.append(ceil(size))
        size *= GROWTH
    return (*found, rows)


def drawn(rows: int, most: int, groups: Codes | None, *, seed: int) -> Codes:
    """Positions of about `most` of the rows, rising: drawn by chance, whole groups where rows belong together.

    Laws: those of fewer are among those of more; all where `most` is all.

    Args:
        groups: (rows,) codes from 0, each of which occurs: groups are taken until there are `most` rows or more.
    """
    rng = np.random.default_rng(seed)
    if groups is None:
        return np.sort(rng.permutation(rows)[:most])
    order = rng.permutation(int(groups.max()) + 1)
    sizes = np.bincount(groups)[order]
    taken = order[: int(np.searchsorted(sizes.cumsum(), most)) + 1]
    return np.flatnonzero(np.isin(groups, taken))
