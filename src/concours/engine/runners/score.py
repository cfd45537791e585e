"""Scoring: one model's out-of-fold predictions, or all models on the test part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.marks import too_few
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.outputs import output_of
from concours.engine.rows import first_division
from concours.engine.work import JobResult
from concours.kernels.ranking.ranks import competition_ranks, rank_ranges
from concours.kernels.ranking.sequential import watched
from concours.kernels.ranking.tiers import tiers
from concours.kernels.rows.weighing import in_rows
from concours.kernels.scoring.crossing import crossed, taught
from concours.kernels.scoring.intervals import LEVEL
from concours.kernels.scoring.rounded import finite
from concours.kernels.scoring.scores import Means
from concours.stores.blobs import get_array
from concours.stores.values import get_values
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.statistics import Statistics

Floats = NDArray[np.float64]

_SELECTION_ROUNDS = 50
JUDGE_ROUNDS = 200


def score(job: Job, store: Store) -> JobResult:
    """The ranking metric of one model, with its standard error."""
    first = metrics_of(job)[0]
    y, p = get_values(store, job.inputs["y"]), get_values(store, job.inputs["predictions"])
    folds = first_division(store, job.inputs["folds"])
    told = as_taken(first, p, job.params["decision"], folds)
    groups, weights = groups_of(job, store), weights_of(job, store)
    rounds = _SELECTION_ROUNDS
    means = first.means(y, [told], seed=job.seed, rounds=rounds, groups=groups, weights=weights, empty=0.0)
    return JobResult(values={"score": float(means.means[0]), "stderr": float(means.stderr[0])})


def evaluate(job: Job, store: Store) -> JobResult:
    """Every metric of every model, with intervals, ranks, and the ranges of ranks; by the ranking metric also tiers.

    All values are lists in the order of the models. `scores`, `intervals` [low, high] (or none, where that is not
    known) and `ranks` [rank, best, worst] (or none, of who has no score) are by metric; `ci`, `rank`, `rank_best`,
    `rank_worst` and `tier` are by the ranking metric. `unsure` has those metrics by which a score is undefined, or too
    few rows tell how sure it is, and why that is of each model; empty of those of whom it is known. Rows of one group,
    where the job has groups, are one observation; rows count by their weights, where it has weights. Where only the
    first models stand on the board (`standing`), the others, from which some of these were chosen by the same rows, are
    tested with them, and not told of. Where the rows also taught, in `folds`, all is less sure
    (`kernels.scoring.crossing`). Where they were looked at as they came (`sought`), all holds over all looks
    (`kernels.ranking.sequential`).
    """
    folds = first_division(store, job.inputs["folds"]) if "folds" in job.inputs else None
    return JobResult(values=evaluated(job, store, None, folds))


def evaluated(
    job: Job, store: Store, rows: NDArray[np.int64] | None, folds: NDArray[np.int64] | None = None
) -> dict[str, Any]:
    """What `evaluate` tells, by all rows or by some."""
    y, groups, weights = get_values(store, job.inputs["y"]), groups_of(job, store), weights_of(job, store, rows)
    count = sum(name.startswith("predictions") for name in job.inputs)
    predictions = [get_values(store, job.inputs[f"predictions{index}"]) for index in range(count)]
    if rows is not None:
        y, predictions = take(y, rows), [take(p, rows) for p in predictions]
        groups = None if groups is None else groups[rows]
    standing = job.params.get("standing", count)

    def kept(metric: Metric) -> Statistics:
        pairs = zip(predictions, job.params["decisions"], strict=True)
        told = [as_taken(metric, p, decision, folds) for p, decision in pairs]
        return metric.statistics(y, told, groups=groups, weights=weights)

    def means(of: Statistics) -> Means:
        found = replace(of.means(seed=job.seed, rounds=JUDGE_ROUNDS), sought=job.params.get("sought", 0.0))
        return found if folds is None else taught(found)

    every = [(metric, kept(metric)) for metric in metrics_of(job)]
    each = [(metric, means(of.of(0, standing))) for metric, of in every]
    first, of_first = each[0]
    intervals = {metric.name: intervals_of(metric, found, out_of_fold=folds is not None) for metric, found in each}
    tested = each if standing == count else [(metric, means(of)) for metric, of in every]
    level = job.params.get("level", LEVEL)
    ranks = {metric.name: ranks_of(metric, found, standing, level) for metric, found in tested}
    unsure = {metric.name: unsure_of(metric, found) for metric, found in each}
    nowhere: list[int | None] = [None, None, None]
    rank, best, worst = zip(*(places or nowhere for places in ranks[first.name]), strict=True)
    return {
        "scores": {metric.name: [finite(value) for value in found.means] for metric, found in each},
        "intervals": intervals,
        "ranks": ranks,
        "unsure": {name: whys for name, whys in unsure.items() if any(whys)},
        "ci": intervals[first.name],
        "rank": list(rank),
        "rank_best": list(best),
        "rank_worst": list(worst),
        "tier": tiers_of(first, of_first),
    }


def groups_of(job: Job, store: Store) -> NDArray[np.int64] | None:
    """Which rows belong together, (rows,) codes; none where each stands alone."""
    return get_array(store, job.inputs["groups"]) if "groups" in job.inputs else None


def weights_of(
    job: Job, store: Store, rows: NDArray[np.int64] | None = None, *, name: str = "weights"
) -> Floats | None:
    """What each row, or each of some rows, weighs, in rows (`weighing.in_rows`); none where all weigh alike."""
    if name not in job.inputs:
        return None
    weights = get_array(store, job.inputs[name])
    return in_rows(weights if rows is None else weights[rows])


def intervals_of(metric: Metric, means: Means, *, out_of_fold: bool) -> list[list[float] | None]:
    found = metric.intervals(means)
    if means.sought:
        found = watched(found, means, low=metric.low, high=metric.high)
    if out_of_fold:
        found = crossed(found, means.means, low=metric.low, high=metric.high)
    return [ends.tolist() if np.isfinite(ends).all() else None for ends in found]


def unsure_of(metric: Metric, means: Means) -> list[str]:
    known = too_few(means.few) if means.few else ""
    return [known if np.isfinite(value) else metric.way.undefined for value in means.means]


def ranks_of(metric: Metric, means: Means, standing: int, level: float) -> list[list[int] | None]:
    """Among those who have a score."""
    greater, defined = metric.greater_is_better, np.flatnonzero(np.isfinite(means.means))
    some, told = means.among(defined), defined[defined < standing]
    ranges = rank_ranges(some, greater_is_better=greater, level=level, standing=len(told))
    ranks = competition_ranks(some.means[: len(told)], greater_is_better=greater)
    return spread_over(told, np.stack([ranks, ranges.best, ranges.worst], axis=1).tolist(), standing)


def tiers_of(metric: Metric, means: Means) -> list[int | None]:
    defined = np.flatnonzero(np.isfinite(means.means))
    found = tiers(means.among(defined), greater_is_better=metric.greater_is_better)
    return spread_over(defined, found.tolist(), len(means.means))


def spread_over(places: NDArray[np.int64], values: Sequence[Any], count: int) -> list[Any]:
    """Values at their places among so many, none elsewhere."""
    found = dict(zip(places.tolist(), values, strict=True))
    return [found.get(place) for place in range(count)]


def as_taken(metric: Metric, p: Floats, decision: Mapping[str, Any] | None, folds: NDArray[np.int64] | None) -> Floats:
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


def metrics_of(job: Job) -> list[Metric]:
    """The metrics that a job names."""
    output, labels = output_of(job), job.params.get("labels")
    return [output.metric(name, labels) for name in job.params["metrics"]]


def metric_of_rows(job: Job) -> Metric:
    """The ranking metric if a row has a number by it, else the output's own, such as log loss or absolute error."""
    first, output = metrics_of(job)[0], output_of(job)
    return first if first.way.single else output.metric(output.by_rows)
