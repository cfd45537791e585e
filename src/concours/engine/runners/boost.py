"""Fitting a meta-learner on members' out-of-fold predictions, and joining the members by it."""

from __future__ import annotations

import time

import numpy as np

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.deterministic import deterministic
from concours.engine.meta_learners import fit_meta_learner, get_meta_learner, put_meta_learner
from concours.engine.outputs import output_of
from concours.engine.rows import first_division, kin_of, sides_of_first
from concours.engine.runners.join import members_of
from concours.engine.runners.score import weights_of
from concours.engine.step_learners import StepLearner
from concours.engine.work import JobResult
from concours.kernels.joining.stepwise import step_weights
from concours.stores.blobs import put_array
from concours.stores.values import get_values


def boost(job: Job, store: Store) -> JobResult:
    """A meta-learner fitted on the rows outside one fold, or on all, and the members' shares in it."""
    rows, _ = sides_of_first(job, store, job.params["without_fold"])
    y = get_values(store, job.inputs["y"])[rows]
    seen = [member[rows] for member in members_of(job, store, "oof")]
    with deterministic(threads=job.threads, seed=job.seed):
        weights, kin = weights_of(job, store, rows), kin_of(job, store, rows)
        learner = fit_meta_learner(seen, y, output_of(job).codes or 0, seed=job.seed, of_rows=weights, kin=kin)
    return JobResult(outputs={"model": put_meta_learner(store, learner)}, values={"shares": learner.shares(len(seen))})


def weigh_steps(job: Job, store: Store) -> JobResult:
    """Weights for each stretch of the steps ahead by the rows outside one fold, or by all, and the members' shares."""
    rows, _ = sides_of_first(job, store, job.params["without_fold"])
    y, meta = get_values(store, job.inputs["y"])[rows], output_of(job).meta
    seen = [member[rows] for member in members_of(job, store, "oof")]
    levels, units = np.asarray(meta["levels"]), np.asarray(meta["deviations"])
    weights = step_weights(
        seen, y, horizon=meta["horizon"], levels=levels, units=units, of_rows=weights_of(job, store, rows)
    )
    learner = StepLearner(weights=tuple(map(tuple, weights.tolist())), horizon=meta["horizon"], levels=len(levels))
    return JobResult(outputs={"model": put_meta_learner(store, learner)}, values={"shares": learner.shares(len(seen))})


def meta_learner(job: Job, store: Store) -> JobResult:
    """Joins members by meta-learners: the test part by that of all rows, each fold by that fitted without it."""
    outputs: dict[str, Digest] = {}
    phases = {}
    with deterministic(threads=job.threads, seed=job.seed):
        folds, seen = first_division(store, job.inputs["folds"]), members_of(job, store, "oof")
        joined = np.empty(seen[0].shape)
        for fold in range(int(folds.max()) + 1):
            rows = np.flatnonzero(folds == fold)
            joined[rows] = get_meta_learner(store, job.inputs[f"model{fold}"]).predict(
                [member[rows] for member in seen]
            )
        outputs["oof"] = put_array(store, joined)
        if "test" in job.outputs:
            began = time.perf_counter()
            joined = get_meta_learner(store, job.inputs["model"]).predict(members_of(job, store, "test"))
            phases["predict"] = time.perf_counter() - began
            outputs["test"] = put_array(store, joined)
    return JobResult(outputs=outputs, phases=phases)
