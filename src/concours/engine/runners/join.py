"""Joining predictions: folds into out-of-fold predictions, members into an alliance."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.deterministic import deterministic
from concours.engine.rows import first_division, held_out
from concours.engine.runners.score import metrics_of, weights_of
from concours.engine.work import JobResult
from concours.kernels.joining.blending import blend as blend_predictions
from concours.kernels.joining.criteria import METRICS, Loss
from concours.kernels.joining.frugal import frugal_selection
from concours.kernels.joining.pooling import pool_weights, sum_weights
from concours.kernels.joining.selection import greedy_selection, path_losses
from concours.stores.blobs import get_array, put_array
from concours.tasks.metrics.metric import Metric


def gather(job: Job, store: Store) -> JobResult:
    """Out-of-fold predictions of the training part, each row from the models that did not see it: their average."""
    folds = get_array(store, job.inputs["folds"])
    parts = [get_array(store, job.inputs[f"fold{fold}"]) for fold in range(int(folds.max()) + 1)]
    whole = np.zeros((len(folds), parts[0].shape[1]))
    for fold, part in enumerate(parts):
        whole[held_out(folds, fold)] += part
    whole /= 1 if folds.ndim == 1 else folds.shape[1]
    return JobResult(outputs={"oof": put_array(store, whole)})


def blend(job: Job, store: Store) -> JobResult:
    """Blends members' predictions: of the test part by their weights, of the training part by weights chosen elsewhere.

    Where each fold has weights of its own, its rows are blended by those: they were chosen on the other folds.
    """
    weights, rule = np.asarray(job.params["weights"]), job.params["rule"]
    outputs: dict[str, Digest] = {}
    phases = {}
    if "oof" in job.outputs:
        fold_weights = np.asarray(job.params.get("fold_weights") or [])
        by_row = fold_weights[first_division(store, job.inputs["folds"])].T if fold_weights.size else weights
        outputs["oof"] = put_array(store, blend_predictions(members_of(job, store, "oof"), by_row, rule=rule))
    if "test" in job.outputs:
        began = time.perf_counter()
        outputs["test"] = put_array(store, blend_predictions(members_of(job, store, "test"), weights, rule=rule))
        phases["predict"] = time.perf_counter() - began
    return JobResult(outputs=outputs, phases=phases)


def select(job: Job, store: Store) -> JobResult:
    """Greedy selection on the rows outside one fold, or on all, within limits where there are any.

    Gives the path, the members in the order picked, and, with a fold, the loss on its rows after each step of the path,
    and how many these are, or what they weigh.
    """
    folds, fold = first_division(store, job.inputs["folds"]), job.params["without_fold"]
    y, members = get_array(store, job.inputs["y"]), members_of(job, store, "oof")
    found, steps = metrics_of(job)[0], job.params["steps"]
    rows = np.flatnonzero(~held_out(folds, fold))
    seen, weights = [member[rows] for member in members], weights_of(job, store, rows)
    metric = found.name if found.name in METRICS else _loss(found, weights)
    if "limits" in job.params:
        costs, limits = job.params["costs"], job.params["limits"]
        selection = frugal_selection(
            seen, y[rows], metric=metric, costs=costs, limits=limits, steps=steps, of_rows=weights
        )
    else:
        selection = greedy_selection(seen, y[rows], metric=metric, steps=steps, seed=job.seed, of_rows=weights)
    others = np.flatnonzero(held_out(folds, fold))
    every, unseen = weights_of(job, store), [member[others] for member in members]
    weighed = len(others) if every is None else float(every[others].sum())
    loss = _loss(found, None if every is None else every[others])
    none = [0.0] * len(selection.path if len(others) else ())
    losses = path_losses(selection.path, unseen, y[others], loss).tolist() if weighed else none
    return JobResult(values={"path": list(selection.path), "held_out": losses, "rows": weighed})


def _loss(found: Metric, weights: NDArray[np.float64] | None) -> Loss:
    """The metric as a loss, of rows of these weights."""
    return lambda y, p: -found.sign * found.score(y, p, weights)


def weigh(job: Job, store: Store) -> JobResult:
    """The weights of a stack, found on the rows outside one fold, or on all."""
    folds, fold = first_division(store, job.inputs["folds"]), job.params["without_fold"]
    rows = np.flatnonzero(~held_out(folds, fold))
    y = get_array(store, job.inputs["y"])[rows]
    members = [member[rows] for member in members_of(job, store, "oof")]
    with deterministic(threads=job.threads, seed=job.seed):
        weights = (pool_weights if job.params["classes"] else sum_weights)(members, y, weights_of(job, store, rows))
    return JobResult(values={"weights": weights.tolist()})


def members_of(job: Job, store: Store, part: str) -> list[NDArray[np.float64]]:
    """The members' predictions of a part, (rows, outputs) each."""
    return [get_array(store, job.inputs[f"{part}{index}"]) for index in range(numbered(job, part))]


def numbered(job: Job, name: str) -> int:
    """How many inputs of a job have that name and a number."""
    return sum(key.startswith(name) and key[len(name) :].isdecimal() for key in job.inputs)
