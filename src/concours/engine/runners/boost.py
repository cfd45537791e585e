"""Fitting a second layer on members' out-of-fold predictions, and joining the members by it."""

from __future__ import annotations

import time

import numpy as np

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.layers import fit_layer, get_layer, put_layer
from concours.engine.rows import first_division, held_out, kin_of
from concours.engine.runners.join import members_of
from concours.engine.runners.score import weights_of
from concours.engine.steady import steady
from concours.engine.work import Yield
from concours.stores.blobs import get_array, put_array


def boost(job: Job, store: Store) -> Yield:
    """A layer fitted on the rows outside one fold, or on all, and the members' shares in it."""
    rows = np.flatnonzero(~held_out(first_division(store, job.inputs["folds"]), job.params["without_fold"]))
    y = get_array(store, job.inputs["y"])[rows]
    seen = [member[rows] for member in members_of(job, store, "selection")]
    with steady(threads=job.threads, seed=job.seed):
        weights, kin = weights_of(job, store, rows), kin_of(job, store, rows)
        layer = fit_layer(seen, y, job.params["classes"], seed=job.seed, of_rows=weights, kin=kin)
    return Yield(outputs={"model": put_layer(store, layer)}, values={"shares": layer.shares(len(seen))})


def layer(job: Job, store: Store) -> Yield:
    """Joins members by layers: the test part by the one fitted on all rows, each fold by the one fitted without it."""
    outputs: dict[str, Digest] = {}
    phases = {}
    with steady(threads=job.threads, seed=job.seed):
        folds, seen = first_division(store, job.inputs["folds"]), members_of(job, store, "selection")
        joined = np.empty(seen[0].shape)
        for fold in range(int(folds.max()) + 1):
            rows = np.flatnonzero(folds == fold)
            joined[rows] = get_layer(store, job.inputs[f"model{fold}"]).predict([member[rows] for member in seen])
        outputs["selection"] = put_array(store, joined)
        if "test" in job.outputs:
            began = time.perf_counter()
            joined = get_layer(store, job.inputs["model"]).predict(members_of(job, store, "test"))
            phases["predict"] = time.perf_counter() - began
            outputs["test"] = put_array(store, joined)
    return Yield(outputs=outputs, phases=phases)
