"""Cascades: whom to ask, and from which confidence on each answers; and what is answered, of kept predictions."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.rows import first_division, sides_of_first
from concours.engine.runners.join import members_of
from concours.engine.runners.score import groups_of, metrics_of, weights_of
from concours.engine.work import JobResult
from concours.kernels.joining.cascading import ask_in_turn, cheapest_cascade
from concours.stores.blobs import get_array, put_array

Floats = NDArray[np.float64]

_ENOUGH = 20_000
_ROUNDS = 50


def cascade(job: Job, store: Store) -> JobResult:
    """The cheapest cascade on the rows outside one fold, or on all; of very many rows on some, spread evenly.

    Good enough is what is worse than the best member alone, by the ranking metric, by no more than one standard error
    of that member's score. Members count with their most probable class, as in `select`.

    Values: `asked`, numbers of members in the order of asking; in that order `thresholds`, and the shares of the rows
    that each is asked about (`asks`) and answers (`answers`).
    """
    rows, _ = sides_of_first(job, store, job.params["without_fold"])
    rows = rows[:: (len(rows) - 1) // _ENOUGH + 1]
    y, weights, groups = get_array(store, job.inputs["y"])[rows], weights_of(job, store, rows), groups_of(job, store)
    weights = weights if weights is None or weights.any() else None
    members, metric = [member[rows] for member in members_of(job, store, "oof")], metrics_of(job)[0]
    together = None if groups is None else np.unique(groups[rows], return_inverse=True)[1]

    def enough(best: int) -> float:
        told = [members[best]]
        means = metric.means(y, told, seed=job.seed, rounds=_ROUNDS, groups=together, weights=weights, empty=0.0)
        return float(-metric.sign * means.means[0] + means.stderr[0])

    found = cheapest_cascade(
        members,
        job.params["costs"],
        lambda p: -metric.sign * metric.score(y, p, weights),
        most=enough,
        of_rows=weights,
    )
    _, whom = ask_in_turn([members[i].__getitem__ for i in found.asked], found.thresholds, len(rows))
    asks = np.average(whom, axis=1, weights=weights)
    answers = asks - np.append(asks[1:], 0.0)
    some = np.flatnonzero(answers > 0)  # who answers nothing need not be asked
    return JobResult(
        values={
            "asked": [found.asked[i] for i in some],
            "thresholds": [found.thresholds[i] for i in some],
            "asks": asks[some].tolist(),
            "answers": answers[some].tolist(),
        }
    )


def ask(job: Job, store: Store) -> JobResult:
    """What a cascade answers of kept predictions: the rows of a fold by its own thresholds, the test part by the last.

    Values: `asked`, the share of the rows of the test part, or else of the training part, that each member would have
    been asked about.
    """
    outputs: dict[str, Digest] = {}
    phases, asked = {}, np.zeros(0)
    weights, thresholds = np.asarray(job.params["weights"]), np.asarray(job.params["thresholds"])
    if "oof" in job.outputs:
        folds, members = first_division(store, job.inputs["folds"]), members_of(job, store, "oof")
        joined, asked = np.empty(members[0].shape), np.zeros(len(members))
        for fold in range(int(folds.max()) + 1):
            rows = np.flatnonzero(folds == fold)
            part = [member[rows] for member in members]
            own = np.asarray(job.params["fold_weights"][fold]), np.asarray(job.params["fold_thresholds"][fold])
            joined[rows], share = asked_of(part, *own)
            asked += share * len(rows) / len(folds)
        outputs["oof"] = put_array(store, joined)
    if "test" in job.outputs:
        members = members_of(job, store, "test")
        began = time.perf_counter()
        joined, asked = asked_of(members, weights, thresholds)
        phases["predict"] = time.perf_counter() - began
        outputs["test"] = put_array(store, joined)
    return JobResult(outputs=outputs, values={"asked": asked.tolist()}, phases=phases)


def asked_of(members: list[Floats], weights: Floats, thresholds: Floats) -> tuple[Floats, Floats]:
    """What those with a weight answer, (rows, classes), and the share of the rows that each is asked about."""
    some = np.flatnonzero(weights)
    answers, whom = ask_in_turn([members[i].__getitem__ for i in some], thresholds[some].tolist(), len(members[0]))
    shares = np.zeros(len(members))
    shares[some] = whom.mean(axis=1)
    return answers, shares
