"""Public and private scores that lie further apart than chance allows: who has learned the public rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from concours.kernels.ranking.ranks import holm
from concours.kernels.scoring.intervals import LEVEL

Floats = NDArray[np.float64]


def far_apart(
    public: Floats, public_ends: Floats, private: Floats, private_ends: Floats, *, level: float = LEVEL
) -> NDArray[np.bool_]:
    """(entries,) whether a private score differs from the public one by more than chance allows, over all of them.

    The two are of different rows, so that their variances add up. What shifts all entries alike, as rows that are
    harder do, is no sign of anybody: the median difference is taken off first. A two-sided normal test, with Holm's
    correction.

    Args:
        public, private: (entries,) scores; NaN where there is none, and nothing is said.
        public_ends, private_ends: (entries, 2) their intervals of that level.

    Law: adding the same to all private scores, with their intervals, changes nothing.
    """
    differences = private - public
    wide = [(ends[:, 1] - ends[:, 0]) / 2 / norm.isf((1 - level) / 2) for ends in (public_ends, private_ends)]
    stderr = np.hypot(*wide)
    known = np.isfinite(differences) & np.isfinite(stderr) & (stderr > 0)
    found = np.zeros(len(public), dtype=np.bool_)
    if known.any():
        off = np.abs(differences - np.median(differences[known]))[known]
        found[known] = holm(2 * norm.sf(off / stderr[known]), 1 - level)
    return found
