"""Places on a board that equal scores share, and places by several metrics together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROUNDING = 1e-12
"""Relative: the order in which a sum is added up, which differs from processor to processor, moves it by less."""


def evened(scores: Floats) -> Floats:
    """(k,): the scores, where neighbours that differ by rounding alone are all the least of them.

    Laws: evened once is evened; a score that is better by more than rounding stays better.
    """
    order = np.argsort(scores)
    ordered = scores[order]
    first = np.ones(len(scores), dtype=np.bool_)
    first[1:] = ~np.isclose(ordered[1:], ordered[:-1], rtol=_ROUNDING, atol=0)
    even = np.empty_like(ordered)
    even[order] = ordered[first][np.cumsum(first) - 1]
    return even


def shared_ranks(scores: Floats, *, greater_is_better: bool) -> NDArray[np.int64]:
    """(k,): 1 + how many are better, so that equal ones share a place and the next ones lie behind: 1, 1, 3.

    Those that differ by rounding alone are equal (`evened`).

    Args:
        scores: (k,); what is no number has no place, which is 0.

    Law: a permutation of the scores gives the same permutation of the ranks.
    """
    oriented = evened(-scores if greater_is_better else scores)
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
    places = [
        1 + np.searchsorted(np.sort(column[among & ~np.isnan(column)]), column) for column in map(evened, oriented.T)
    ]
    whole = np.stack(places, axis=1).mean(axis=1)
    return np.where(np.isnan(scores).any(axis=1), np.nan, whole)
