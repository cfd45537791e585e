"""Rows made of near rows, for others to be asked about: MUNGE (Bucila, Caruana and Niculescu-Mizil 2006)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]

_BLOCK = 1024


def nearest(points: Floats, among: Codes) -> Codes:
    """The number of the nearest other point of each, (rows,), by squared distance; of equal ones the first of `among`.

    Args:
        points: (rows, dimensions).
        among: (some,) numbers of the points that are looked at, two at least, no two alike.
    """
    some = points[among]
    lengths, own = np.square(some).sum(axis=1), np.full(len(points), -1)
    own[among] = np.arange(len(among))
    found = np.empty(len(points), dtype=np.int64)
    for start in range(0, len(points), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(points)))
        away = lengths - 2 * points[rows] @ some.T  # without the length of the row itself, which is the same for all
        itself = own[rows] >= 0
        away[np.flatnonzero(itself), own[rows][itself]] = np.inf
        found[rows] = among[away.argmin(axis=1)]
    return found


def exchanged(rows: int, columns: int, share: float, random: np.random.Generator) -> Flags:
    """Which cells a row takes of its neighbour, (rows, columns): each with this probability, and one at least."""
    cells = random.random((rows, columns)) < share
    none = np.flatnonzero(~cells.any(axis=1))
    cells[none, random.integers(columns, size=len(none))] = True
    return cells


def between(own: Floats, other: Floats, sharpness: float, random: np.random.Generator) -> Floats:
    """Numbers near those of neighbours, (rows,): normal, of deviation `|own - other| / sharpness` around the other.

    They stay between the least and the greatest of all. What is missing, NaN, on either side is as the other has it.

    Laws: where both are the same, so is what is made; a permutation of the rows permutes what chance alone does not.
    """
    drawn = random.standard_normal(len(own))
    made = other + drawn * np.abs(own - other) / sharpness
    low, high = (np.nanmin(own), np.nanmax(own)) if np.isfinite(own).any() else (-np.inf, np.inf)
    return np.where(np.isfinite(made), np.clip(made, low, high), other)
