"""Sequences as pictures: a curve a channel, one below the other."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_LANE: Final = 30
_WIDTH: Final = 240
_MOST: Final = 8


def curves(rows: NDArray[Any], scaled_by: NDArray[Any]) -> list[NDArray[np.float64]]:
    """Pictures (height, width) in [0, 1], black on white, of sequences (rows, channels, steps), NaN where none is.

    At most eight channels are drawn, the first, from the least to the greatest value that the rows to scale by have,
    and as many steps as the longest of the rows has.
    """
    known = np.asarray(scaled_by[:, :_MOST], dtype=np.float64)
    some = np.isfinite(known)
    low = np.where(some, known, np.inf).min(axis=(0, 2))
    high = np.where(some, known, -np.inf).max(axis=(0, 2))
    reach = np.where(high > low, high - low, 1.0)
    there = np.flatnonzero(np.isfinite(rows).any(axis=(0, 1)))
    steps = slice(there[0], there[-1] + 1) if len(there) else slice(None)
    found = []
    for row in rows[:, :_MOST, steps]:
        places = (np.asarray(row, dtype=np.float64) - low[:, None]) / reach[:, None]
        found.append(np.vstack([_lane(channel) for channel in places]))
    return found


def _lane(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """One curve of values in [0, 1], (lane, width): in each column from one value to the next, a pixel at least."""
    picture = np.ones((_LANE, _WIDTH))
    picture[-1] = 0.85
    at = np.linspace(0, len(values) - 1, _WIDTH)
    before = np.floor(at).astype(np.int64)
    after = np.minimum(before + 1, len(values) - 1)
    part = at - before
    height = np.where(part > 0, values[before] * (1 - part) + values[after] * part, values[before])
    lines = np.rint((1 - np.clip(height, 0, 1)) * (_LANE - 3))
    for column in range(_WIDTH):
        ends = lines[max(column - 1, 0) : column + 1]
        if np.isfinite(ends[-1]):
            own = ends[np.isfinite(ends)].astype(np.int64)
            picture[own.min() : own.max() + 1, column] = 0.0
    return picture
