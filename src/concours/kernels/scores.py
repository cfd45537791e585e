"""Scores of predictions row by row, and how the means of several rows of scores vary together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]


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
    """Estimates with their covariance.

    Attributes:
        means: (k,).
        covariance: (k, k), of the estimates themselves, not of single rows.
    """

    means: Floats
    covariance: Floats

    @property
    def stderr(self) -> Floats:
        """Standard errors, (k,)."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    def root(self) -> Means:
        """Square roots of the means, by the delta method. Where a mean is 0 its root has no variance."""
        roots = np.sqrt(self.means)
        slope = np.divide(0.5, roots, out=np.zeros_like(roots), where=roots > 0)
        return Means(roots, self.covariance * np.outer(slope, slope))


def row_means(rows: Floats) -> Means:
    """Means over rows of scores (rows, k), paired: the covariance holds what the columns share, e.g. hard rows.

    Law: invariant to the order of the rows; permuting the columns permutes the result.
    """
    n = len(rows)
    centred = rows - rows.mean(axis=0)
    covariance = centred.T @ centred / (max(n - 1, 1) * n)
    return Means(rows.mean(axis=0), covariance)


def replicate_means(estimates: Floats, replicates: Floats) -> Means:
    """Estimates (k,) with the covariance of their bootstrap replicates (rounds, k)."""
    centred = replicates - replicates.mean(axis=0)
    return Means(estimates, centred.T @ centred / max(len(replicates) - 1, 1))


def auc_means(y: NDArray[np.int64], predictions: Sequence[Floats]) -> Means:
    """Areas under ROC curves of several models on the same rows, with their covariance (DeLong et al. 1988).

    Of the second class where there are two; of more, the mean over the classes that occur, each against the rest.

    Args:
        y: (rows,) codes of the true classes, two different ones at least.
        predictions: (rows, classes), greater where the row is more likely of the class.
    """
    classes = predictions[0].shape[1]
    sought = [1] if classes == 2 else np.flatnonzero(np.bincount(y, minlength=classes)).tolist()
    each = [[_auc(y == code, p[:, code]) for code in sought] for p in predictions]
    areas = np.array([np.mean([area for area, _ in of_classes]) for of_classes in each])
    moved = np.stack([np.mean([influence for _, influence in of_classes], axis=0) for of_classes in each], axis=1)
    return Means(areas, moved.T @ moved)


def _auc(positive: NDArray[np.bool_], score: Floats) -> tuple[float, Floats]:
    """The area, and each row's influence on it, (rows,)."""
    many, few = np.count_nonzero(positive), np.count_nonzero(~positive)
    ranks = rankdata(score)
    won = (ranks[positive] - rankdata(score[positive])) / few
    lost = 1 - (ranks[~positive] - rankdata(score[~positive])) / many
    influence = np.empty(len(score))
    influence[positive] = (won - won.mean()) / many
    influence[~positive] = (lost - lost.mean()) / few
    return float(won.mean()), influence


def r2_means(y: Floats, predictions: Sequence[Floats]) -> Means:
    """Coefficients of determination of several models on the same rows, with their covariance by influences."""
    spread = np.square(y - y.mean())
    errors = np.stack([squared_errors(y, p) for p in predictions], axis=1)
    shares = errors.sum(axis=0) / spread.sum()
    influence = (shares * spread[:, None] - errors) / spread.sum()
    return Means(1 - shares, influence.T @ influence)
