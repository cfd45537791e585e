"""Areas under ROC and precision-recall curves, and what they are without each row: one sort a model and class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from concours.kernels.rows.weighing import without_each
from concours.kernels.scoring.area_intervals import AreaMeans, Areas, Variance, of_roc, of_share, with_areas
from concours.kernels.scoring.counts import class_units, rarest_class
from concours.kernels.scoring.scores import Codes, Floats, jackknifed

Flags = NDArray[np.bool_]
Area = Callable[[Flags, Floats, Floats], tuple[float, Floats]]
"""Whether rows are of the class, their scores, and their weights, to the area and the pseudo-values (rows,)."""

_ANYWHERE = 1 / 4
"""The variance of an area that may be anything, as of a class that does not occur."""


def area_means(
    y: Codes,
    predictions: Sequence[Floats],
    area: Area,
    *,
    groups: Codes | None = None,
    weights: Floats | None = None,
) -> AreaMeans:
    """Areas of several models on the same rows, by the jackknife; under ROC curves that is DeLong et al. (1988).

    Of the second class where there are two; of more, the mean over the classes that occur, each against the rest.

    Args:
        y: (rows,) codes of the true classes, two different ones at least.
        predictions: (rows, classes), greater where the row is more likely of the class.
        groups: (rows,) codes of rows that belong together.
        weights: (rows,) above 0.
    """
    each = np.ones(len(y)) if weights is None else weights
    classes = predictions[0].shape[1]
    counts = class_units(y, classes, groups=groups, weights=weights)
    occur = counts > 0
    sought = np.array([1]) if classes == 2 else np.flatnonzero(occur)
    values, pseudo = np.zeros((len(predictions), len(sought))), np.zeros((len(y), len(predictions)))
    for place, code in enumerate(sought):
        for index, p in enumerate(predictions):
            values[index, place], of_rows = area(y == code, p[:, code], each)
            pseudo[:, index] += of_rows / len(sought)
    areas = Areas(
        values=values,
        positives=counts[sought],
        negatives=np.array([counts[occur & (np.arange(classes) != code)].sum() for code in sought]),
        missing=0.0 if classes == 2 else float(np.count_nonzero(~occur)) * _ANYWHERE / classes**2,
        variance=_VARIANCES[area],
    )
    found = jackknifed(values.mean(axis=1), pseudo, groups=groups, weights=weights, rarest=rarest_class(y, weights))
    return with_areas(found, areas)


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Rows from the greatest score down, in runs of equal scores.

    Attributes:
        order: (rows,) their positions.
        run: (rows,) the run of each, in that order.
        positive, weight: (rows,) in that order.
        above, upto: (runs,) what the rows before each run weigh, and to its end; of the class `positives_above`,
            `positives_upto`.
        rows: (runs,) how many rows there are to its end.
    """

    order: NDArray[np.int64]
    run: NDArray[np.int64]
    positive: Flags
    weight: Floats
    above: Floats
    upto: Floats
    positives_above: Floats
    positives_upto: Floats
    rows: Floats


def _sorted(positive: Flags, score: Floats, weights: Floats) -> _Sorted:
    order = np.argsort(-score)
    ordered, flags, weight = score[order], positive[order], weights[order]
    first = np.ones(len(order), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    starts = np.flatnonzero(first)
    ends = np.append(starts[1:], len(order))
    weighed = np.concatenate([[0.0], np.cumsum(weight)])
    counted = np.concatenate([[0.0], np.cumsum(flags * weight)])
    return _Sorted(
        order=order,
        run=np.cumsum(first) - 1,
        positive=flags,
        weight=weight,
        above=weighed[starts],
        upto=weighed[ends],
        positives_above=counted[starts],
        positives_upto=counted[ends],
        rows=ends.astype(np.float64),
    )


def roc_area(positive: Flags, score: Floats, weights: Floats) -> tuple[float, Floats]:
    """How often a row of the class scores higher than another, equal scores counting half, pairs by both weights."""
    rows = _sorted(positive, score, weights)
    many, few = float(weights[positive].sum()), float(weights[~positive].sum())
    above = (rows.positives_above + rows.positives_upto) / 2
    below = few - (rows.above + rows.upto) / 2 + above
    won = np.where(rows.positive, (below / few)[rows.run], (above / many)[rows.run])
    value = float((rows.weight * won)[rows.positive].sum()) / many
    side = np.where(rows.positive, many, few)
    others = np.where(side > rows.weight, side - rows.weight, rows.weight)
    pseudo = np.empty(len(score))
    pseudo[rows.order] = value + (weights.sum() - rows.weight) * (won - value) / others
    return value, pseudo


def average_precision(positive: Flags, score: Floats, weights: Floats) -> tuple[float, Floats]:
    """The mean, over the rows of the class, of the share of the class among all that score as high; 0 without any.

    What precisions are without a row is, with unequal weights, as it would be without one of the usual weight among
    those that score as high, times the row's own.
    """
    rows = _sorted(positive, score, weights)
    weight, many = rows.weight, float(weights[positive].sum())
    if not many:
        return 0.0, np.zeros(len(score))
    true, named, own = rows.positives_upto, rows.upto, rows.positives_upto - rows.positives_above
    precision = true / named
    value = float((own * precision).sum() / many)
    pairs = named**2 * np.maximum(rows.rows - 1, 1) / np.where(rows.rows > 1, rows.rows, 1)
    falls = (named - true) / pairs
    fallen = np.cumsum((own * falls)[::-1])[::-1]
    risen = np.cumsum((own * true / pairs)[::-1])[::-1]
    run = rows.run
    lost = weight * (precision[run] + fallen[run] - weight * falls[run])
    without_true = (many * value - lost) / np.where(many > weight, many - weight, 1.0)
    without = np.where(rows.positive, without_true, value + weight * risen[run] / many)
    pseudo = np.empty(len(score))
    pseudo[rows.order] = without_each(np.array([value]), without[:, None], weight)[:, 0]
    return value, pseudo


_VARIANCES: dict[Area, Variance] = {roc_area: of_roc, average_precision: of_share}
