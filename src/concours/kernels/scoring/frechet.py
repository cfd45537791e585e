"""The Fréchet distance of two clouds of points, by their means and covariances (Heusel et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """What the distance takes of a cloud.

    Attributes:
        mean: (features,).
        covariance: (features, features), unbiased.
    """

    mean: Floats
    covariance: Floats

    @classmethod
    def of(cls, points: Floats, weights: Floats | None = None) -> Moments:
        """Of points (rows, features), two at least; weights (rows,) are in rows, as of rows that are there so often."""
        each = np.ones(len(points)) if weights is None else weights
        total = float(each.sum())
        mean = each @ points / total
        away = points - mean
        return cls(mean=mean, covariance=(away * each[:, None]).T @ away / max(total - 1, 1e-9))


def frechet_distance(first: Floats, second: Floats) -> float:
    """The squared Wasserstein distance of two normal distributions (Dowson and Landau 1982), in squared units.

    Few points make it too great, by about as much for equally many.

    Laws: at least 0; 0 for a cloud and itself; symmetric; a shift of one by v adds |v|² to a distance of 0; the same
    after any rotation of both.

    Args:
        first, second: (rows, features), two rows at least each.
    """
    return distance_between(Moments.of(first), Moments.of(second))


def distance_between(first: Moments, second: Moments) -> float:
    """The same of what is known of clouds; the moments of a mixture follow from those of its parts."""
    root = root_of(first.covariance)
    between = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ second.covariance @ root), 0.0)).sum()
    shift = np.square(first.mean - second.mean).sum()
    return max(float(shift + np.trace(first.covariance) + np.trace(second.covariance) - 2 * between), 0.0)


def root_of(covariance: Floats) -> Floats:
    """The symmetric root of a covariance (features, features)."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)
