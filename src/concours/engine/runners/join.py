"""Joining predictions: folds into out-of-fold predictions, members into an alliance."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
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
from concours.engine.outputs import output_of
from concours.engine.rows import first_division, sides_of_first
from concours.engine.runners.score import metrics_of, weights_of
from concours.engine.work import JobResult
from concours.kernels.joining.criteria import METRICS, Loss
from concours.kernels.joining.frugal import frugal_selection
from concours.kernels.joining.selection import greedy_selection, joined_path_losses, joined_selection, path_losses
from concours.kernels.rows.weighing import among
from concours.stores.blobs import get_array
from concours.stores.values import concat, get_values, put_values
from concours.tasks.metrics.metric import Metric

_JOINED_STEPS = 10
"""Steps of a greedy selection of what is joined by a rule of its own, each of which joins all rows a member anew."""


def gather(job: Job, store: Store) -> JobResult:
    """Out-of-fold predictions of the training part, each row from the models that did not see it: their average."""
    folds, output = get_array(store, job.inputs["folds"]), output_of(job)
    parts = [get_values(store, job.inputs[f"fold{fold}"]) for fold in range(int(folds.max()) + 1)]
    divisions = folds.reshape(len(folds), -1).T
    wholes = (_in_order(parts, division) for division in divisions)
    even = np.full(len(divisions), 1 / len(divisions))
    whole = next(wholes) if len(divisions) == 1 else output.join(next(iter(output.joins)), wholes, even)
    return JobResult(outputs={"oof": put_values(store, whole)})


def _in_order(parts: Sequence[Any], folds: NDArray[np.int64]) -> Any:
    """The held-out sides of one division, (rows, …), in the order of the rows."""
    numbers = np.unique(folds)
    places = np.concatenate([np.flatnonzero(folds == fold) for fold in numbers])
    return take(concat([parts[fold] for fold in numbers]), np.argsort(places))


def blend(job: Job, store: Store) -> JobResult:
    """Blends members' predictions: of the test part by their weights, of the training part by weights chosen elsewhere.

    Where each fold has weights of its own, its rows are blended by those: they were chosen on the other folds.
    """
    weights, join = np.asarray(job.params["weights"]), partial(output_of(job).join, job.params["rule"])
    outputs: dict[str, Digest] = {}
    phases = {}
    if "oof" in job.outputs:
        fold_weights = np.asarray(job.params.get("fold_weights") or [])
        by_row = fold_weights[first_division(store, job.inputs["folds"])].T if fold_weights.size else weights
        outputs["oof"] = put_values(store, join(members_of(job, store, "oof"), by_row))
    if "test" in job.outputs:
        began = time.perf_counter()
        outputs["test"] = put_values(store, join(members_of(job, store, "test"), weights))
        phases["predict"] = time.perf_counter() - began
    return JobResult(outputs=outputs, phases=phases)


def select(job: Job, store: Store) -> JobResult:
    """Greedy selection on the rows outside one fold, or on all, within limits where there are any.

    Gives the path, the members in the order picked, and, with a fold, the loss on its rows after each step of the path,
    and how many these are, or what they weigh; 0 where they have no score, and no step has a loss.
    """
    rows, others = sides_of_first(job, store, job.params["without_fold"])
    y, members, output = get_values(store, job.inputs["y"]), members_of(job, store, "oof"), output_of(job)
    every = weights_of(job, store)
    weights = weights_of(job, store, rows), among(every, others)
    sides = [
        _Side(take(y, some), [take(member, some) for member in members], each)
        for some, each in zip((rows, others), weights, strict=True)
    ]
    weighed = len(others) if every is None else float(every[others].sum())
    choose = _chosen_of_sums if "sum" in output.can else _chosen_of_joins
    path, losses = choose(job, sides[0], sides[1] if weighed else None)
    if not losses or not np.isfinite(losses).all():  # rows that weigh nothing, or are all of one class
        losses, weighed = [0.0] * len(path if len(others) else ()), 0
    return JobResult(values={"path": path, "held_out": losses, "rows": weighed})


@dataclass(frozen=True)
class _Side:
    """Some of the rows: targets, members' predictions, and what rows weigh."""

    y: Any
    members: list[Any]
    weights: NDArray[np.float64] | None


def _chosen_of_sums(job: Job, seen: _Side, unseen: _Side | None) -> tuple[list[int], list[float]]:
    """The path, and the losses along it on rows that it was not chosen on, where predictions may be added."""
    found, steps, weights = metrics_of(job)[0], job.params["steps"], seen.weights
    metric = found.name if found.name in METRICS else _loss(found, weights)
    if "limits" in job.params:
        costs, limits = job.params["costs"], job.params["limits"]
        how = {"metric": metric, "costs": costs, "limits": limits, "steps": steps, "of_rows": weights}
        path = frugal_selection(seen.members, seen.y, **how).path
    else:
        how = {"metric": metric, "steps": steps, "seed": job.seed, "of_rows": weights}
        path = greedy_selection(seen.members, seen.y, **how).path
    if unseen is None:
        return list(path), []
    return list(path), path_losses(path, unseen.members, unseen.y, _loss(found, unseen.weights)).tolist()


def _chosen_of_joins(job: Job, seen: _Side, unseen: _Side | None) -> tuple[list[int], list[float]]:
    """The same where predictions are joined by a rule of their own."""
    output, found = output_of(job), metrics_of(job)[0]
    rule = next(iter(output.joins))

    def losses(side: _Side) -> Callable[[NDArray[np.float64]], float]:
        score = output.scoring(rule, side.members, side.y, found, side.weights)
        return lambda weights: -found.sign * score(weights)

    path = joined_selection(losses(seen), len(seen.members), steps=min(job.params["steps"], _JOINED_STEPS))
    if unseen is None:
        return list(path), []
    return list(path), joined_path_losses(path, losses(unseen), len(unseen.members))


def _loss(found: Metric, weights: NDArray[np.float64] | None) -> Loss:
    """The metric as a loss, of rows of these weights."""
    return lambda y, p: -found.sign * found.score(y, p, weights)


def weigh(job: Job, store: Store) -> JobResult:
    """The weights of a stack, found on the rows outside one fold, or on all."""
    rows, _ = sides_of_first(job, store, job.params["without_fold"])
    y = get_values(store, job.inputs["y"])[rows]
    members = [member[rows] for member in members_of(job, store, "oof")]
    with deterministic(threads=job.threads, seed=job.seed):
        weights = output_of(job).weighed(job.params["rule"], members, y, weights_of(job, store, rows))
    return JobResult(values={"weights": weights.tolist()})


def members_of(job: Job, store: Store, part: str) -> list[NDArray[np.float64]]:
    """The members' predictions of a part, (rows, outputs) each."""
    return [get_values(store, job.inputs[f"{part}{index}"]) for index in range(numbered(job, part))]


def numbered(job: Job, name: str) -> int:
    """How many inputs of a job have that name and a number."""
    return sum(key.startswith(name) and key[len(name) :].isdecimal() for key in job.inputs)
