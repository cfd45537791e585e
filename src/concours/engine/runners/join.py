"""Joining predictions: folds into out-of-fold predictions, members into an alliance."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from concours.commons.blobs import get_array, put_array
from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.work import Yield
from concours.kernels.blending import blend as blend_predictions
from concours.kernels.selection import greedy_selection
from concours.tasks.metrics import measure


def gather(job: Job, store: Store) -> Yield:
    """Out-of-fold predictions of the training part, each row from the model that did not see it."""
    folds = get_array(store, job.inputs["folds"])
    parts = [get_array(store, job.inputs[f"fold{fold}"]) for fold in range(int(folds.max()) + 1)]
    whole = np.empty((len(folds), parts[0].shape[1]))
    for fold, part in enumerate(parts):
        whole[folds == fold] = part
    return Yield(outputs={"selection": put_array(store, whole)})


def blend(job: Job, store: Store) -> Yield:
    """Blends members' predictions: of the test part by their weights, of the training part by weights chosen elsewhere.

    Where each fold has weights of its own, its rows are blended by those: they were chosen on the other folds.
    """
    weights, vote = np.asarray(job.params["weights"]), job.params["vote"]
    outputs: dict[str, Digest] = {}
    phases = {}
    if "selection" in job.outputs:
        fold_weights = np.asarray(job.params.get("fold_weights") or [])
        by_row = fold_weights[get_array(store, job.inputs["folds"])].T if fold_weights.size else weights
        outputs["selection"] = put_array(store, blend_predictions(_members(job, store, "selection"), by_row, vote=vote))
    if "test" in job.outputs:
        began = time.perf_counter()
        outputs["test"] = put_array(store, blend_predictions(_members(job, store, "test"), weights, vote=vote))
        phases["predict"] = time.perf_counter() - began
    return Yield(outputs=outputs, phases=phases)


def select(job: Job, store: Store) -> Yield:
    """Greedy selection on the rows outside one fold, or on all."""
    folds, fold = get_array(store, job.inputs["folds"]), job.params["without_fold"]
    rows = np.flatnonzero(folds != fold) if fold is not None else slice(None)
    y = get_array(store, job.inputs["y"])[rows]
    members = [member[rows] for member in _members(job, store, "selection")]
    name, target = job.params["metric"], "classes" if job.params["classes"] else "number"
    found = measure(name, target, job.params["classes"])
    sign = -1 if found.metric.greater_is_better else 1
    metric = name if found.rows is not None else lambda truth, p: sign * found.score(truth, p)
    selection = greedy_selection(members, y, metric=metric, steps=job.params["steps"], seed=job.seed)
    return Yield(values={"weights": selection.weights.tolist(), "losses": selection.losses.tolist()})


def _members(job: Job, store: Store, part: str) -> list[NDArray[np.float64]]:
    count = sum(name.startswith(part) for name in job.inputs)
    return [get_array(store, job.inputs[f"{part}{index}"]) for index in range(count)]
