"""Intervals of scores, and the ranks that the data cannot rule out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from concours.kernels.scores import Means

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class RankRanges:
    """Simultaneous ranges of ranks, (k,) int64 each, 1 is first. Law: best <= worst, and some entrant has best = 1."""

    best: NDArray[np.int64]
    worst: NDArray[np.int64]


def rank_ranges(scores: Means, *, greater_is_better: bool, level: float = LEVEL) -> RankRanges:
    """For each entrant 1 + how many are certainly better, and k - how many are certainly worse.

    "Certainly" holds for all pairs together with probability `level`: two-sided normal tests of the paired differences,
    with Holm's correction (Holm 1979).
    """
    better = certain_pairs(scores, level=level) & _ahead(scores.means, greater_is_better)
    k = len(scores.means)
    return RankRanges(1 + better.sum(axis=0), k - better.sum(axis=1))


def certain_pairs(scores: Means, *, level: float = LEVEL) -> NDArray[np.bool_]:
    """(k, k), symmetric: whether two entrants' scores differ by more than chance allows, over all pairs together."""
    difference = scores.means[:, None] - scores.means[None, :]
    own = np.diag(scores.covariance)
    variance = np.maximum(own[:, None] + own[None, :] - 2 * scores.covariance, 0.0)
    scale = np.sqrt(np.where(variance > 1e-12 * (own[:, None] + own[None, :]), variance, 0.0))
    z = np.divide(np.abs(difference), scale, out=np.where(difference == 0, 0.0, np.inf), where=scale > 0)
    first, second = np.triu_indices(len(own), 1)
    certain = np.zeros_like(z, dtype=np.bool_)
    certain[first, second] = holm(2 * norm.sf(z[first, second]), 1 - level)
    return certain | certain.T


def competition_ranks(scores: NDArray[np.float64], *, greater_is_better: bool) -> NDArray[np.int64]:
    """(k,) ranks from 1; equal scores share the better rank (1, 1, 3)."""
    return np.asarray(1 + _ahead(scores, greater_is_better).sum(axis=0), dtype=np.int64)


def intervals(scores: Means, *, level: float = LEVEL) -> NDArray[np.float64]:
    """(k, 2) normal intervals."""
    half = norm.isf((1 - level) / 2) * scores.stderr
    return np.stack([scores.means - half, scores.means + half], axis=1)


def share_intervals(shares: NDArray[np.float64], rows: int, *, level: float = LEVEL) -> NDArray[np.float64]:
    """(k, 2) intervals of shares of `rows` that were hit (Wilson 1927); unlike normal ones, not empty at 0 and 1."""
    z = norm.isf((1 - level) / 2)
    centre = (shares + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * np.sqrt(shares * (1 - shares) / rows + z**2 / (4 * rows**2))
    return np.asarray(np.clip(np.stack([centre - half, centre + half], axis=1), 0.0, 1.0))


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
