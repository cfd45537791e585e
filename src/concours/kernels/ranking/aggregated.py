"""Several metrics made one order: entries ranked by the mean of their ranks, as challenges with many metrics do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from concours.kernels.ranking.ranks import competition_ranks

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Aggregated:
    """Ranks over several metrics, of entries; NaN, and 0, of who has no score by one of them.

    Attributes:
        means: (entries,) of the ranks by each metric.
        ranks: (entries,) from 1 by these; equal means share the better rank (1, 1, 3).
    """

    means: Floats
    ranks: NDArray[np.int64]


def mean_of_ranks(scores: Floats, greater_is_better: Sequence[bool]) -> Aggregated:
    """Ranks by the mean of the ranks by each metric, all of which count alike.

    Args:
        scores: (entries, metrics); NaN where there is none. Who lacks one is ranked by none.
        greater_is_better: of each metric.

    Laws: with one metric the ranks are those by it; permuting metrics, or any growing function of one, changes nothing.
    """
    whole = np.flatnonzero(np.isfinite(scores).all(axis=1))
    means, ranks = np.full(len(scores), np.nan), np.zeros(len(scores), dtype=np.int64)
    if len(whole):
        columns = zip(scores[whole].T, greater_is_better, strict=True)
        each = np.stack([competition_ranks(column, greater_is_better=greater) for column, greater in columns])
        means[whole] = each.mean(axis=0)
        ranks[whole] = competition_ranks(each.sum(axis=0).astype(np.float64), greater_is_better=False)
    return Aggregated(means, ranks)
