"""Anomalies that last: precision and recall of ranges of rows that follow one another.

The measure of Tatbul et al. (2018, Precision and Recall for Time Series, NeurIPS) with a flat bias, all rows of a range
worth the same, and neither a reward for touching a range nor a penalty for finding it in pieces (α = 0, γ = 1). Recall
is the mean over true ranges of the share of their rows that are called, precision the mean over called ranges of the
share of their rows that are anomalies. So a long anomaly counts as much as a short one, and no row is adjusted
afterwards: what is not called is not found.

Both are ratios of sums over rows, so that their jackknife, credit and greedy selection cost what those of a mean do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def ranges_of(flags: NDArray[np.bool_], place: Floats) -> Codes:
    """Which range each row is in, (rows,) codes from 0; -1 where it is in none.

    A range is of rows with a flag whose places follow one another. Law: the order in which rows stand does not count.

    Args:
        flags: (rows,).
        place: (rows,) whole numbers; rows that follow one another in one series are one apart, others more.
    """
    order = np.argsort(place, kind="stable")
    on, at = flags[order], place[order]
    begins = on.copy()
    begins[1:] &= ~on[:-1] | (np.diff(at) > 1)
    found = np.empty(len(flags), dtype=np.int64)
    found[order] = np.where(on, np.cumsum(begins) - 1, -1)
    return found


def range_statistics(true: NDArray[np.bool_], called: NDArray[np.bool_], place: Floats) -> Floats:
    """What each row adds to recall and precision, (rows, 4).

    Of a row in a true range: the share of that range that it is, if it is called, and the same if it is or is not; of a
    row in a called range the same where it is an anomaly. So that the sums of the columns are: what is found of true
    ranges, how many there are, what is true of called ranges, how many there are.

    Args:
        true, called: (rows,).
        place: as of `ranges_of`.
    """
    found, said = _shares(true, place), _shares(called, place)
    return np.stack([found * called, found, said * true, said], axis=1)


def _shares(flags: NDArray[np.bool_], place: Floats) -> Floats:
    """One by the length of its range, of each row that is in one; else 0."""
    codes = ranges_of(flags, place)
    lengths = np.bincount(codes[flags]) if flags.any() else np.ones(1, dtype=np.int64)
    return np.where(flags, 1.0 / lengths[np.maximum(codes, 0)], 0.0)


def recall_of(means: Floats) -> Floats:
    """Recall (...,) of means (..., 4) of `range_statistics`; undefined where no row is an anomaly."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(means[..., 0] / means[..., 1])


def precision_of(means: Floats) -> Floats:
    """Precision (...,); 0 where nothing is called."""
    return np.asarray(np.where(means[..., 3] > 0, means[..., 2] / np.where(means[..., 3] > 0, means[..., 3], 1.0), 0.0))


def f1_of(means: Floats) -> Floats:
    """The harmonic mean of both, (...,)."""
    recall, precision = recall_of(means), precision_of(means)
    total = recall + precision
    return np.asarray(np.where(total > 0, 2 * recall * precision / np.where(total > 0, total, 1.0), total))
