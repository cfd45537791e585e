"""Rows that are stretches of time: which of them overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def overlapping(spans: NDArray[np.float64], some: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each row overlaps one of some rows, (rows,): what is known of one is then known of the other.

    So a model is not fitted on what it is asked about ("purging", López de Prado 2018, Advances in Financial Machine
    Learning, 7.4.1).

    Args:
        spans: (rows, 2), from where a row reaches to where it no longer does; none is empty.
        some: (rows,).

    Law: whoever is one of them overlaps.
    """
    begins, ends = (np.sort(spans[some, side]) for side in (0, 1))
    begun = np.searchsorted(begins, spans[:, 1], side="left")  # of some rows, before this one ends
    ended = np.searchsorted(ends, spans[:, 0], side="right")  # of them, before this one begins
    return begun > ended
