"""Scores of predictions row by row, and how the means of several rows of scores vary together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
