"""Items of rows that lie one behind the other, of some of the rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]


def taken(offsets: Codes, rows: Codes) -> tuple[Codes, Codes]:
    """Where the items of some rows lie, (items,), and the offsets that these then have, (len(rows) + 1,).

    Args:
        offsets: (all rows + 1,) where the items of each row begin; the last is where all end.
    """
    sizes = np.diff(offsets)[rows]
    ends = np.concatenate([[0], np.cumsum(sizes)])
    starts = np.repeat(offsets[:-1][rows] - ends[:-1], sizes)
    return starts + np.arange(ends[-1]), ends
