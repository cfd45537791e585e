"""Maps of pictures in coarser cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def summed(maps: Floats, most: int) -> Floats:
    """Maps (n, height, width) in cells of about equal sides, at most `most` by `most`: (n, cells, cells).

    Law: the cells of a map add up to what its pixels add up to.
    """
    for axis in (1, 2):
        side = maps.shape[axis]
        edges = np.linspace(0, side, min(side, most) + 1).round().astype(np.int64)[:-1]
        maps = np.add.reduceat(maps, edges, axis=axis)
    return maps
