"""The Fréchet distance of two clouds of points, by their means and covariances (Heusel et al. 2017)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def frechet_distance(first: Floats, second: Floats) -> float:
    """The squared Wasserstein distance of two normal distributions (Dowson and Landau 1982), in squared units.

    Few points make it too great, by about as much for equally many.

    Laws: at least 0; 0 for a cloud and itself; symmetric; a shift of one by v adds |v|² to a distance of 0; the same
    after any rotation of both.

    Args:
        first, second: (rows, features), two rows at least each.
    """
    one, other = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    one, other = np.atleast_2d(one), np.atleast_2d(other)
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    between = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other @ root), 0.0)).sum()
    shift = np.square(first.mean(axis=0) - second.mean(axis=0)).sum()
    return max(float(shift + np.trace(one) + np.trace(other) - 2 * between), 0.0)
