"""Scores of predictions row by row, and how the scores of several models on the same rows vary together.

Every metric is brought to one form: a number a row, whose mean is the metric. For a mean that is the row's own score;
for any other it is the pseudo-value, n T - (n - 1) T(without the row) (Tukey 1958). Covariances, skewness and clusters
are then those of means. Where rows have weights (`weighing.in_rows`), of weighted means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from concours.kernels.weighing import effective, without_each

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def log_losses(y: NDArray[np.int64], p: Floats) -> Floats:
    """Minus the logarithm of the probability given to the true class, in nats, (rows,).

    Args:
        y: (rows,) codes of the true classes.
        p: (rows, classes) probabilities; each row is scaled to sum to one and kept off 0 and 1 by the float's
            precision, as scikit-learn's `log_loss` does, whose value is the mean of these.
    """
    eps = np.finfo(np.float64).eps
    true = p[np.arange(len(y)), y] / p.sum(axis=1)
    return np.asarray(-np.log(np.clip(true, eps, 1 - eps)))


def hits(y: NDArray[np.int64], p: Floats) -> Floats:
    """1 where the most probable class (of equal ones the first) is the true one, else 0, (rows,)."""
    return np.asarray(p.argmax(axis=1) == y, dtype=np.float64)


def squared_errors(y: Floats, p: Floats) -> Floats:
    """Squared differences, (rows,), in squared units of the target; `p` is (rows, 1)."""
    return np.square(p[:, 0] - y)


def briers(y: NDArray[np.int64], p: Floats) -> Floats:
    """Squared distance of the probabilities from what came, (rows,); half of it for two classes (Brier 1950).

    With two classes so the mean is of the squared error of the second one's probability, as it is mostly meant, and as
    scikit-learn's `brier_score_loss` has it. Rows are scaled to sum to one.
    """
    shares = p / p.sum(axis=1, keepdims=True)
    distance = np.square(shares).sum(axis=1) - 2 * shares[np.arange(len(y)), y] + 1
    return np.asarray(distance / 2 if p.shape[1] == 2 else distance)


def absolute_errors(y: Floats, p: Floats) -> Floats:
    """Absolute differences, (rows,), in units of the target; `p` is (rows, 1)."""
    return np.abs(p[:, 0] - y)


def relative_errors(y: Floats, p: Floats) -> Floats:
    """Absolute differences as shares of the target, (rows,); next to a target of 0 they are huge, as scikit-learn's."""
    return np.asarray(np.abs(p[:, 0] - y) / np.maximum(np.abs(y), np.finfo(np.float64).eps))


def squared_log_errors(y: Floats, p: Floats) -> Floats:
    """Squared differences of log(1 + value), (rows,), for targets of at least 0; predictions below 0 count as 0."""
    return np.asarray(np.square(np.log1p(np.maximum(p[:, 0], 0.0)) - np.log1p(y)))


def pinball_losses(quantile: float) -> Callable[[Floats, Floats], Floats]:
    """Pinball losses, (rows,), of predictions of a quantile (Koenker and Bassett 1978)."""

    def losses(y: Floats, p: Floats) -> Floats:
        short = y - p[:, 0]
        return np.maximum(quantile * short, (quantile - 1) * short)

    return losses


