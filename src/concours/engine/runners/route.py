"""Routes: who is asked about which rows, learned from them; and what is answered, of kept predictions."""

from __future__ import annotations

import time
from collections.abc import Sequence
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
from concours.engine.rows import first_division, get_rows, take_rows
from concours.engine.runners.join import members_of
from concours.engine.runners.judged import Judged, chosen_by, within
from concours.engine.sent import sent
from concours.engine.work import JobResult
from concours.kernels.joining.routing import cheapest_route, score_against_cost
from concours.stores.values import put_values
from concours.tasks.outputs.output import Values

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def route(job: Job, store: Store) -> JobResult:
    """The cheapest route on the rows outside one fold, or on all; of very many rows on some, spread evenly.

    What a member is expected to score on a row comes from a router that was fitted on the rows of the other folds. Good
    enough is what is worse than the best member alone, by the ranking metric, by no more than one standard error of
    that member's score; with a `budget` it is the best that costs no more. Members count with their most probable
    class, as in `select`.

    Values: `asked`, numbers of the members that are asked; in their order `handicaps`, and `shares` of the rows; and
    `curve`, [share of the rows that the dearest is asked about, cost, score] for all trades of score for cost, with
    `chosen`, that of the route.
    """
    rows, learned, costs = chosen_by(job, store), _Learned.of(job, store), job.params["costs"]
    with deterministic(threads=job.threads, seed=job.seed):
        parts = [(to, learned.router(of).expected(take_rows(learned.x, to))) for of, to in within(job, store, rows)]
    places, expected = (np.concatenate(each) for each in zip(*parts, strict=True))
    judged = Judged.of(job, store, rows[places])
    budget = job.params["budget"]
    found = cheapest_route(expected, costs, judged.loss, most=judged.enough, budget=budget, of_rows=judged.weights)
    curve = score_against_cost(expected, costs, judged.loss, judged.weights)
    return JobResult(
        values={
            "asked": list(found.asked),
            "handicaps": list(found.handicaps),
            "shares": list(found.shares),
            "curve": [judged.told(point) for point in curve],
            "chosen": judged.told(found.point),
        }
    )


def router(job: Job, store: Store) -> JobResult:
    """A router fitted on the rows outside one fold, or on all, as `route` has them."""
    learned = _Learned.of(job, store)
    with deterministic(threads=job.threads, seed=job.seed):
        return JobResult(outputs={"model": put_router(store, learned.router(np.arange(len(learned.judged.scores))))})


@dataclass(frozen=True, kw_only=True)
class _Learned:
    """What a router learns from: rows, how it reads them, and what members scored on them."""

    x: Any
    reads: str
    judged: Judged

    @classmethod
    def of(cls, job: Job, store: Store) -> _Learned:
        rows = chosen_by(job, store)
        x = take_rows(get_rows(store, job.inputs["x"]), rows)
        return cls(x=x, reads=job.params["reads"], judged=Judged.of(job, store, rows))

    def router(self, places: Codes) -> Router:
        x, scores = take_rows(self.x, places), self.judged.scores[places]
        return fit_router(x, scores, self.judged.weighing(places), reads=self.reads)


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
