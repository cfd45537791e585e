"""Choices: what having been chosen flatters the scores of a model by, on the rows that it was chosen by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.rows import first_division
from concours.engine.runners.join import members_of
from concours.engine.runners.score import as_taken, finite, groups_of, measures, weights_of
from concours.engine.work import JobResult
from concours.kernels.ranking.choosing import chosen_anew, flattery, reaching
from concours.stores.blobs import get_array
from concours.tasks.metrics import Measure

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def choice(job: Job, store: Store) -> JobResult:
    """The scores of a model less what they are flattered by, and intervals that reach as much further.

    Inputs: `y`, `folds`, `groups` and `weights` of the training part where there are any, and out-of-fold predictions:
    `predictions0`, of the one that was chosen, and `predictions1…` of the others that it was chosen from. Params:
    `decisions` of each; `intervals` of the one chosen, by metric, as if it had been alone; those of the metrics, the
    first of which has chosen. Values: by metric, None where undefined, `corrected` and `intervals`; and `again`, the
    share of the rounds that choose the same.
    """
    y, folds = get_array(store, job.inputs["y"]), first_division(store, job.inputs["folds"])
    predictions, groups, weights = members_of(job, store, "predictions"), groups_of(job, store), weights_of(job, store)
    if weights is not None:
        counted = np.flatnonzero(weights > 0)
        y, folds, weights, predictions = y[counted], folds[counted], weights[counted], [p[counted] for p in predictions]
        groups = None if groups is None else np.unique(groups[counted], return_inverse=True)[1]

    def taken(metric: Measure) -> list[Floats]:
        pairs = zip(predictions, job.params["decisions"], strict=True)
        return [as_taken(metric, p, decision, folds) for p, decision in pairs]

    first, *_ = metrics = measures(job)
    anew = chosen_anew(
        0,
        _of_all(first, y, taken(first), weights),
        rows=len(y),
        greater_is_better=first.metric.greater_is_better,
        groups=groups,
        seed=job.seed,
    )
    corrected, intervals = dict[str, float | None](), dict[str, list[float] | None]()
    for metric in metrics:
        name, greater = metric.metric.name, metric.metric.greater_is_better
        score = _of_one(metric, y, taken(metric), weights)
        off = flattery(anew, score, greater_is_better=greater)
        whole, within = score(0, np.arange(len(y))), job.params["intervals"][name]
        reach = partial(reaching, flattered=off, greater_is_better=greater, low=metric.low, high=metric.high)
        corrected[name] = finite(reach((whole, whole))[0 if greater else 1])
        intervals[name] = list(reach((within[0], within[1]))) if within and np.isfinite(off) else None
    return JobResult(
        values={"corrected": corrected, "intervals": intervals, "again": 1 - len(anew.others) / max(anew.rounds, 1)}
    )


def _of_one(
    metric: Measure, y: NDArray[Any], predictions: Sequence[Floats], weights: Floats | None
) -> Callable[[int, Codes], float]:
    """A metric of one of the models on the rows at some positions."""
    return lambda model, at: metric.score(y[at], predictions[model][at], None if weights is None else weights[at])


def _of_all(
    metric: Measure, y: NDArray[Any], predictions: Sequence[Floats], weights: Floats | None
) -> Callable[[Codes], Floats]:
    """A metric of all models, (models,), on the rows at some positions; of one that is a root of a mean, the mean."""
    if metric.rows is None:
        score = _of_one(metric, y, predictions, weights)
        return lambda at: np.array([score(model, at) for model in range(len(predictions))])
    of_rows = np.stack([metric.rows(y, p) for p in predictions], axis=1)
    return lambda at: np.asarray(np.average(of_rows[at], axis=0, weights=None if weights is None else weights[at]))