@dataclass(frozen=True, slots=True)
class Means:
    """Estimates, and how they vary.

    Attributes:
        means: (k,).
        covariance: (k, k), of the estimates themselves, not of single rows; NaN where nothing tells it.
        skewness: (k,), third standardised cumulant of the estimates, or (1,) for all; 0, as of normal ones, by default.
        units: how many independent rows, groups of rows, or blocks the covariance rests on; of unequal weights as many
            of equal ones as tell as much.
        rarest: how many of them tell of the rarest class, or of a mean: what an estimate without variance rests on.
        sought: where one looks again and again as rows come, and may stop at any look: the standard deviation of the
            differences that are looked for, in the unit of the means (`kernels.sequential`); 0 for one look.
    """

    means: Floats
    covariance: Floats
    skewness: Floats = field(default_factory=lambda: np.zeros(1))
    units: float = np.inf
    rarest: float = np.inf
    sought: float = 0.0

    @property
    def stderr(self) -> Floats:
        """Standard errors, (k,)."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))


def jackknifed(
    estimates: Floats,
    pseudo: Floats,
    *,
    groups: Codes | None = None,
    weights: Floats | None = None,
    rarest: float = np.inf,
) -> Means:
    """Estimates with the covariance and the skewness of the mean of their pseudo-values, paired.

    The covariance holds what models share, e.g. hard rows. Where rows come in groups, whole groups are left out of the
    mean: a covariance that is robust to clusters, with the small-sample correction CV3 (Bell and McCaffrey 2002;
    MacKinnon, Nielsen and Webb 2023). Of a weighted mean `m` of `l` it is that of a ratio, about
    `sum(w ** 2 * (l - m) ** 2) / sum(w) ** 2`: it does not take weights for numbers of rows.

    Laws: invariant to the order of the rows; permuting the models permutes the result; groups of one row each are as no
    groups; rows that all come twice, as groups of two, are about as rows that come once; equal weights are as none.

    Args:
        estimates: (k,).
        pseudo: (rows, k).
        groups: (rows,) codes from 0, each of which occurs.
        weights: (rows,) above 0.
        rarest: rows of the rarest class that the estimates tell of.
    """
    each = np.ones(len(pseudo)) if weights is None else weights
    total = each.sum()
    moved = each[:, None] * (pseudo - (each[:, None] * pseudo).sum(axis=0) / total) / total
    sizes = each[:, None]
    if groups is not None:
        sizes = np.bincount(groups, weights=each)[:, None].astype(np.float64)
        moved = np.stack([np.bincount(groups, weights=column) for column in moved.T], axis=1)
    units = effective(each, groups)
    if len(moved) > 1:
        moved *= total / (total - sizes)
    squares = moved.T @ moved
    covariance = squares * (units - 1) / units if len(moved) > 1 else np.full_like(squares, np.nan)
    spread = np.diag(squares) ** 1.5
    third = np.einsum("ij,ij,ij->j", moved, moved, moved)
    skewness = np.divide(third, spread, out=np.zeros_like(spread), where=spread > 0)
    return Means(estimates, covariance, skewness, units, min(rarest, units))


def row_means(rows: Floats, *, groups: Codes | None = None, weights: Floats | None = None) -> Means:
    """Means over rows of scores (rows, k)."""
    return jackknifed(np.average(rows, axis=0, weights=weights), rows, groups=groups, weights=weights)


def root_means(rows: Floats, *, groups: Codes | None = None, weights: Floats | None = None) -> Means:
    """Square roots of means over rows of scores (rows, k) of at least 0."""
    each = np.ones(len(rows)) if weights is None else weights
    weighed = each[:, None] * rows
    total, sums = each.sum(), weighed.sum(axis=0)
    roots = np.sqrt(sums / total)
    without = np.sqrt(np.maximum(sums - weighed, 0.0) / _left(total, each)[:, None])
    return jackknifed(roots, without_each(roots, without, each), groups=groups, weights=weights)


def r2_means(
    y: Floats, predictions: Sequence[Floats], *, groups: Codes | None = None, weights: Floats | None = None
) -> Means:
    """Coefficients of determination of several models, whose predictions are (rows, 1), on the same rows."""
    each = np.ones(len(y)) if weights is None else weights
    total = each.sum()
    spread = each * np.square(y - np.average(y, weights=weights))
    errors = each[:, None] * np.stack([squared_errors(y, p) for p in predictions], axis=1)
    shares = 1 - errors.sum(axis=0) / spread.sum()
    left = spread.sum() - total / _left(total, each) * spread
    without = 1 - (errors.sum(axis=0) - errors) / np.maximum(left, np.finfo(np.float64).tiny)[:, None]
    return jackknifed(shares, without_each(shares, without, each), groups=groups, weights=weights)


def _left(total: float, each: Floats) -> Floats:
    """The weight of all but each row; of a single row anything, as nothing is known without it."""
    return np.where(total > each, total - each, 1.0)


def replicate_means(estimates: Floats, replicates: Floats, *, units: float = np.inf) -> Means:
    """Estimates (k,) with the covariance and the skewness of their bootstrap replicates (rounds, k), two at least."""
    if len(replicates) < 2:
        return Means(estimates, np.full((len(estimates),) * 2, np.nan), units=units, rarest=units)
    centred = replicates - replicates.mean(axis=0)
    spread = np.square(centred).sum(axis=0) ** 1.5
    third = np.einsum("ij,ij,ij->j", centred, centred, centred) * len(replicates) ** 0.5
    skewness = np.divide(third, spread, out=np.zeros_like(spread), where=spread > 0)
    return Means(estimates, centred.T @ centred / (len(replicates) - 1), skewness, units, units)


def resampled(rows: int, groups: Codes | None, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions of rows drawn with replacement, as many as there are; or whole groups, as many groups as there are."""
    if groups is None:
        return rng.integers(rows, size=rows)
    members, sizes = np.argsort(groups, kind="stable"), np.bincount(groups)
    starts = np.cumsum(sizes) - sizes
    drawn = rng.integers(len(sizes), size=len(sizes))
    ends = np.cumsum(sizes[drawn])
    return np.asarray(members[np.arange(ends[-1]) - np.repeat(ends - sizes[drawn] - starts[drawn], sizes[drawn])])
