"""Public and private scores that lie further apart than chance allows: who has learned the public rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from concours.kernels.ranking.ranks import holm
from concours.kernels.scoring.intervals import LEVEL

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gaps:
    """How far apart two scores of each entry are.

    Attributes:
        off: (entries,) by how many standard errors the private score lies above where the public one, and the median
            difference of all, put it; NaN where nothing is known.
        far: (entries,) whether that is more than chance allows, over all of them.
    """

    off: Floats
    far: NDArray[np.bool_]


def far_apart(
    public: Floats, public_ends: Floats, private: Floats, private_ends: Floats, *, level: float = LEVEL
) -> Gaps:
    """Which private scores differ from the public ones by more than chance allows.

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
    off, far = np.full(len(public), np.nan), np.zeros(len(public), dtype=np.bool_)
    if known.any():
        off[known] = ((differences - np.median(differences[known])) / np.where(known, stderr, 1.0))[known]
        far[known] = holm(2 * norm.sf(np.abs(off[known])), 1 - level)
    return Gaps(off=off, far=far)
