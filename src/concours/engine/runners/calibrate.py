"""Calibrating: what out-of-fold predictions say of a model's probabilities, and of which class to name."""

from __future__ import annotations

from dataclasses import asdict

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.deterministic import deterministic
from concours.engine.rows import first_division
from concours.engine.runners.score import metrics_of, weights_of
from concours.engine.work import JobResult
from concours.kernels.joining.calibration import temperature
from concours.kernels.joining.crosswise import better, crossed, decision_of
from concours.stores.blobs import get_array, put_array
from concours.stores.values import get_values


def calibrate(job: Job, store: Store) -> JobResult:
    """Calibrates the predictions of the training part and of the test part where that makes the first ones better.

    The rows of a fold are calibrated by what the other folds say, so that they stay predictions of rows unseen; the
    test part by all. Where the ranking metric is one of labels, also finds by which weights of the classes to decide.
    """
    p, y = (get_array(store, job.inputs[name]) for name in ("oof", "y"))
    folds, weights = first_division(store, job.inputs["folds"]), weights_of(job, store)
    outputs, calibration = {}, None
    with deterministic(threads=job.threads, seed=job.seed):
        told, found = crossed(p, y, folds, weights), temperature(p, y, weights)
    if better(y, told, p, weights):
        calibration, p = asdict(found), told
        parts = {"oof": told}
        if "test" in job.outputs:
            parts["test"] = found.apply(get_values(store, job.inputs["test"]))
        outputs = {name: put_array(store, part) for name, part in parts.items()}
    unchanged = {name: job.inputs[name] for name in job.outputs}
    counts = metrics_of(job)[0].way.deciding
    decision = decision_of(p, y, folds, counts, weights) if counts else None
    return JobResult(outputs=unchanged | outputs, values={"calibration": calibration, "decision": decision})
