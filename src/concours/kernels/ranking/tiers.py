"""Tiers: entrants that cannot be told apart from the best of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from concours.kernels.ranking.ranks import certainly_better
from concours.kernels.scoring.intervals import LEVEL
from concours.kernels.scoring.scores import Means


def tiers(
    scores: Means, *, greater_is_better: bool, level: float = LEVEL, heads: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """The tier of each entrant, (k,), from 1.

    A tier is headed by the best score that is in none before it, and has all of the rest that are not certainly worse
    than its head, over all pairs together (see `ranks.certainly_better`).

    Laws: tiers have no gaps; the first has the best score; permuting the entrants permutes the tiers. A tier says that
    its members cannot be told from its head, not that they cannot be told from one another.

    Args:
        heads: (k,) who may head a tier; everybody by default, or where nobody may. Of those who may not, who is
            certainly worse than every head is in a last tier.
    """
    better = certainly_better(scores, greater_is_better=greater_is_better, level=level)
    return tiers_of(better, scores.means, greater_is_better=greater_is_better, heads=heads)


def tiers_of(
    better: NDArray[np.bool_],
    means: NDArray[np.float64],
    *,
    greater_is_better: bool,
    heads: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """The same, where it is known who is certainly better than whom, (k, k)."""
    order = np.argsort(-means if greater_is_better else means, kind="stable")
    found, tier = np.zeros(len(order), dtype=np.int64), 0
    able = np.ones(len(order), dtype=np.bool_) if heads is None or not heads.any() else heads
    for head in order:
        if not found[head] and able[head]:
            tier += 1
            found[(found == 0) & ~better[head]] = tier
    return np.where(found == 0, tier + 1, found)
