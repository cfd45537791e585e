"""Scores of predictions row by row, and how the scores of several models on the same rows vary together.

Every metric is brought to one form: a number a row, whose mean is the metric. For a mean that is the row's own score;
for any other it is the pseudo-value, n T - (n - 1) T(without the row) (Tukey 1958). Covariances, skewness and clusters
are then those of means. Where rows have weights (`weighing.in_rows`), of weighted means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.kernels.rows.weighing import effective, without_each

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_ALIKE = 1e-13
"""The share of a second moment that a variance is within rounding of nothing at."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What pairs of scores are told apart by.

    Attributes:
        estimates: (k,); where few rows speak, drawn a little to what is believed before any does.
        covariance: (k, k) of these, as they would vary with what no row of the sample has shown.
        degrees: (k, k), of freedom of the variance of each difference.
        unseen: how probable a difference is that shows no variance at all.
    """

    estimates: Floats
    covariance: Floats
    degrees: Floats
    unseen: float = 1.0

    def among(self, places: NDArray[Any]) -> Evidence:
        """Of some of the models."""
        both = np.ix_(places, places)
        return replace(
            self, estimates=self.estimates[places], covariance=self.covariance[both], degrees=self.degrees[both]
        )


@dataclass(frozen=True, slots=True)
class Means:
    """Estimates, and how they vary.

    Attributes:
        means: (k,); NaN where undefined.
        covariance: (k, k), of the estimates themselves, not of single rows; NaN where nothing tells it.
        skewness: (k,), third standardised cumulant of the estimates, or (1,) for all; 0, as of normal ones, by default.
        units: how many independent rows, groups of rows, or blocks the covariance rests on; of unequal weights as many
            of equal ones as tell as much.
        rarest: how many of them tell of the rarest class, or of a mean: what an estimate without variance rests on.
        sought: where one looks again and again as rows come, and may stop at any look: the standard deviation of the
            differences that are looked for, in the unit of the means (`kernels.ranking.sequential`); 0 for one look.
        evidence: what pairs are told apart by, where it is more than means, covariance and units.
        few: why the rows are too few to tell how sure the estimates are; empty where they are not.
    """

    means: Floats
    covariance: Floats
    skewness: Floats = field(default_factory=lambda: np.zeros(1))
    units: float = np.inf
    rarest: float = np.inf
    sought: float = 0.0
    evidence: Evidence | None = None
    few: str = ""

    @property
    def stderr(self) -> Floats:
        """Standard errors, (k,)."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    @property
    def tested(self) -> Evidence:
        """What pairs are told apart by."""
        degrees = np.full(self.covariance.shape, max(self.units - 1, 1.0))
        return self.evidence or Evidence(estimates=self.means, covariance=self.covariance, degrees=degrees)

    def reordered(self, places: NDArray[Any]) -> Means:
        """Of the models in another order, as intervals take them."""
        both = np.ix_(places, places)
        skewness = self.skewness[places] if len(self.skewness) == len(self.means) else self.skewness
        evidence = self.evidence and self.evidence.among(places)
        covariance = self.covariance[both]
        return replace(self, means=self.means[places], covariance=covariance, skewness=skewness, evidence=evidence)

    def among(self, places: NDArray[Any]) -> Means:
        """Of some of the models, as ranks take them."""
        return Means(
            self.means[places],
            self.covariance[np.ix_(places, places)],
            units=self.units,
            rarest=self.rarest,
            sought=self.sought,
            evidence=self.tested.among(places),
            few=self.few,
        )


def unknown_means(count: int) -> Means:
    """Of what is undefined: rows of one class for an area, or no rows at all."""
    return Means(np.full(count, np.nan), np.full((count, count), np.nan))


