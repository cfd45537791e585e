"""Calibrating: what out-of-fold predictions say of a model's probabilities, and of which class to name."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.deterministic import deterministic
from concours.engine.rows import first_division
from concours.engine.runners.score import metrics_of, weights_of
from concours.engine.work import JobResult
from concours.kernels.joining.calibration import temperature
from concours.kernels.joining.decisions import decision_weights
from concours.kernels.rows.weighing import among
from concours.kernels.scoring.counts import OfCounts
from concours.kernels.scoring.scores import log_losses
from concours.stores.blobs import get_array, put_array
from concours.stores.values import get_values

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


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


def better(y: Codes, told: Floats, p: Floats, weights: Floats | None) -> bool:
    """Whether some predictions have less log loss than others."""
    one, other = (np.average(log_losses(y, each), weights=weights) for each in (told, p))
    return bool(one < other)


def crossed(p: Floats, y: Codes, folds: Codes, weights: Floats | None = None) -> Floats:
    """The rows of each fold, calibrated by those of the others."""
    result = np.empty_like(p)
    for fold in np.unique(folds):
        held_out = folds == fold
        found = temperature(p[~held_out], y[~held_out], among(weights, ~held_out))
        result[held_out] = found.apply(p[held_out])
    return result


def decision_of(p: Floats, y: Codes, folds: Codes, metric: OfCounts, weights: Floats | None = None) -> dict[str, Any]:
    """Weights of the classes by all rows, and for each fold by the others."""
    others = (folds != fold for fold in range(int(folds.max()) + 1))
    return {
        "weights": decision_weights(p, y, metric, weights).tolist(),
        "fold_weights": [decision_weights(p[rows], y[rows], metric, among(weights, rows)).tolist() for rows in others],
    }
