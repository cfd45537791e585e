"""Ranks that the data cannot rule out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from concours.kernels.ranking.sequential import always_valid, one_sided_always
from concours.kernels.ranking.shared import shared_ranks
from concours.kernels.scoring.intervals import LEVEL
from concours.kernels.scoring.scores import Means


@dataclass(frozen=True, slots=True)
class RankRanges:
    """Simultaneous ranges of ranks, (k,) int64 each, 1 is first. Law: best <= worst, and some entrant has best = 1."""

    best: NDArray[np.int64]
    worst: NDArray[np.int64]


def rank_ranges(
    scores: Means, *, greater_is_better: bool, level: float = LEVEL, standing: int | None = None
) -> RankRanges:
    """For each entrant 1 + how many are certainly better, and k - how many are certainly worse.

    Args:
        standing: how many, the first, stand on the board; the others are what some of these were chosen from, and are
            only tested with them, so that "certainly" holds for all that could have been chosen.
    """
    return ranges_of(certainly_better(scores, greater_is_better=greater_is_better, level=level)[:standing, :standing])


def ranges_of(better: NDArray[np.bool_]) -> RankRanges:
    """The same, where it is known who is certainly better than whom, (k, k)."""
    return RankRanges(1 + better.sum(axis=0), len(better) - better.sum(axis=1))


def certainly_better(scores: Means, *, greater_is_better: bool, level: float = LEVEL) -> NDArray[np.bool_]:
    """(k, k): whether the row's entrant is certainly better than the column's.

    "Certainly" holds for all pairs together with probability `level`: two-sided t tests of the paired differences by
    their evidence (`scores.Evidence`), with Holm's correction (Holm 1979).
    """
    ahead = ahead_of(scores.means, greater_is_better) & ahead_of(scores.tested.estimates, greater_is_better)
    return certain_pairs(scores, level=level) & ahead


def certain_pairs(scores: Means, *, level: float = LEVEL) -> NDArray[np.bool_]:
    """(k, k), symmetric: whether two entrants' scores differ by more than chance allows, over all pairs together."""
    first, second = np.triu_indices(len(scores.means), 1)
    certain = np.zeros(scores.covariance.shape, dtype=np.bool_)
    certain[first, second] = holm(pair_chances(scores, first, second), 1 - level)
    return certain | certain.T


def pair_chances(scores: Means, first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.float64]:
    """(pairs,): how probable a difference as great is if two entrants are equal, by paired t tests; 1 if not known.

    What shows no variance is not certain for that: it is as probable as the evidence says, for means of rows by their
    signs, for all else 1. And what is within rounding of nothing is nothing. Of scores that are looked at again and
    again it is how probable such a difference is at any look.
    """
    told = pair_differences(scores, first, second)
    scale = np.maximum(told.stderr, told.rounding)
    z = np.divide(np.abs(told.value), scale, out=np.where(told.value == 0, 0.0, np.inf), where=scale > 0)
    p = 2 * student.sf(z, told.degrees)
    p = np.where(told.stderr <= told.rounding, np.maximum(p, scores.tested.unseen), p)
    if scores.sought:
        varying = always_valid(p, np.square(told.stderr), scores.sought)
        p = np.where(told.stderr <= told.rounding, one_sided_always(p, scores.units), varying)
    known = np.isfinite(told.value) & np.isfinite(told.stderr) & np.isfinite(scores.means[first] + scores.means[second])
    return np.where(known & (not scores.few), p, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairDifferences:
    """By how much pairs differ by the evidence, (pairs,), with standard errors, degrees of freedom, and rounding."""

    value: NDArray[np.float64]
    stderr: NDArray[np.float64]
    degrees: NDArray[np.float64]
    rounding: NDArray[np.float64]


def pair_differences(scores: Means, first: NDArray[np.intp], second: NDArray[np.intp]) -> PairDifferences:
    """The first less the second of each pair; standard errors within rounding of nothing are 0."""
    told = scores.tested
    own = np.diag(told.covariance)
    rounding = 1e-12 * (own[first] + own[second])
    variance = own[first] + own[second] - 2 * told.covariance[first, second]
    return PairDifferences(
        value=told.estimates[first] - told.estimates[second],
        stderr=np.sqrt(np.where(variance <= rounding, 0.0, variance)),
        degrees=told.degrees[first, second],
        rounding=np.sqrt(rounding),
    )


def competition_ranks(scores: NDArray[np.float64], *, greater_is_better: bool) -> NDArray[np.int64]:
    """(k,) ranks from 1; equal scores share the better rank (1, 1, 3), and undefined ones are behind all others."""
    oriented = np.where(np.isnan(scores), -np.inf, scores if greater_is_better else -scores)
    return shared_ranks(oriented, greater_is_better=True)


def placings(scores: Means, *, greater_is_better: bool) -> NDArray[np.int64]:
    """(k, 3): the rank of each entrant, and the best and the worst that it may have (`rank_ranges`)."""
    ranges = rank_ranges(scores, greater_is_better=greater_is_better)
    ranks = competition_ranks(scores.means, greater_is_better=greater_is_better)
    return np.stack([ranks, ranges.best, ranges.worst], axis=1)


def ahead_of(scores: NDArray[np.float64], greater_is_better: bool) -> NDArray[np.bool_]:
    """(k, k): whether the row's score is better than the column's; any is better than one that is undefined."""
    oriented = scores if greater_is_better else -scores
    oriented = np.where(np.isnan(oriented), -np.inf, oriented)
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
