"""Choices: what having been chosen flatters the scores of a model by, on the rows that it was chosen by."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.rows import first_division
from concours.engine.runners.join import members_of
from concours.engine.runners.score import as_taken, groups_of, metrics_of, weights_of
from concours.engine.work import JobResult
from concours.kernels.ranking.choosing import chosen_anew, flattery, reaching
from concours.kernels.scoring.rounded import finite
from concours.stores.values import get_values
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.statistics import Statistics

Codes = NDArray[np.int64]


def choice(job: Job, store: Store) -> JobResult:
    """The scores of a model less what they are flattered by, and intervals that reach as much further.

    Inputs: `y`, `folds`, `groups` and `weights` of the training part where there are any, and out-of-fold predictions:
    `predictions0`, of the one that was chosen, and `predictions1…` of the others that it was chosen from. Params:
    `decisions` of each; `intervals` of the one chosen, by metric, as if it had been alone; those of the metrics, the
    first of which has chosen. Values: by metric, None where undefined, `corrected` and `intervals`; and `again`, the
    share of the rounds that choose the same.
    """
    y, folds = get_values(store, job.inputs["y"]), first_division(store, job.inputs["folds"])
    predictions, groups, weights = members_of(job, store, "predictions"), groups_of(job, store), weights_of(job, store)

    def kept(metric: Metric) -> Statistics:
        pairs = zip(predictions, job.params["decisions"], strict=True)
        told = [as_taken(metric, p, decision, folds) for p, decision in pairs]
        return metric.statistics(y, told, groups=groups, weights=weights)

    first, *_ = metrics = metrics_of(job)
    chosen_by = kept(first)
    anew = chosen_anew(
        0,
        lambda at: chosen_by.at(at).scores(),
        rows=len(chosen_by.y),
        greater_is_better=first.greater_is_better,
        groups=chosen_by.groups,
        seed=job.seed,
    )
    corrected, intervals = dict[str, float | None](), dict[str, list[float] | None]()
    for metric in metrics:
        name, greater = metric.name, metric.greater_is_better
        found = kept(metric)
        off = flattery(anew, partial(_score, found), greater_is_better=greater)
        whole, within = float(found.of(0, 1).scores()[0]), job.params["intervals"][name]
        reach = partial(reaching, flattered=off, greater_is_better=greater, low=metric.low, high=metric.high)
        corrected[name] = finite(reach((whole, whole))[0 if greater else 1])
        intervals[name] = list(reach((within[0], within[1]))) if within and np.isfinite(off) else None
    return JobResult(
        values={"corrected": corrected, "intervals": intervals, "again": 1 - len(anew.others) / max(anew.rounds, 1)}
    )


def _score(kept: Statistics, model: int, at: Codes) -> float:
    """Of one of the models on the rows at some positions."""
    return float(kept.of(model, model + 1).at(at).scores()[0])
