"""Places on a board that equal scores share, and places by several metrics together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def shared_ranks(scores: Floats, *, greater_is_better: bool) -> NDArray[np.int64]:
    """(k,): 1 + how many are better, so that equal ones share a place and the next ones lie behind: 1, 1, 3.

    Args:
        scores: (k,); what is no number has no place, which is 0.

    Law: a permutation of the scores gives the same permutation of the ranks.
    """
    oriented = -scores if greater_is_better else scores
    known = ~np.isnan(oriented)
    ranks = 1 + np.searchsorted(np.sort(oriented[known]), oriented, side="left")
    return np.where(known, ranks, 0).astype(np.int64)


def mean_ranks(scores: Floats, greater_is_better: NDArray[np.bool_], among: NDArray[np.bool_]) -> Floats:
    """(k,): the mean, over the metrics, of each one's place among some (Wiesenfarth et al. 2021, "rank then
    aggregate").

    Args:
        scores: (k, metrics); who lacks one of them has no mean, which is nan.
        greater_is_better: (metrics,).
        among: (k,) whose places count; others are placed as if each had come alone beside them.
    """
    oriented = np.where(greater_is_better, -scores, scores)
    places = [1 + np.searchsorted(np.sort(column[among & ~np.isnan(column)]), column) for column in oriented.T]
    whole = np.stack(places, axis=1).mean(axis=1)
    return np.where(np.isnan(scores).any(axis=1), np.nan, whole)
