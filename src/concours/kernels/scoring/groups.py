"""Groups of rows: how well they are apart, how sure rows are of theirs, and how far two groupings agree.

Rows are points (rows, dimensions), memberships (rows, groups) shares of groups that add up to one; a row is of the
group of its greatest share. Codes (rows,) say the group of each row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

MOST = 1000
"""Rows that distances are measured to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distances:
    """How far rows lie from some of them.

    Attributes:
        some: (some,) the places of these.
        to: (rows, some).
    """

    some: Codes
    to: Floats


def distances(points: Floats, *, most: int = MOST) -> Distances:
    """Of each row to the others, or of many rows to `most` of them, spread evenly."""
    some = np.unique(np.linspace(0, len(points) - 1, min(most, len(points))).round().astype(np.int64))
    return Distances(some=some, to=cdist(points, points[some]))


def silhouettes(known: Distances, memberships: Floats) -> Floats:
    """How much nearer each row is to its own group than to the next one, (rows,), from -1 to 1 (Rousseeuw 1987).

    A row that is alone in its group has 0, and so
    has every row where there is one group.
    """
    codes, some = memberships.argmax(axis=1), known.some
    there = np.eye(memberships.shape[1])[codes[some]]
    sums, counts = known.to @ there, there.sum(axis=0)
    rows = np.arange(len(codes))
    own = counts[codes].copy()
    own[some] -= 1  # a row is no neighbour of its own
    within = np.divide(sums[rows, codes], own, out=np.zeros(len(rows)), where=own > 0)
    means = np.divide(sums, counts, out=np.full(sums.shape, np.inf), where=counts > 0)
    means[rows, codes] = np.inf
    beyond = means.min(axis=1)
    told = (own > 0) & np.isfinite(beyond)
    widest = np.maximum(within, np.where(told, beyond, 0.0))
    apart = np.where(told, beyond, 0.0) - within
    return np.asarray(np.divide(apart, widest, out=np.zeros(len(rows)), where=told & (widest > 0)))


def agreements(memberships: Floats) -> Floats:
    """How likely two of the models that were averaged put a row into the same group, (rows,): squared shares, added."""
    return np.asarray(np.square(memberships / memberships.sum(axis=1, keepdims=True)).sum(axis=1))


def aligned(centres: Floats, reference: Floats) -> Codes:
    """The place (groups,) in a reference (places, dimensions) of each group by its centre (groups, dimensions).

    Together they are as near to their places as may be (Kuhn 1955); no place has two. There are no more groups than
    places.
    """
    return np.asarray(linear_sum_assignment(cdist(centres, reference, "sqeuclidean"))[1])


def centres_of(points: Floats, codes: Codes, groups: int) -> Floats:
    """The mean of the points of each group, (groups, dimensions); 0 of one without a row."""
    there = np.eye(groups)[codes]
    return np.asarray(there.T @ points / np.maximum(there.sum(axis=0), 1)[:, None])
