"""Ranks that the data cannot rule out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from concours.kernels.scores import Means

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class RankRanges:
    """Simultaneous ranges of ranks, (k,) int64 each, 1 is first. Law: best <= worst, and some entrant has best = 1."""

    best: NDArray[np.int64]
    worst: NDArray[np.int64]


def rank_ranges(scores: Means, *, greater_is_better: bool, level: float = LEVEL) -> RankRanges:
    """For each entrant 1 + how many are certainly better, and k - how many are certainly worse."""
    better = certainly_better(scores, greater_is_better=greater_is_better, level=level)
    k = len(scores.means)
    return RankRanges(1 + better.sum(axis=0), k - better.sum(axis=1))


def certainly_better(scores: Means, *, greater_is_better: bool, level: float = LEVEL) -> NDArray[np.bool_]:
    """(k, k): whether the row's entrant is certainly better than the column's.

    "Certainly" holds for all pairs together with probability `level`: two-sided t tests of the paired differences, with
    Holm's correction (Holm 1979).
    """
    return certain_pairs(scores, level=level) & _ahead(scores.means, greater_is_better)


def certain_pairs(scores: Means, *, level: float = LEVEL) -> NDArray[np.bool_]:
    """(k, k), symmetric: whether two entrants' scores differ by more than chance allows, over all pairs together."""
    difference = scores.means[:, None] - scores.means[None, :]
    own = np.diag(scores.covariance)
    variance = np.maximum(own[:, None] + own[None, :] - 2 * scores.covariance, 0.0)
    scale = np.sqrt(np.where(variance > 1e-12 * (own[:, None] + own[None, :]), variance, 0.0))
    z = np.divide(np.abs(difference), scale, out=np.where(difference == 0, 0.0, np.inf), where=scale > 0)
    z = np.where(np.isnan(variance), 0.0, z)
    first, second = np.triu_indices(len(own), 1)
    certain = np.zeros_like(z, dtype=np.bool_)
    certain[first, second] = holm(2 * student.sf(z[first, second], max(scores.units - 1, 1)), 1 - level)
    return certain | certain.T


def competition_ranks(scores: NDArray[np.float64], *, greater_is_better: bool) -> NDArray[np.int64]:
    """(k,) ranks from 1; equal scores share the better rank (1, 1, 3)."""
    return np.asarray(1 + _ahead(scores, greater_is_better).sum(axis=0), dtype=np.int64)


def _ahead(scores: NDArray[np.float64], greater_is_better: bool) -> NDArray[np.bool_]:
    """(k, k): whether the row's score is better than the column's."""
    oriented = scores if greater_is_better else -scores
    return oriented[:, None] > oriented[None, :]


def holm(p: NDArray[np.float64], alpha: float) -> NDArray[np.bool_]:
    """Which of several hypotheses (k,) are rejected, so that one that is true is with probability `alpha` at most.

    The least p first, until one is too large for what is left (Holm 1979).
    """
    order = np.argsort(p, kind="stable")
    passed = np.logical_and.accumulate(p[order] <= alpha / np.arange(len(p), 0, -1))
    rejected = np.zeros(len(p), dtype=np.bool_)
    rejected[order] = passed
    return rejected
