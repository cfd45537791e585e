"""Maps of pictures in coarser cells, and frames side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LINE = 8
"""Frames of a clip that lie side by side, at most."""


def summed(maps: Floats, most: int) -> Floats:
    """Maps (n, height, width) in cells of about equal sides, at most `most` by `most`: (n, cells, cells).

    Law: the cells of a map add up to what its pixels add up to.
    """
    for axis in (1, 2):
        side = maps.shape[axis]
        edges = np.linspace(0, side, min(side, most) + 1).round().astype(np.int64)[:-1]
        maps = np.add.reduceat(maps, edges, axis=axis)
    return maps


def side_by_side(frames: Floats, *, between: int = 0, filled: float = 0.0) -> Floats:
    """Frames (frames, height, width, …) from left to right and line by line, at most 8 a line: one picture.

    Args:
        between: pixels behind each frame and below it.
        filled: their value, and that of frames that the last line lacks.
    """
    lines = -(-len(frames) // _LINE)
    across = -(-len(frames) // lines)
    missing, rest = lines * across - len(frames), [(0, 0)] * (frames.ndim - 3)
    spaced = np.pad(frames, [(0, missing), (0, between), (0, between), *rest], constant_values=filled)
    return np.concatenate([np.concatenate(list(line), axis=1) for line in np.split(spaced, lines)])
