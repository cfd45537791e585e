"""Entries of a hosted board ranked together: one of each side has a place, and baselines stand beside."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.runners.score import (
    JUDGE_ROUNDS,
    as_taken,
    groups_of,
    intervals_of,
    metrics_of,
    ranks_of,
    spread_over,
    tiers_of,
    unsure_of,
    weights_of,
)
from concours.kernels.ranking.sides import chosen
from concours.kernels.scoring.intervals import LEVEL
from concours.kernels.scoring.rounded import finite
from concours.kernels.scoring.scores import Means
from concours.stores.values import get_values
from concours.tasks.metrics.metric import Metric


def ranked(job: Job, store: Store, rows: NDArray[np.int64] | None) -> dict[str, Any]:
    """What `evaluate` tells of entries, lists in their order, by all rows or by some (`engine.runners.hosted.rank`).

    Predictions are read one after the other, and only what metrics keep of them stays.
    """
    sides = job.params["sides"]
    each = _means(job, store, rows, len(sides))
    first, of_first = each[0]
    standing = chosen(of_first.means, sides, greater_is_better=first.greater_is_better)
    others = [place for place, side in enumerate(sides) if side is not None and place not in set(standing)]
    order = np.array([*standing, *others], dtype=np.int64)

    def placed(metric: Metric, means: Means) -> list[list[int] | None]:
        found = ranks_of(metric, means.among(order), len(standing), LEVEL)
        return spread_over(order[: len(standing)], found, len(sides))

    intervals = {metric.name: intervals_of(metric, means, out_of_fold=False) for metric, means in each}
    ranks = {metric.name: placed(metric, means) for metric, means in each}
    unsure = {metric.name: unsure_of(metric, means) for metric, means in each}
    nowhere: list[int | None] = [None, None, None]
    rank, best, worst = zip(*(places or nowhere for places in ranks[first.name]), strict=True)
    among = np.array(standing, dtype=np.int64)
    return {
        "scores": {metric.name: [finite(value) for value in means.means] for metric, means in each},
        "intervals": intervals,
        "ranks": ranks,
        "unsure": {name: whys for name, whys in unsure.items() if any(whys)},
        "ci": intervals[first.name],
        "rank": list(rank),
        "rank_best": list(best),
        "rank_worst": list(worst),
        "tier": spread_over(among, tiers_of(first, of_first.among(among)), len(sides)),
    }


def _means(job: Job, store: Store, rows: NDArray[np.int64] | None, count: int) -> list[tuple[Metric, Means]]:
    """The scores by each metric, and how they vary together."""
    y, groups, weights = get_values(store, job.inputs["y"]), groups_of(job, store), weights_of(job, store, rows)
    if rows is not None:
        y, groups = take(y, rows), None if groups is None else groups[rows]
    metrics = metrics_of(job)
    kept: list[list[Any]] = [[] for _ in metrics]
    width = 0
    for index in range(count):
        p = get_values(store, job.inputs[f"predictions{index}"])
        p = p if rows is None else take(p, rows)
        width = p.shape[1] if isinstance(p, np.ndarray) and p.ndim > 1 else 0
        for metric, of in zip(metrics, kept, strict=True):
            of.append(metric.way.keep(y, as_taken(metric, p, job.params["decisions"][index], None)))
    return [
        (
            metric,
            metric.of_kept(y, tuple(of), width, groups=groups, weights=weights).means(
                seed=job.seed, rounds=JUDGE_ROUNDS
            ),
        )
        for metric, of in zip(metrics, kept, strict=True)
    ]
