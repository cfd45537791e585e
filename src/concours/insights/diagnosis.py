"""What a model's predictions show: what it gets wrong, and how sure it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import auc, precision_recall_curve, roc_curve

from concours.core.values import take
from concours.kernels.scoring.counts import confusion
from concours.kernels.scoring.diagnosis import bands, frequent_confusions, histogram, reliability, thinned, worst
from concours.kernels.scoring.rounded import rounded
from concours.kernels.scoring.scores import absolute_errors, log_losses

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_SCATTERED = 500
_MISTAKES = 12
_MATRIX_CLASSES = 40
_CURVES = 8
_BINS = 30


@dataclass(frozen=True, kw_only=True, eq=False)
class Predicted:
    """A model's predictions of a part, and what they are of.

    Attributes:
        y, p: targets and predictions, (rows, …).
        told: predictions in which the class that is named is the most probable.
        losses: (rows,) of single rows, the greater the worse.
        written: turns some targets or predictions into texts to show.
        weights: of the rows, (rows,): they count in curves alone, so that their areas are the board's.
        rng: for what is drawn.
        meta: what of the data belongs to the output (`core.kind.Output`).
        rows: gives the rows as they were read, a frame or an array, for who looks at them.
        called: what the group of each row is called, and where in it the row lies, by what that is.
    """

    y: Any
    p: Any
    told: Any
    losses: Floats
    written: Callable[[Any], list[str]]
    weights: Floats | None
    rng: np.random.Generator
    meta: Mapping[str, Any] = field(default_factory=dict)
    rows: Callable[[], Any] = lambda: None
    called: Mapping[str, Sequence[str]] = field(default_factory=dict)


def of_rows(found: Predicted) -> dict[str, Any]:
    """What any predictions show, row by row.

    Returns:
        mistakes: the 12 rows of greatest loss, with what was predicted there in words.
    """
    rows = worst(found.losses, _MISTAKES)
    return {
        "mistakes": {
            "rows": rows.tolist(),
            "true": found.written(take(found.y, rows)),
            "named": found.written(take(found.p, rows)),
            "loss": rounded(found.losses[rows]),
            "sure": None,
        }
    }


def of_classes(found: Predicted) -> dict[str, Any]:
    """What probabilities (rows, classes) show.

    Returns:
        confusion: `counts`, rows are true classes, none where there are more than 40; `pairs`, the 20 most frequent
            confusions as true, named, count.
        calibration: `bins` of about equal count, and `ece`; of the second class where there are two, else of the class
            named.
        roc, precision_recall: curves of the second class where there are two, else of the 8 most frequent, each against
            the rest, as at most 101 points by increasing `x`, with `area`. Where there is no row of the class, or no
            other, there is no curve.
        mistakes: the 12 rows of greatest loss, minus the log of the true class's probability, of rows that are named
            wrongly, if there are as many; with `sure`, the probability of the class named.
    """
    y, told, weights = found.y, found.told, found.weights
    p = found.p / found.p.sum(axis=1, keepdims=True)
    named, classes = told.argmax(axis=1), p.shape[1]
    counts = confusion(y, named, classes)
    sure = p[np.arange(len(y)), named]
    bars = reliability(p[:, 1], y == 1) if classes == 2 else reliability(sure, y == named)
    names = ("predicted", "observed", "low", "high")
    columns = [rounded(getattr(bars, name)) for name in names]
    bins = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    losses, wrong = log_losses(y, p), named != y
    rows = worst(losses, _MISTAKES, among=wrong if wrong.sum() >= _MISTAKES else None)
    return {
        "confusion": {
            "counts": counts.astype(int).tolist() if classes <= _MATRIX_CLASSES else None,
            "pairs": frequent_confusions(counts).tolist(),
        },
        "calibration": {
            "bins": [{**each, "count": int(n)} for each, n in zip(bins, bars.count, strict=True)],
            "ece": rounded(bars.error),
        },
        **_curves(y, p, weights),
        "mistakes": {
            "rows": rows.tolist(),
            "true": y[rows].tolist(),
            "named": named[rows].tolist(),
            "loss": rounded(losses[rows]),
            "sure": rounded(sure[rows]),
        },
    }


def _sought(y: Codes, classes: int) -> Iterator[int]:
    """The classes to draw curves of: those that some rows are of, and others not."""
    counts = np.bincount(y, minlength=classes)
    first = [1] if classes == 2 else np.argsort(-counts, kind="stable")[:_CURVES].tolist()
    return (code for code in first if 0 < counts[code] < len(y))


def _curves(y: Codes, p: Floats, weights: Floats | None) -> dict[str, Any]:
    """By the weights of the rows; what weighs nothing is not there."""
    if weights is not None:
        counted = np.flatnonzero(weights)
        y, p, weights = y[counted], p[counted], weights[counted]
    sought = list(_sought(y, p.shape[1]))
    return {
        "roc": [_roc(y == code, p[:, code], code, weights) for code in sought],
        "precision_recall": [_precision_recall(y == code, p[:, code], code, weights) for code in sought],
    }


def _roc(positive: NDArray[np.bool_], score: Floats, code: int, weights: Floats | None) -> dict[str, Any]:
    x, y, _ = roc_curve(positive, score, sample_weight=weights)
    kept = thinned(x, y)
    return {"class": code, "x": rounded(x[kept], 4), "y": rounded(y[kept], 4), "area": rounded(auc(x, y))}


def _precision_recall(positive: NDArray[np.bool_], score: Floats, code: int, weights: Floats | None) -> dict[str, Any]:
    precision, recall, _ = precision_recall_curve(positive, score, sample_weight=weights, drop_intermediate=True)
    x, y = recall[::-1], precision[::-1]
    kept = thinned(x, y)
    area = np.diff(x) @ y[1:]  # average precision, as scikit-learn has it
    return {"class": code, "x": rounded(x[kept], 4), "y": rounded(y[kept], 4), "area": rounded(area)}


def of_numbers(found: Predicted) -> dict[str, Any]:
    """What numbers (rows, 1) show, residuals being true minus predicted.

    Returns:
        residuals: a histogram over all but 0.5% at either end, which are counted in the end bins.
        scatter: at most 500 rows.
        bands: quantiles 0.1, 0.5, 0.9 of the residuals in ten bands of the prediction.
        mistakes: the 12 rows of greatest absolute error.
    """
    y, p = found.y, found.p
    predicted = p[:, 0]
    residuals = histogram(y - predicted, int(np.clip(len(y) // 5, 1, _BINS)))
    drawn = np.sort(found.rng.permutation(len(y))[:_SCATTERED])
    lines = bands(y, predicted)
    names = ("predicted", "low", "middle", "high")
    columns = [rounded(getattr(lines, name)) for name in names]
    each_band = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    errors = absolute_errors(y, p)
    rows = worst(errors, _MISTAKES)
    return {
        "residuals": {"edges": rounded(residuals.edges), "counts": residuals.counts.tolist()},
        "scatter": {"true": rounded(y[drawn]), "predicted": rounded(predicted[drawn])},
        "bands": [{**each, "count": int(n)} for each, n in zip(each_band, lines.count, strict=True)],
        "mistakes": {
            "rows": rows.tolist(),
            "true": rounded(y[rows], 10),
            "named": rounded(predicted[rows]),
            "loss": rounded(errors[rows]),
            "sure": None,
        },
    }
