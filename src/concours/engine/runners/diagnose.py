"""What the predictions show: each fold alone, and what the default model gets wrong, where, and how sure it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import auc, precision_recall_curve, roc_curve

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.rows import first_division
from concours.engine.runners.rounded import rounded
from concours.engine.runners.score import as_taken, decided, finite, groups_of, metrics_of, weights_of
from concours.engine.runners.slicing import groupings, worst_slices
from concours.engine.work import JobResult
from concours.kernels.scoring.counts import confusion
from concours.kernels.scoring.diagnosis import bands, frequent_confusions, histogram, reliability, thinned, worst
from concours.kernels.scoring.scores import absolute_errors, log_losses
from concours.stores.blobs import get_array
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.named import metric_named
from concours.tasks.slices import of_classes

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_SLICED_ROWS = 200_000
_SCATTERED = 500
_MISTAKES = 12
_MATRIX_CLASSES = 40
_CURVES = 8
_BINS = 30


def by_fold(job: Job, store: Store) -> JobResult:
    """`scores`: the ranking metric of each model on each fold of the first division; none where undefined."""
    metric = metrics_of(job)[0]
    y, folds = get_array(store, job.inputs["y"]), first_division(store, job.inputs["folds"])
    parts = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    weights = [weights_of(job, store, rows) for rows in parts]
    scores = []
    for index, decision in enumerate(job.params["decisions"]):
        told = as_taken(metric, get_array(store, job.inputs[f"predictions{index}"]), decision, folds)
        scores.append([finite(metric.score(y[rows], told[rows], w)) for rows, w in zip(parts, weights, strict=True)])
    return JobResult(values={"scores": scores})


def diagnose(job: Job, store: Store) -> JobResult:
    """What one model's predictions of a part show.

    Inputs `y`, `predictions`, `x` (raw inputs), and `folds` where the predictions are out-of-fold; `weights` count in
    the curves alone, so that their areas are the board's: all else counts rows as they are. Parameters as of
    `evaluate`, with `decision` of the model. Classes are told by their codes, rows by their positions in the part.

    Values for classes:
        confusion: `counts`, rows are true classes, none where there are more than 40; `pairs`, the 20 most frequent
            confusions as true, named, count.
        calibration: `bins` of about equal count, and `ece`; of the second class where there are two, else of the class
            named.
        roc, precision_recall: curves of the second class where there are two, else of the 8 most frequent, each against
            the rest, as at most 101 points by increasing `x`, with `area`. Where there is no row of the class, or no
            other, there is no curve.
    For a number, residuals being true minus predicted:
        residuals: a histogram over all but 0.5% at either end, which are counted in the end bins.
        scatter: at most 500 rows.
        bands: quantiles 0.1, 0.5, 0.9 of the residuals in ten bands of the prediction.
    For both:
        mistakes: the 12 rows of greatest loss (minus the log of the true class's probability, of rows that are named
            wrongly, if there are as many; or absolute error), with `sure`, the probability of the class named.
        slices: where the score is worse than elsewhere (see `worst_slices`), by the metric of `slices_by`, among
            `slices_rows` rows, at most 200,000.
    """
    y, p = get_array(store, job.inputs["y"]), get_array(store, job.inputs["predictions"])
    folds = first_division(store, job.inputs["folds"]) if "folds" in job.inputs else None
    rng = np.random.default_rng(job.seed)
    decision = job.params["decision"]
    if job.params["classes"]:
        own = _of_classes(y, p, decided(p, decision, folds), weights_of(job, store))
    else:
        own = _of_numbers(y, p, rng)
    return JobResult(values={**own, **_slices(job, store, y, p, folds, rng)})


def _of_classes(y: Codes, p: Floats, told: Floats, weights: Floats | None) -> dict[str, Any]:
    p = p / p.sum(axis=1, keepdims=True)
    named, classes = told.argmax(axis=1), p.shape[1]
    counts = confusion(y, named, classes)
    sure = p[np.arange(len(y)), named]
    found = reliability(p[:, 1], y == 1) if classes == 2 else reliability(sure, y == named)
    names = ("predicted", "observed", "low", "high")
    columns = [rounded(getattr(found, name)) for name in names]
    bins = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    losses, wrong = log_losses(y, p), named != y
    rows = worst(losses, _MISTAKES, among=wrong if wrong.sum() >= _MISTAKES else None)
    return {
        "confusion": {
            "counts": counts.astype(int).tolist() if classes <= _MATRIX_CLASSES else None,
            "pairs": frequent_confusions(counts).tolist(),
        },
        "calibration": {
            "bins": [{**each, "count": int(n)} for each, n in zip(bins, found.count, strict=True)],
            "ece": rounded(found.error),
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


def _of_numbers(y: Floats, p: Floats, rng: np.random.Generator) -> dict[str, Any]:
    predicted = p[:, 0]
    residuals = histogram(y - predicted, int(np.clip(len(y) // 5, 1, _BINS)))
    drawn = np.sort(rng.permutation(len(y))[:_SCATTERED])
    found = bands(y, predicted)
    names = ("predicted", "low", "middle", "high")
    columns = [rounded(getattr(found, name)) for name in names]
    each_band = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    errors = absolute_errors(y, p)
    rows = worst(errors, _MISTAKES)
    return {
        "residuals": {"edges": rounded(residuals.edges), "counts": residuals.counts.tolist()},
        "scatter": {"true": rounded(y[drawn]), "predicted": rounded(predicted[drawn])},
        "bands": [{**each, "count": int(n)} for each, n in zip(each_band, found.count, strict=True)],
        "mistakes": {
            "rows": rows.tolist(),
            "true": rounded(y[rows], 10),
            "named": rounded(predicted[rows]),
            "loss": rounded(errors[rows]),
            "sure": None,
        },
    }


def _slices(
    job: Job, store: Store, y: NDArray[Any], p: Floats, folds: Codes | None, rng: np.random.Generator
) -> dict[str, Any]:
    metric = metric_of_rows(job)
    rows = np.arange(len(y))
    if len(rows) > _SLICED_ROWS:
        rows = np.sort(rng.permutation(len(y))[:_SLICED_ROWS])
    told = as_taken(metric, p, job.params["decision"], folds)
    scores = metric.row_scores(y, told)[rows]
    ways = list(groupings(store, job.inputs["x"], rows))
    if job.params["classes"]:
        ways.append(of_classes(y[rows], job.params["classes"]))
    groups = groups_of(job, store)
    clusters = None if groups is None else groups[rows]
    return {
        "slices": worst_slices(metric, scores, ways, clusters, taught=folds is not None),
        "slices_by": metric.name,
        "slices_rows": len(rows),
    }


def metric_of_rows(job: Job) -> Metric:
    """The ranking metric if a row has a number by it, else log loss or absolute error."""
    first, classes = metrics_of(job)[0], job.params["classes"]
    if first.way.single:
        return first
    return metric_named("log_loss", "classes", classes) if classes else metric_named("mae", "number")