def jackknifed(
    estimates: Floats,
    pseudo: Floats,
    *,
    groups: Codes | None = None,
    weights: Floats | None = None,
    rarest: float = np.inf,
    signs: bool = False,
    apart: bool = True,
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
        signs: whether rows that all differ by the same tell at least that they all point one way, as those of a mean of
            rows do: by chance they would with probability `2 ** (1 - units)`.
        apart: whether pairs are to be told apart by how many rows their differences rest on.
    """
    moved, units = moved_by(pseudo, groups=groups, weights=weights)
    squares = moved.T @ moved
    covariance = squares * (units - 1) / units if len(moved) > 1 else np.full_like(squares, np.nan)
    spread = np.diag(squares) ** 1.5
    third = np.einsum("ij,ij,ij->j", moved, moved, moved)
    skewness = np.divide(third, spread, out=np.zeros_like(spread), where=spread > 0)
    if not apart:
        return Means(estimates, covariance, skewness, units, min(rarest, units))
    degrees = pair_degrees(moved, units)
    unseen = 2.0 ** (1 - units) if signs else 1.0
    evidence = Evidence(estimates=estimates, covariance=covariance, degrees=degrees, unseen=unseen)
    return Means(estimates, covariance, skewness, units, min(rarest, units), evidence=evidence)


def moved_by(pseudo: Floats, *, groups: Codes | None = None, weights: Floats | None = None) -> tuple[Floats, float]:
    """How much each row, or group of rows, moves the means of pseudo-values (rows, k), (units, k); and how many of
    equal weight they are worth.
    """
    each = np.ones(len(pseudo)) if weights is None else weights
    total = each.sum()
    moved = pseudo - (pseudo if weights is None else each[:, None] * pseudo).sum(axis=0) / total
    if weights is not None:
        moved *= each[:, None]
    moved /= total
    return by_unit(moved, each, groups), effective(each, groups)


def by_unit(moved: Floats, each: Floats, groups: Codes | None) -> Floats:
    """How much the rows, or groups of rows, move estimates, (units, k), as if each were left out.

    A unit that weighs all that there is leaves nothing: it moves them as it does.

    Args:
        moved: (rows, k), by how much each row moves each estimate.
        each: (rows,) weights.
    """
    sizes = each[:, None]
    if groups is not None:
        sizes = np.bincount(groups, weights=each)[:, None].astype(np.float64)
        moved = np.stack([np.bincount(groups, weights=column) for column in moved.T], axis=1)
    total = each.sum()
    left = total - sizes
    return np.asarray(moved * np.divide(total, left, out=np.ones(left.shape), where=left > _ALIKE * total))


def pair_degrees(moved: Floats, units: float) -> Floats:
    """Degrees of freedom of the variance of each difference, (k, k): fewer, the fewer units it rests on.

    Those of the chi-square with the variance that the sum of squares has by its fourth moment (Satterthwaite 1946): for
    normal differences about as many as there are units, for one that is seen on m units alone about 2 m. At most
    units - 1, and 1 at least; on the diagonal units - 1.

    Args:
        moved: (units, k), how much each unit moves each estimate.
    """
    second, cross = moved.T @ moved, np.square(moved).T @ np.square(moved)
    third = (moved**3).T @ moved
    own, fourth = np.diag(second), np.diag(cross)
    variance = own[:, None] + own[None, :] - 2 * second
    sums = fourth[:, None] + fourth[None, :] + 6 * cross - 4 * (third + third.T)
    for one, other in zip(*np.nonzero(np.triu(variance < 1e-2 * (own[:, None] + own[None, :]), 1)), strict=True):
        apart = np.square(moved[:, one] - moved[:, other])  # of the like the sums above are rounding alone
        variance[one, other] = variance[other, one] = apart.sum()
        sums[one, other] = sums[other, one] = apart @ apart
    most = max(units - 1, 1.0)
    share = np.divide(sums, np.square(variance), out=np.zeros_like(sums), where=variance > 0) - 1 / len(moved)
    degrees = np.divide(2.0, share, out=np.full_like(sums, most), where=share > 0)
    np.fill_diagonal(degrees, most)
    return np.asarray(np.clip(degrees, 1.0, most))


def row_means(rows: Floats, *, groups: Codes | None = None, weights: Floats | None = None, apart: bool = True) -> Means:
    """Means over rows of scores (rows, k)."""
    means = np.average(rows, axis=0, weights=weights)
    return jackknifed(means, rows, groups=groups, weights=weights, signs=True, apart=apart)


Value = Callable[[Floats], Floats]
"""Means of row statistics (..., k) to scores (...,); what has none is not a number."""


def root(means: Floats) -> Floats:
    """The square root of the mean of a statistic (..., 1) of at least 0."""
    return np.sqrt(np.maximum(means[..., 0], 0.0))


def r2_statistics(y: Floats, p: Floats) -> Floats:
    """What coefficients of determination are computed from, (rows, 3): squared error, and the target's two moments.

    The target is told from its mean over these rows, as moments about any other point lose digits.
    """
    off = y - y.mean()
    return np.stack([squared_errors(y, p), off, np.square(off)], axis=1)


def r2(means: Floats) -> Floats:
    """Coefficients of determination of means of `r2_statistics`; undefined where all targets are the same."""
    errors, first, second = np.moveaxis(means, -1, 0)
    spread = second - np.square(first)
    known = spread > _ALIKE * second
    return np.asarray(1 - np.divide(errors, spread, out=np.full(spread.shape, np.nan), where=known))


def value_means(
    statistics: Sequence[Floats], value: Value, *, groups: Codes | None = None, weights: Floats | None = None
) -> Means:
    """A function of the means of row statistics, (rows, k) of each model, by the jackknife.

    Law: of the mean itself it is `row_means`, but for what rows that all differ by the same tell.
    """
    return jackknifed(*value_pseudo(statistics, value, weights=weights), groups=groups, weights=weights)


def value_pseudo(statistics: Sequence[Floats], value: Value, *, weights: Floats | None = None) -> tuple[Floats, Floats]:
    """The function of the means, (k,), and its pseudo-values (rows, k)."""
    each = np.ones(len(statistics[0])) if weights is None else weights
    total = each.sum()
    left = np.where(total > each, total - each, 1.0)  # of a single row anything, as nothing is known without it
    estimates, pseudo = np.empty(len(statistics)), np.empty((len(each), len(statistics)))
    for model, rows in enumerate(statistics):
        weighed = each[:, None] * rows
        sums = weighed.sum(axis=0)
        estimates[model] = value(sums / total)
        without = value((sums - weighed) / left[:, None])
        pseudo[:, model] = without_each(estimates[model : model + 1], without[:, None], each)[:, 0]
    return estimates, pseudo


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
