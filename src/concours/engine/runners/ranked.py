"""Entries of a hosted board ranked together: one of each side has a place, and baselines stand beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

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
    spread_over,
    unsure_of,
    weights_of,
)
from concours.kernels.ranking.many import many_jackknifed
from concours.kernels.ranking.ranks import ahead_of, certainly_better, competition_ranks, ranges_of
from concours.kernels.ranking.sides import chosen
from concours.kernels.ranking.tiers import tiers_of
from concours.kernels.scoring.rounded import finite
from concours.kernels.scoring.scores import Means
from concours.stores.values import get_values
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import FEWEST
from concours.tasks.metrics.statistics import Statistics

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

MANY: Final = 300
"""Entries from which pairs are told apart by bounds (`kernels.ranking.many`), and by the ranking metric alone."""


@dataclass(frozen=True, eq=False)
class _Told:
    """What a metric says of entries, and who of those that are tested is certainly better than whom."""

    metric: Metric
    means: Means
    tested: Codes
    better: NDArray[np.bool_]


def ranked(job: Job, store: Store, rows: Codes | None) -> dict[str, Any]:
    """What `evaluate` tells of entries, lists in their order, by all rows or by some (`engine.runners.hosted.rank`).

    Predictions are read one after the other, and only what metrics keep of them stays. Intervals are told of the rest
    alone: on the public rows each entry has had its own when it was scored by itself. Of `MANY` entries and more, ranks
    and their ranges are told by the ranking metric alone.
    """
    sides = job.params["sides"]
    kept, more = _kept(job, store, rows, len(sides))
    first = kept[0][0]
    standing = chosen(kept[0][1].scores(), sides, greater_is_better=first.greater_is_better)
    others = sorted({place for place, side in enumerate(sides) if side is not None} - set(standing))
    told = [_told(metric, of, [*standing, *others], seed=job.seed) for metric, of in kept]
    scores = {each.metric.name: each.means.means for each in told}
    scores |= more
    nothing = [None] * len(sides)
    intervals: dict[str, list[Any]] = dict.fromkeys(scores, nothing)
    ranks: dict[str, list[Any]] = dict.fromkeys(scores, nothing)
    ranks |= {each.metric.name: _placed(each, standing, len(sides)) for each in told}
    unsure = {each.metric.name: unsure_of(each.metric, each.means) for each in told}
    if job.params["part"] == "rest":
        intervals |= {each.metric.name: intervals_of(each.metric, each.means, out_of_fold=False) for each in told}
    nowhere: list[int | None] = [None, None, None]
    rank, best, worst = zip(*(places or nowhere for places in ranks[first.name]), strict=True)
    return {
        "scores": {name: [finite(value) for value in of] for name, of in scores.items()},
        "intervals": intervals,
        "ranks": ranks,
        "unsure": {name: whys for name, whys in unsure.items() if any(whys)},
        "ci": intervals[first.name],
        "rank": list(rank),
        "rank_best": list(best),
        "rank_worst": list(worst),
        "tier": _tiers(told[0], standing, len(sides)),
    }


def _kept(
    job: Job, store: Store, rows: Codes | None, count: int
) -> tuple[list[tuple[Metric, Statistics]], dict[str, Floats]]:
    """What metrics that rank keep of all entries; of many entries that is the first alone, and the scores by others."""
    y, groups, weights = get_values(store, job.inputs["y"]), groups_of(job, store), weights_of(job, store, rows)
    if rows is not None:
        y, groups = take(y, rows), None if groups is None else np.unique(groups[rows], return_inverse=True)[1]
    metrics = metrics_of(job)
    metrics, others = (metrics, []) if count < MANY else (metrics[:1], metrics[1:])
    scores = {metric.name: np.empty(count) for metric in others}
    kept: list[list[Any]] = [[] for _ in metrics]
    width = 0
    for index in range(count):
        p = get_values(store, job.inputs[f"predictions{index}"])
        p = p if rows is None else take(p, rows)
        width = p.shape[1] if isinstance(p, np.ndarray) and p.ndim > 1 else 0
        for metric, of in zip(metrics, kept, strict=True):
            of.append(metric.way.keep(y, as_taken(metric, p, job.params["decisions"][index], None)))
        for metric in others:
            scores[metric.name][index] = metric.score(
                y, as_taken(metric, p, job.params["decisions"][index], None), weights
            )
    counts: dict[str, Any] = {"groups": groups, "weights": weights}
    found = [(metric, metric.of_kept(y, tuple(of), width, **counts)) for metric, of in zip(metrics, kept, strict=True)]
    return found, scores


def _told(metric: Metric, kept: Statistics, places: Sequence[int], *, seed: int) -> _Told:
    """What a metric says, where entries at some places are tested together: those that have a score by it."""
    pseudo = kept.way.pseudo(kept) if len(kept.kept) >= MANY and len(kept.y) else None
    if pseudo and np.isfinite(pseudo[0]).all():
        return _told_of_many(metric, kept, np.array(places, dtype=np.int64), pseudo)
    means = kept.means(seed=seed, rounds=JUDGE_ROUNDS)
    tested = np.array([place for place in places if np.isfinite(means.means[place])], dtype=np.int64)
    return _Told(
        metric, means, tested, certainly_better(means.among(tested), greater_is_better=metric.greater_is_better)
    )


def _told_of_many(
    metric: Metric, kept: Statistics, tested: Codes, pseudo: tuple[NDArray[np.float64], NDArray[np.float64], bool]
) -> _Told:
    estimates, table, signs = pseudo
    beside = np.setdiff1d(np.arange(len(estimates)), tested)
    order = np.concatenate([tested, beside])
    back = np.argsort(order)
    ordered = table if (order == np.arange(len(order))).all() else table[:, order]
    few = kept.sure(Means(estimates, np.zeros((1, 1))), fewest=FEWEST).few
    of = many_jackknifed(
        estimates[order],
        ordered,
        groups=kept.groups,
        weights=kept.weights,
        signs=signs,
        few=few,
        tested=len(tested),
    )
    means = of.means.reordered(back)
    better = of.certain & ahead_of(estimates[tested], metric.greater_is_better)
    return _Told(metric, means, tested, better)


def _standing(told: _Told, standing: Sequence[int]) -> tuple[Codes, NDArray[np.bool_]]:
    """Those that have a place and a score by a metric, and who of them is certainly better than whom."""
    here = np.flatnonzero(np.isin(told.tested, standing))
    return told.tested[here], told.better[np.ix_(here, here)]


def _placed(told: _Told, standing: Sequence[int], count: int) -> list[list[int] | None]:
    places, better = _standing(told, standing)
    ranges = ranges_of(better)
    ranks = competition_ranks(told.means.means[places], greater_is_better=told.metric.greater_is_better)
    return spread_over(places, np.stack([ranks, ranges.best, ranges.worst], axis=1).tolist(), count)


def _tiers(told: _Told, standing: Sequence[int], count: int) -> list[int | None]:
    places, better = _standing(told, standing)
    found = tiers_of(better, told.means.means[places], greater_is_better=told.metric.greater_is_better)
    return spread_over(places, found.tolist(), count)
