"""What the predictions show: each fold alone, and what the default model gets wrong, where, and how sure it was."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.core.registry import load
from concours.core.values import take
from concours.engine.outputs import output_of
from concours.engine.rows import first_division
from concours.engine.runners.score import as_taken, decided, groups_of, metrics_of, weights_of
from concours.engine.runners.slicing import groupings, worst_slices
from concours.engine.work import JobResult
from concours.insights.diagnosis import Predicted
from concours.kernels.scoring.rounded import finite
from concours.stores.values import get_values
from concours.tasks.metrics.metric import Metric

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
    y, folds = get_values(store, job.inputs["y"]), first_division(store, job.inputs["folds"])
    parts = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    weights = [weights_of(job, store, rows) for rows in parts]
    scores = []
    for index, decision in enumerate(job.params["decisions"]):
        told = as_taken(metric, get_values(store, job.inputs[f"predictions{index}"]), decision, folds)
        scores.append([finite(metric.score(y[rows], told[rows], w)) for rows, w in zip(parts, weights, strict=True)])
    return JobResult(values={"scores": scores})


def diagnose(job: Job, store: Store) -> JobResult:
    """What one model's predictions of a part show.

    Inputs `y`, `predictions`, `x` (raw inputs), and `folds` where the predictions are out-of-fold; `weights` count in
    the curves alone, so that their areas are the board's: all else counts rows as they are. Parameters as of
    `evaluate`, with `decision` of the model. Classes are told by their codes, rows by their positions in the part.

    Values: what the output's own diagnosis tells (`insights.diagnosis`), and
        slices: where the score is worse than elsewhere (see `worst_slices`), by the metric of `slices_by`, among
            `slices_rows` rows, at most 200,000.
    """
    y, p = get_values(store, job.inputs["y"]), get_values(store, job.inputs["predictions"])
    folds = first_division(store, job.inputs["folds"]) if "folds" in job.inputs else None
    rng = np.random.default_rng(job.seed)
    decision = job.params["decision"]
    metric, output = metric_of_rows(job), output_of(job)
    scores = metric.row_scores(y, as_taken(metric, p, decision, folds))
    own = load(output.can["diagnose"])(
        Predicted(
            y=y,
            p=p,
            told=decided(p, decision, folds),
            losses=-metric.sign * scores,
            written=output.written,
            weights=weights_of(job, store),
            rng=rng,
        )
    )
    return JobResult(values={**own, **_slices(job, store, metric, scores, taught=folds is not None, rng=rng)})


def _slices(
    job: Job, store: Store, metric: Metric, scores: Floats, *, taught: bool, rng: np.random.Generator
) -> dict[str, Any]:
    rows = np.arange(len(scores))
    if len(rows) > _SLICED_ROWS:
        rows = np.sort(rng.permutation(len(scores))[:_SLICED_ROWS])
    ways = list(groupings(store, job.inputs["x"], rows, drawn="pictures" in job.params["rows"]))
    ways += output_of(job).slices(take(get_values(store, job.inputs["y"]), rows))
    groups = groups_of(job, store)
    clusters = None if groups is None else groups[rows]
    return {
        "slices": worst_slices(metric, scores[rows], ways, clusters, taught=taught),
        "slices_by": metric.name,
        "slices_rows": len(rows),
    }


def metric_of_rows(job: Job) -> Metric:
    """The ranking metric if a row has a number by it, else the output's own, such as log loss or absolute error."""
    first, output = metrics_of(job)[0], output_of(job)
    return first if first.way.single else output.metric(output.by_rows)
