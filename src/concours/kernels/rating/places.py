"""A board of ratings: who is where, how sure that is, and from whom nobody can be told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from concours.kernels.ranking.ranks import certainly_better, competition_ranks
from concours.kernels.ranking.tiers import tiers
from concours.kernels.rating.estimating import Estimated, half_widths
from concours.kernels.scoring.scores import Means

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Places:
    """The models of a board that played, (k,) each, best first.

    Attributes:
        models: their codes.
        theta, stderr, low, high: natural-log strengths, with intervals of 95%.
        rank: by strength; equal ones share the better.
        best, worst: the ranks that cannot be ruled out, all pairs together at 95%.
        overlap_best, overlap_worst: the same by the rule that two differ if their intervals do not overlap.
        tier: from 1; models of a tier cannot be told from its first. An established one heads each.
    """

    models: Codes
    theta: Floats
    stderr: Floats
    low: Floats
    high: Floats
    rank: Codes
    best: Codes
    worst: Codes
    overlap_best: Codes
    overlap_worst: Codes
    tier: Codes


def places(board: Estimated, among: NDArray[np.bool_] | None = None) -> Places:
    """Where the models of a board stand; or, (models,), some of them among themselves."""
    rated, known = board.rated, board.rated.standing
    models = np.flatnonzero((known.played > 0) & (True if among is None else among))
    models = models[np.argsort(-rated.theta[models], kind="stable")]
    theta = rated.theta[models]
    means = Means(theta, rated.covariance[np.ix_(models, models)], units=board.units)
    half = half_widths(means.stderr, board.units)
    low, high = theta - half, theta + half
    established = known.established[models]
    if board.bounds is not None:
        low = np.where(established, board.bounds[0, models], low)
        high = np.where(established, board.bounds[1, models], high)
    better = certainly_better(means, greater_is_better=True)
    apart = low[:, None] > high[None, :]
    return Places(
        models=models,
        theta=theta,
        stderr=means.stderr,
        low=low,
        high=high,
        rank=competition_ranks(theta, greater_is_better=True),
        best=1 + better.sum(axis=0),
        worst=len(models) - better.sum(axis=1),
        overlap_best=1 + apart.sum(axis=0),
        overlap_worst=len(models) - apart.sum(axis=1),
        # Nothing can be told from a model that nobody knows: established ones head tiers.
        tier=tiers(means, greater_is_better=True, heads=established),
    )
