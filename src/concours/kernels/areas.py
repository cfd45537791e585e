"""Areas under ROC and precision-recall curves, and what they are without each row: one sort a model and class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scores import Codes, Floats, Means, jackknifed

Flags = NDArray[np.bool_]
Area = Callable[[Flags, Floats], tuple[float, Floats]]
"""Whether rows are of the class, and their scores, to the area and the pseudo-values (rows,)."""


def area_means(y: Codes, predictions: Sequence[Floats], area: Area, *, groups: Codes | None = None) -> Means:
    """Areas of several models on the same rows, by the jackknife; under ROC curves that is DeLong et al. (1988).

    Of the second class where there are two; of more, the mean over the classes that occur, each against the rest.

    Args:
        y: (rows,) codes of the true classes, two different ones at least.
        predictions: (rows, classes), greater where the row is more likely of the class.
        groups: (rows,) codes of rows that belong together.
    """
    counts = np.bincount(y, minlength=predictions[0].shape[1])
    sought = [1] if len(counts) == 2 else np.flatnonzero(counts).tolist()
    values, pseudo = np.zeros(len(predictions)), np.zeros((len(y), len(predictions)))
    for code in sought:
        positive = y == code
        for index, p in enumerate(predictions):
            value, of_rows = area(positive, p[:, code])
            values[index] += value / len(sought)
            pseudo[:, index] += of_rows / len(sought)
    return jackknifed(values, pseudo, groups=groups, rarest=float(counts[counts > 0].min()))


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Rows from the greatest score down, in runs of equal scores.

    Attributes:
        order: (rows,) their positions.
        run: (rows,) the run of each, in that order.
        positive: (rows,) in that order.
        above, upto: (runs,) rows before each run, and to its end; of the class `positives_above`, `positives_upto`.
    """

    order: NDArray[np.int64]
    run: NDArray[np.int64]
    positive: Flags
    above: Floats
    upto: Floats
    positives_above: Floats
    positives_upto: Floats


def _sorted(positive: Flags, score: Floats) -> _Sorted:
    order = np.argsort(-score)
    ordered, flags = score[order], positive[order]
    first = np.ones(len(order), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    starts = np.flatnonzero(first)
    ends = np.append(starts[1:], len(order))
    counted = np.concatenate([[0.0], np.cumsum(flags)])
    return _Sorted(
        order, np.cumsum(first) - 1, flags, starts.astype(float), ends.astype(float), counted[starts], counted[ends]
    )


def roc_area(positive: Flags, score: Floats) -> tuple[float, Floats]:
    """How often a row of the class scores higher than another, equal scores counting half."""
    rows = _sorted(positive, score)
    many, few = int(np.count_nonzero(positive)), int(np.count_nonzero(~positive))
    above = (rows.positives_above + rows.positives_upto) / 2
    below = few - (rows.above + rows.upto) / 2 + above
    won = np.where(rows.positive, (below / few)[rows.run], (above / many)[rows.run])
    value = float(won[rows.positive].mean())
    others = np.where(rows.positive, max(many - 1, 1), max(few - 1, 1))
    pseudo = np.empty(len(score))
    pseudo[rows.order] = value + (len(score) - 1) * (won - value) / others
    return value, pseudo


def average_precision(positive: Flags, score: Floats) -> tuple[float, Floats]:
    """The mean, over the rows of the class, of the share of the class among all that score as high; 0 without any."""
    rows = _sorted(positive, score)
    many, n = int(np.count_nonzero(positive)), len(score)
    if not many:
        return 0.0, np.zeros(n)
    true, named, own = rows.positives_upto, rows.upto, rows.positives_upto - rows.positives_above
    precision = true / named
    value = float((own * precision).sum() / many)
    pairs = named * np.maximum(named - 1, 1)
    falls = (named - true) / pairs
    fallen = np.cumsum((own * falls)[::-1])[::-1]
    risen = np.cumsum((own * true / pairs)[::-1])[::-1]
    without_true = (many * value - precision - (fallen - falls)) / max(many - 1, 1)
    without = np.where(rows.positive, without_true[rows.run], (value + risen / many)[rows.run])
    pseudo = np.empty(n)
    pseudo[rows.order] = n * value - (n - 1) * without
    return value, pseudo
