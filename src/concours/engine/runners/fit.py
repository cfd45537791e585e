"""Checking a recipe, preparing data, and fitting an entrant on a fold or on the whole training part."""

from __future__ import annotations

import time

from concours.core import scratch
from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.deterministic import deterministic
from concours.engine.fitting import fitted_by, keep_model, made_with, said, unseen_rows, weights_of
from concours.engine.rows import get_rows, kin_of, put_rows, sides, take_rows
from concours.engine.work import JobResult
from concours.entrants.apart import one_by_one
from concours.entrants.fitting import Fitted
from concours.entrants.merging import mergeable
from concours.entrants.models import dump_object
from concours.entrants.preparation import PREPARATIONS
from concours.entrants.wishes import takes_weights
from concours.stores.blobs import put_bundle
from concours.stores.values import get_values, put_values


def check(job: Job, store: Store) -> JobResult:
    """Builds the estimator, to find out whether the recipe leads to one that can do what is wished.

    Values: `predict_proba`, whether it has that method; `sample_weight`, whether its fit takes weights of rows;
    `one_by_one`, the parameters by which it sets rows apart one by one (`entrants.apart`); `mergeable`, whether it
    gives its weights away (`entrants.merging`).
    """
    estimator, _ = made_with(job, store)
    return JobResult(
        values={
            "predict_proba": hasattr(estimator, "predict_proba"),
            "sample_weight": takes_weights(estimator),
            "one_by_one": one_by_one(estimator),
            "mergeable": mergeable(estimator),
        }
    )


def prepare(job: Job, store: Store) -> JobResult:
    """Fits a preparation on the rows of a fold's training side (or on all), and transforms every side asked for."""
    x = get_rows(store, job.inputs["x"])
    train, valid = sides(job, store)
    began, phases = time.perf_counter(), dict[str, float]()
    transformer = PREPARATIONS[job.params["preparation"]]()
    with deterministic(threads=job.threads, seed=job.seed):
        parts = {"train": transformer.fit_transform(take_rows(x, train))}
        if "valid" in job.outputs:
            start = time.perf_counter()
            parts["valid"] = transformer.transform(take_rows(x, valid))
            phases["valid"] = time.perf_counter() - start
        if "test" in job.outputs:
            parts["test"] = transformer.transform(get_rows(store, job.inputs["test"]))
    phases["prepare"] = time.perf_counter() - began
    outputs = {name: put_rows(store, side) for name, side in parts.items()}
    if "transformer" in job.outputs:
        outputs["transformer"] = put_bundle(store, {"transformer.skops": dump_object(transformer)})
    return JobResult(outputs=outputs, phases=phases)


def fit(job: Job, store: Store) -> JobResult:
    """Fits an entrant and predicts the held-out side, and the test part where it is asked for."""
    prepared = job.params["prepared"]
    train, _ = sides(job, store)
    x = get_rows(store, job.inputs["x"])
    y = take(get_values(store, job.inputs["y"]), train)
    began = scratch.clock()
    rows = x if prepared else take_rows(x, train)
    fitted = fitted_by(job, store, rows, y, weights_of(job, store, train), kin_of(job, store, train))
    phases = {"fit": scratch.clock() - began}
    outputs, spent = predictions_of(job, store, fitted)
    if "model" in job.outputs:
        outputs["model"] = keep_model(job, store, fitted)
    return JobResult(outputs=outputs, phases={**phases, **spent})


def predictions_of(job: Job, store: Store, fitted: Fitted) -> tuple[dict[str, Digest], dict[str, float]]:
    """What a fitted model predicts of the held-out side and of the test part, as far as the job asks; and seconds."""
    outputs, phases = dict[str, Digest](), dict[str, float]()
    with deterministic(threads=job.threads, seed=job.seed):
        if "valid" in job.outputs:
            unseen = unseen_rows(job, store)
            began = time.perf_counter()
            predictions = said(job, fitted, unseen)
            phases["valid"] = time.perf_counter() - began
            outputs["valid"] = put_values(store, predictions)
        if "test" in job.outputs:
            test = get_rows(store, job.inputs["test"])
            began = time.perf_counter()
            predictions = said(job, fitted, test)
            phases["predict"] = time.perf_counter() - began
            outputs["test"] = put_values(store, predictions)
    return outputs, phases
