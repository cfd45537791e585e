"""Checking a recipe, preparing data, and fitting an entrant on a fold or on the whole training part."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.commons.blobs import get_array, get_json, put_array, put_bundle
from concours.core.digests import Digest, canonical_json
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.written import written
from concours.engine.rows import get_rows, held_out, kin_of, put_rows, take_rows
from concours.engine.steady import steady
from concours.engine.work import Yield
from concours.entrants.apart import one_by_one
from concours.entrants.fitting import Fitted
from concours.entrants.fitting import fit as fit_estimator
from concours.entrants.models import dump_model, dump_object
from concours.entrants.places import CODE
from concours.entrants.preparation import PREPARATIONS
from concours.entrants.recipes import build
from concours.entrants.wishes import Wishes, takes_weights
from concours.kernels.kin import Kin
from concours.kernels.weighing import among


def check(job: Job, store: Store) -> Yield:
    """Builds the estimator, to find out whether the recipe leads to one that can do what is wished.

    Values: `predict_proba`, whether it has that method; `sample_weight`, whether its fit takes weights of rows;
    `one_by_one`, the parameters by which it sets rows apart one by one (`entrants.apart`).
    """
    estimator, _ = _built(job, store)
    return Yield(
        values={
            "predict_proba": hasattr(estimator, "predict_proba"),
            "sample_weight": takes_weights(estimator),
            "one_by_one": one_by_one(estimator),
        }
    )


def prepare(job: Job, store: Store) -> Yield:
    """Fits a preparation on the rows of a fold's training side (or on all), and transforms every side asked for."""
    x, folds = get_rows(store, job.inputs["x"]), get_array(store, job.inputs["folds"])
    train, valid = _sides(folds, job.params["fold"])
    began, phases = time.perf_counter(), dict[str, float]()
    transformer = PREPARATIONS[job.params["preparation"]]()
    with steady(threads=job.threads, seed=job.seed):
        sides = {"train": transformer.fit_transform(take_rows(x, train))}
        if "valid" in job.outputs:
            start = time.perf_counter()
            sides["valid"] = transformer.transform(take_rows(x, valid))
            phases["valid"] = time.perf_counter() - start
        if "test" in job.outputs:
            sides["test"] = transformer.transform(get_rows(store, job.inputs["test"]))
    phases["prepare"] = time.perf_counter() - began
    outputs = {name: put_rows(store, side) for name, side in sides.items()}
    if "transformer" in job.outputs:
        outputs["transformer"] = put_bundle(store, {"transformer.skops": dump_object(transformer)})
    return Yield(outputs=outputs, phases=phases)


def fit(job: Job, store: Store) -> Yield:
    """Fits an entrant and predicts the held-out side, and the test part where it is asked for."""
    fold, prepared = job.params["fold"], job.params["prepared"]
    train, valid = _sides(get_array(store, job.inputs["folds"]), fold)
    x = get_rows(store, job.inputs["x"])
    y = get_array(store, job.inputs["y"])[train]
    began = time.perf_counter()
    rows = x if prepared else take_rows(x, train)
    fitted = fitted_by(job, store, rows, y, _weights(job, store, train), kin_of(job, store, train))
    phases = {"fit": time.perf_counter() - began}
    outputs: dict[str, Digest] = {}
    with steady(threads=job.threads, seed=job.seed):
        if "valid" in job.outputs:
            unseen = get_rows(store, job.inputs["valid"]) if prepared else take_rows(x, valid)
            began = time.perf_counter()
            predictions = fitted.predict(unseen)
            phases["valid"] = time.perf_counter() - began
            outputs["valid"] = put_array(store, predictions)
        if "test" in job.outputs:
            test = get_rows(store, job.inputs["test"])
            began = time.perf_counter()
            predictions = fitted.predict(test)
            phases["predict"] = time.perf_counter() - began
            outputs["test"] = put_array(store, predictions)
    if "model" in job.outputs:
        outputs["model"] = keep_model(job, store, fitted)
    return Yield(outputs=outputs, phases=phases)


def fitted_by(
    job: Job,
    store: Store,
    x: Any,
    y: NDArray[Any],
    weights: NDArray[np.float64] | None = None,
    kin: Kin | None = None,
    *,
    begin: Callable[[Any], Any] | None = None,
) -> Fitted:
    """The fitted model of a job on these rows: a function of the job's recipe, parameters and seed.

    Args:
        weights: of the rows, where they have some.
        kin: how they belong together, where they do.
        begin: tells the estimator where to begin, by default anew.
    """
    estimator, wishes = _built(job, store)
    if begin:
        estimator = begin(estimator)
    classes, calibrate = job.params["classes"], "code" not in job.inputs
    with steady(threads=job.threads, seed=job.seed):
        return fit_estimator(estimator, x, y, classes, calibrate=calibrate, weights=weights, wishes=wishes, kin=kin)


def training_rows(job: Job, store: Store) -> tuple[Any, NDArray[Any], NDArray[np.float64] | None, Kin | None]:
    """Inputs, targets and weights that a fit job was fitted on, and how its rows belong together."""
    train, _ = _sides(get_array(store, job.inputs["folds"]), job.params["fold"])
    x = get_rows(store, job.inputs["x"])
    rows = x if job.params["prepared"] else take_rows(x, train)
    return rows, get_array(store, job.inputs["y"])[train], _weights(job, store, train), kin_of(job, store, train)


def _weights(job: Job, store: Store, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
    return among(get_array(store, job.inputs["weights"]), rows) if "weights" in job.inputs else None


def workspace(store: Store) -> Path:
    """Where the text of users' files is written to be imported."""
    import tempfile

    folder = getattr(store, "folder", None)
    return Path(folder) / CODE if folder else Path(tempfile.gettempdir()) / "concours-code"


def built(job: Job, store: Store) -> Any:
    """The unfitted estimator of a job."""
    return _built(job, store)[0]


def _built(job: Job, store: Store) -> tuple[Any, Wishes]:
    """The unfitted estimator, and how it is to be fitted. A user's file has parameters of its own by any name."""
    source = get_json(store, job.inputs["code"]) if "code" in job.inputs else {}
    recipe, params, labels = job.params["recipe"], job.params["params"], job.params.get("labels", ())
    wishes = Wishes(labels=tuple(map(written, labels)))
    if not source:
        params, wishes = Wishes.taken(params, labels)
    classes = job.params.get("classes")
    estimator = build(recipe, params, source, workspace(store), seed=job.seed, classes=classes)
    wishes.require(estimator, recipe)
    return estimator, wishes


def keep_model(job: Job, store: Store, fitted: Fitted) -> Digest:
    """Keeps a fitted model, with the job that made it."""
    format, files, why = dump_model(fitted)
    manifest = {"format": format, "why_refit": why, "job": job.to_json()}
    return put_bundle(store, {"manifest.json": canonical_json(manifest), **files})


def _sides(folds: NDArray[np.int64], fold: int | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the rows that are fitted on, and of those held out."""
    apart = held_out(folds, fold)
    return np.flatnonzero(~apart), np.flatnonzero(apart)
