"""Routes: who is asked about which rows, learned from their words; and what is answered, of kept predictions."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.deterministic import deterministic
from concours.engine.routers import Router, fit_router, get_router, put_router
from concours.engine.rows import first_division, get_rows, sides_of_first, take_rows
from concours.engine.runners.join import members_of
from concours.engine.runners.score import groups_of, metric_of_rows, metrics_of, weights_of
from concours.engine.sent import sent
from concours.engine.work import JobResult
from concours.kernels.joining.routing import Point, cheapest_route, score_against_cost
from concours.kernels.rows.weighing import in_rows
from concours.stores.values import get_values, put_values
from concours.tasks.outputs.output import Values

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_ENOUGH = 20_000
_ROUNDS = 50


def route(job: Job, store: Store) -> JobResult:
    """The cheapest route on the rows outside one fold, or on all; of very many rows on some, spread evenly.

    What a member is expected to score on a row comes from a router that was fitted on the rows of the other folds. Good
    enough is what is worse than the best member alone, by the ranking metric, by no more than one standard error of
    that member's score. Members count with their most probable class, as in `select`.

    Values: `asked`, numbers of the members that are asked; in their order `handicaps`, and `shares` of the rows; and
    `curve`, [share of the rows that the dearest is asked about, cost, score] for all trades of score for cost, with
    `chosen`, that of the route.
    """
    known = _known(job, store)
    metric, costs = metrics_of(job)[0], job.params["costs"]
    with deterministic(threads=job.threads, seed=job.seed):
        parts = [(to, known.router(of).expected(take_rows(known.x, to))) for of, to in _within(job, store, known.rows)]
    rows, expected = (np.concatenate(each) for each in zip(*parts, strict=True))
    weights, groups = known.weights(rows), groups_of(job, store)
    together = None if groups is None else np.unique(groups[rows], return_inverse=True)[1]
    y, told = take(known.y, rows), [take(member, rows) for member in known.members]

    def loss(whom: Codes) -> float:
        if not metric.way.single:
            return -metric.sign * metric.score(y, _answers(whom, told), weights)
        mean = metric.sign * np.average(known.scores[rows, whom], weights=weights)
        return float(-metric.sign * metric.of_means(mean))

    def enough(best: int) -> float:
        means = metric.means(
            y, [told[best]], seed=job.seed, rounds=_ROUNDS, groups=together, weights=weights, empty=0.0
        )
        return float(-metric.sign * means.means[0] + means.stderr[0])

    def told_of(point: Point) -> list[float]:
        return [point.share, point.cost, -metric.sign * point.loss]

    found = cheapest_route(expected, costs, loss, most=enough, of_rows=weights)
    curve = score_against_cost(expected, costs, loss, weights)
    return JobResult(
        values={
            "asked": list(found.asked),
            "handicaps": list(found.handicaps),
            "shares": list(found.shares),
            "curve": [told_of(point) for point in curve],
            "chosen": told_of(found.point),
        }
    )


def router(job: Job, store: Store) -> JobResult:
    """A router fitted on the rows outside one fold, or on all, as `route` has them."""
    known = _known(job, store)
    with deterministic(threads=job.threads, seed=job.seed):
        return JobResult(outputs={"model": put_router(store, known.router(known.rows))})


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What a router learns from.

    Attributes:
        x, y: all rows of the training part.
        members: predictions of these.
        scores: (rows, members), by the metric by which rows have numbers; higher is better.
        mass: (rows,) what they weigh.
        rows: numbers of those that count.
    """

    x: Any
    y: Values
    members: Sequence[Values]
    scores: Floats
    mass: Floats | None
    rows: Codes

    def router(self, rows: Codes) -> Router:
        return fit_router(take_rows(self.x, rows), self.scores[rows], self.weights(rows))

    def weights(self, rows: Codes) -> Floats | None:
        """What rows weigh; where none weighs anything all weigh alike."""
        return None if self.mass is None or not self.mass[rows].any() else in_rows(self.mass[rows])


def _known(job: Job, store: Store) -> _Known:
    rows, _ = sides_of_first(job, store, job.params["without_fold"])
    metric, y, members = metric_of_rows(job), get_values(store, job.inputs["y"]), members_of(job, store, "oof")
    return _Known(
        x=get_rows(store, job.inputs["x"]),
        y=y,
        members=members,
        scores=metric.sign * np.stack([metric.row_scores(y, member) for member in members], axis=1),
        mass=weights_of(job, store),
        rows=rows[:: (len(rows) - 1) // _ENOUGH + 1],
    )


def _within(job: Job, store: Store, rows: Codes) -> Iterator[tuple[Codes, Codes]]:
    """For each fold that has some of the rows, those of them that a router is fitted on, and those in the fold."""
    for fold in range(int(first_division(store, job.inputs["folds"]).max()) + 1):
        known, judged = (np.intersect1d(rows, side) for side in sides_of_first(job, store, fold))
        if len(known) and len(judged):
            yield known, judged


def send(job: Job, store: Store) -> JobResult:
    """What a route answers of kept predictions: the rows of a fold by its own router, the test part by that of all.

    Values: `asked`, the share of the rows of the test part, or else of the training part, that each member would have
    been asked about.
    """
    params, outputs, phases, asked = job.params, dict[str, Digest](), dict[str, float](), np.zeros(0)
    with deterministic(threads=job.threads, seed=job.seed):
        if "oof" in job.outputs:
            x, folds = get_rows(store, job.inputs["x"]), first_division(store, job.inputs["folds"])
            members, whom = members_of(job, store, "oof"), np.zeros(len(folds), dtype=np.int64)
            for fold in range(int(folds.max()) + 1):
                rows = np.flatnonzero(folds == fold)
                router = get_router(store, job.inputs[f"model{fold}"])
                whom[rows] = router.whom(
                    take_rows(x, rows), params["fold_weights"][fold], params["fold_handicaps"][fold]
                )
            outputs["oof"], asked = put_values(store, _answers(whom, members)), _shares(whom, len(members))
        if "test" in job.outputs:
            members, x = members_of(job, store, "test"), get_rows(store, job.inputs["test_x"])
            began = time.perf_counter()
            whom = get_router(store, job.inputs["model"]).whom(x, params["weights"], params["handicaps"])
            told = _answers(whom, members)
            phases["predict"] = time.perf_counter() - began
            outputs["test"], asked = put_values(store, told), _shares(whom, len(members))
    return JobResult(outputs=outputs, values={"asked": asked.tolist()}, phases=phases)


def _answers(whom: Codes, members: Sequence[Values]) -> Values:
    return sent(whom, [partial(take, member) for member in members])


def _shares(whom: Codes, members: int) -> Floats:
    return np.bincount(whom, minlength=members) / len(whom)
