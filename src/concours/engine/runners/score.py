"""Scoring: one model's out-of-fold predictions, or all models on the part that judges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.commons.blobs import get_array
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.rows import first_division
from concours.engine.work import Yield
from concours.kernels.ranks import competition_ranks, rank_ranges
from concours.tasks.metrics import Measure, measure

Floats = NDArray[np.float64]

_SELECTION_ROUNDS = 50
_JUDGE_ROUNDS = 200


def score(job: Job, store: Store) -> Yield:
    """The ranking metric of one model, with its standard error."""
    first = measures(job)[0]
    y, p = get_array(store, job.inputs["y"]), get_array(store, job.inputs["predictions"])
    folds = first_division(store, job.inputs["folds"])
    told = as_taken(first, p, job.params["decision"], folds)
    means = first.means(y, [told], seed=job.seed, rounds=_SELECTION_ROUNDS)
    return Yield(values={"score": float(means.means[0]), "stderr": float(means.stderr[0])})


def judge(job: Job, store: Store) -> Yield:
    """Every metric of every model; for the ranking metric also intervals, ranks, and the ranges of ranks.

    All values are lists in the order of the models.
    """
    first, *others = measures(job)
    direction = first.metric.greater_is_better
    y = get_array(store, job.inputs["y"])
    count = sum(name.startswith("predictions") for name in job.inputs)
    predictions = [get_array(store, job.inputs[f"predictions{index}"]) for index in range(count)]
    folds = first_division(store, job.inputs["folds"]) if "folds" in job.inputs else None

    def told(metric: Measure) -> list[Floats]:
        pairs = zip(predictions, job.params["decisions"], strict=True)
        return [as_taken(metric, p, decision, folds) for p, decision in pairs]

    means = first.means(y, told(first), seed=job.seed, rounds=_JUDGE_ROUNDS)
    ranges = rank_ranges(means, greater_is_better=direction)
    further = {m.metric.name: [finite(m.score(y, p)) for p in told(m)] for m in others}
    return Yield(
        values={
            "scores": {first.metric.name: means.means.tolist(), **further},
            "ci": first.intervals(means).tolist(),
            "rank": competition_ranks(means.means, greater_is_better=direction).tolist(),
            "rank_best": ranges.best.tolist(),
            "rank_worst": ranges.worst.tolist(),
        }
    )


def as_taken(metric: Measure, p: Floats, decision: Mapping[str, Any] | None, folds: NDArray[np.int64] | None) -> Floats:
    """Predictions as a metric takes them: for one of labels, the class that a decision names is the most probable."""
    return p if metric.needs != "labels" else decided(p, decision, folds)


def decided(p: Floats, decision: Mapping[str, Any] | None, folds: NDArray[np.int64] | None) -> Floats:
    """Predictions in which the class that a decision names is the most probable, (rows, classes).

    The rows of a fold are decided by weights found on the other folds, new rows (`folds` none) by those found on all.
    """
    if decision is None:
        return p
    weights = np.asarray(decision["weights"]) if folds is None else np.asarray(decision["fold_weights"])[folds]
    return np.asarray(p * weights)


def measures(job: Job) -> list[Measure]:
    """The metrics that a job names."""
    classes, labels = job.params["classes"], job.params.get("labels")
    target = "classes" if classes else "number"
    return [measure(name, target, classes, labels=labels) for name in job.params["metrics"]]


def finite(value: float) -> float | None:
    """The value, or none where it is undefined."""
    return value if np.isfinite(value) else None
