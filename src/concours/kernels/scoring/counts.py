"""Metrics of labels as functions of the confusion matrix, which is all that they depend on.

Written that way they are evaluated for thousands of possible decisions at once, and what they would be without a row of
each sort takes one evaluation a sort, so that they have standard errors without a bootstrap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scoring.scores import Codes, Floats, Means, jackknifed


class OfCounts(Protocol):
    """Counts (..., classes, classes), true class first, to scores (...,); greater is better.

    Where the whole is 0 / 0 it is `empty`: 0 for those that choose by it, not a number for those that tell of it. A
    class that is never named, or does not occur, counts 0 in a mean over classes, as scikit-learn has it.
    """

    def __call__(self, counts: Floats, empty: float = 0.0, /) -> Floats: ...


def confusion(y: Codes, labels: Codes, classes: int, weights: Floats | None = None) -> Floats:
    """How many rows of each true class (first axis) were named each class, or what they weigh, (classes, classes)."""
    counted = np.bincount(y * classes + labels, weights=weights, minlength=classes**2)
    return counted.reshape(classes, classes).astype(np.float64)


def accuracy(counts: Floats, empty: float = 0.0, /) -> Floats:
    """Share of rows on the diagonal."""
    return _ratio(_hit(counts).sum(-1), counts.sum((-2, -1)), empty)


def balanced_accuracy(counts: Floats, empty: float = 0.0, /) -> Floats:
    """Mean of the recalls of the classes that occur."""
    return _mean(_recalls(counts), counts.sum(-1) > 0, empty)


def mcc(counts: Floats, empty: float = 0.0, /) -> Floats:
    """Matthews correlation coefficient, for any number of classes (Gorodkin 2004)."""
    total, true, named = counts.sum((-2, -1)), counts.sum(-1), counts.sum(-2)
    both = _hit(counts).sum(-1) * total - (true * named).sum(-1)
    return _ratio(both, np.sqrt(_unlike(total, true) * _unlike(total, named)), empty)


def _unlike(total: Floats, of_classes: Floats) -> Floats:
    """Twice the weight of pairs of rows of two classes; within rounding of nothing it is nothing."""
    found = total**2 - (of_classes**2).sum(-1)
    return np.where(found > 1e-12 * total**2, found, 0.0)


def kappa(counts: Floats, empty: float = 0.0, /) -> Floats:
    """Agreement beyond chance (Cohen 1960)."""
    return _kappa(counts, 1 - np.eye(counts.shape[-1]), empty)


def kappa_quadratic(counts: Floats, empty: float = 0.0, /) -> Floats:
    """Agreement beyond chance, where an error weighs as the square of its distance in the class list (Cohen 1968)."""
    places = np.arange(counts.shape[-1])
    return _kappa(counts, np.square(places[:, None] - places[None, :]).astype(np.float64), empty)


def _kappa(counts: Floats, weights: Floats, empty: float) -> Floats:
    expected = counts.sum(-1)[..., :, None] * counts.sum(-2)[..., None, :]
    by_chance = (weights * expected).sum((-2, -1))
    return _ratio(by_chance - counts.sum((-2, -1)) * (weights * counts).sum((-2, -1)), by_chance, empty)


def _hit(counts: Floats) -> Floats:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _recalls(counts: Floats, empty: float = 0.0, /) -> Floats:
    return _ratio(_hit(counts), counts.sum(-1), empty)


def _precisions(counts: Floats, empty: float = 0.0, /) -> Floats:
    return _ratio(_hit(counts), counts.sum(-2), empty)


def _f1s(counts: Floats, empty: float = 0.0, /) -> Floats:
    return _ratio(2 * _hit(counts), counts.sum(-1) + counts.sum(-2), empty)


def _positive(each: OfCounts) -> OfCounts:
    """Of the positive class, the last."""
    return lambda counts, empty=0.0, /: each(counts, empty)[..., -1]


def _macro(each: OfCounts) -> OfCounts:
    """The mean over the classes that occur or are named."""
    return lambda counts, empty=0.0, /: _mean(each(counts), counts.sum(-1) + counts.sum(-2) > 0, empty)


def _weighted(each: OfCounts) -> OfCounts:
    """The mean over the classes, each as often as it occurs."""
    return lambda counts, empty=0.0, /: _ratio((each(counts) * counts.sum(-1)).sum(-1), counts.sum((-2, -1)), empty)


def _mean(values: Floats, counted: NDArray[np.bool_], empty: float) -> Floats:
    return _ratio((values * counted).sum(-1), counted.sum(-1).astype(np.float64), empty)


def _ratio(above: Floats, below: Floats, empty: float) -> Floats:
    above, below = np.broadcast_arrays(above, below)
    return np.asarray(np.divide(above, below, out=np.full(below.shape, empty), where=below > 0))


OF_COUNTS: Final[dict[str, OfCounts]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "mcc": mcc,
    "kappa": kappa,
    "kappa_quadratic": kappa_quadratic,
}
"""Metrics of labels by name; `f1`, `precision` and `recall` are of the last class, and meant for two classes."""
for _name, _each in (("precision", _precisions), ("recall", _recalls), ("f1", _f1s)):
    OF_COUNTS[_name] = _positive(_each)
    OF_COUNTS[f"{_name}_macro"] = _macro(_each)
    OF_COUNTS[f"{_name}_micro"] = accuracy  # with one label a row, what is missed is what is falsely named
    OF_COUNTS[f"{_name}_weighted"] = _weighted(_each)


def slopes(counts: Floats, metric: OfCounts) -> Floats:
    """How fast the metric moves with each count, (classes, classes): the influence of a row of that sort.

    Metrics of counts do not change when all counts are scaled, so that the influences of all rows sum to zero.
    """
    return np.stack([_slopes_of_row(counts, code, metric) for code in range(counts.shape[-1])])


def _slopes_of_row(counts: Floats, code: int, metric: OfCounts) -> Floats:
    classes = counts.shape[-1]
    up = np.full(classes, 1e-4 * counts.sum())
    down = np.minimum(up, counts[code])
    more, fewer = (np.repeat(counts[None], classes, axis=0) for _ in range(2))
    each = np.arange(classes)
    more[each, code, each] += up
    fewer[each, code, each] -= down
    return np.asarray((metric(more) - metric(fewer)) / (up + down))


def count_means(
    y: Codes,
    labels: Sequence[Codes],
    classes: int,
    metric: OfCounts,
    *,
    groups: Codes | None = None,
    weights: Floats | None = None,
) -> Means:
    """A metric of labels of several models on the same rows, by the jackknife: rows of one sort count alike.

    With weights a row of a sort moves the metric by its weight times what a row of weight one moves it.

    Args:
        y: (rows,) codes of the true classes.
        labels: (rows,) codes of the classes named, by each model.
        groups: (rows,) codes of rows that belong together.
        weights: (rows,) above 0, one on average.
    """
    tables = [confusion(y, named, classes, weights) for named in labels]
    estimates, total = np.array([float(metric(table)) for table in tables]), float(tables[0].sum())
    moves = [_moved(table, metric)[y, named] for table, named in zip(tables, labels, strict=True)]
    pseudo = estimates + (total - 1) * np.stack(moves, axis=1)
    return jackknifed(estimates, pseudo, groups=groups, weights=weights, rarest=rarest_class(y, weights))


def rarest_class(y: Codes, weights: Floats | None = None) -> float:
    """How many rows there are of the rarest class that occurs; of unequal weights as many of equal ones as tell."""
    counts = class_units(y, int(y.max()) + 1, weights=weights)
    return float(counts[counts > 0].min())


def class_units(y: Codes, classes: int, *, groups: Codes | None = None, weights: Floats | None = None) -> Floats:
    """How many rows there are of each class, (classes,); of unequal weights as many of equal ones as tell.

    Args:
        groups: (rows,) codes of rows that belong together: no more than as many groups as have rows of the class.
    """
    if weights is None:
        counts = np.bincount(y, minlength=classes).astype(np.float64)
    else:
        sums, squares = (np.bincount(y, weights=w, minlength=classes) for w in (weights, np.square(weights)))
        counts = np.divide(sums**2, squares, out=np.zeros(classes), where=squares > 0)
    if groups is None:
        return counts
    within = np.unique(np.stack([y, groups]), axis=1)[0]
    return np.minimum(counts, np.bincount(within, minlength=classes))


def _moved(counts: Floats, metric: OfCounts) -> Floats:
    """What the metric loses without a row of each sort, (classes, classes); anything for sorts of which there is none.

    Of sorts that weigh less than one row, what it loses without them, for a whole row.
    """
    classes, whole = counts.shape[-1], float(metric(counts))
    sort = np.arange(classes)
    found = np.empty(counts.shape)
    for code in sort:
        taken = np.minimum(counts[code], 1.0)
        fewer = np.repeat(counts[None], classes, axis=0)
        fewer[sort, code, sort] -= taken
        found[code] = (whole - metric(fewer)) / np.where(taken > 0, taken, 1.0)
    return found
