"""Clouds as manifolds, balls around their points: precision and recall of samples, and whether they copy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEIGHBOURS = 3
"""The ball around a point reaches to the third nearest of its own cloud, as Kynkäänniemi et al. have it."""
_PIECE = 1024


def within(points: Floats, cloud: Floats, *, neighbours: int = NEIGHBOURS) -> NDArray[np.bool_]:
    """Whether each of some points (rows, features) lies in the manifold of a cloud (others, features), (rows,).

    That is the union of balls around the cloud's points, each as wide as to its third nearest neighbour there. Of drawn
    points in the manifold of real ones the mean is their precision; of real points in that of drawn ones the recall
    (Kynkäänniemi et al. 2019).

    Laws: points of the cloud lie in it; it does not hang on the order of either, nor on a rotation of both.
    """
    most = min(neighbours, len(cloud) - 1)
    reach = np.concatenate([np.partition(part, most, axis=1)[:, most] for part in _squares(cloud, cloud)])
    return np.concatenate([(part <= reach).any(axis=1) for part in _squares(points, cloud)])


def nearest(points: Floats, cloud: Floats) -> tuple[NDArray[np.int64], Floats]:
    """(rows,) the place of the nearest point of a cloud, the first of equal ones, and the distance to it."""
    places, squares = [], []
    for part in _squares(points, cloud):
        places.append(part.argmin(axis=1))
        squares.append(part.min(axis=1))
    return np.concatenate(places), np.sqrt(np.maximum(np.concatenate(squares), 0.0))


def copying(drawn: Floats, unseen: Floats) -> float:
    """How probable it is that a sample lies nearer to what was fitted on than a real point that was not.

    A half where samples are as new as real ones, 1 where they are copies (the data-copying test of Meehan, Chaudhuri
    and Dasgupta 2020, as the share behind its rank sum).

    Args:
        drawn, unseen: (rows,) and (others,), distances to the nearest point that was fitted on.
    """
    ordered = np.sort(unseen)
    farther = len(ordered) - np.searchsorted(ordered, drawn, side="right")
    equal = np.searchsorted(ordered, drawn, side="right") - np.searchsorted(ordered, drawn, side="left")
    return float((farther + 0.5 * equal).mean() / len(ordered))


def _squares(points: Floats, cloud: Floats) -> list[Floats]:
    """Squared distances (rows, others) in pieces of rows; those of equal points are 0."""
    own = np.square(cloud).sum(axis=1)
    found = []
    for start in range(0, len(points), _PIECE):
        part = points[start : start + _PIECE]
        squares = np.square(part).sum(axis=1)[:, None] + own - 2 * part @ cloud.T
        scale = np.square(part).sum(axis=1)[:, None] + own
        found.append(np.where(squares <= 1e-12 * scale, 0.0, squares))
    return found
