"""Fitting as jobs describe it: the estimator, the rows and their weights, and how the fitted model is kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest, canonical_json
from concours.core.job import Job
from concours.core.parallel import Parallel, is_joined
from concours.core.ports import Store
from concours.core.values import take
from concours.core.written import written
from concours.engine.deterministic import deterministic
from concours.engine.outputs import output_of
from concours.engine.parallel import fitted_together
from concours.engine.rows import get_rows, kin_of, sides, take_rows
from concours.entrants.fitting import Fitted
from concours.entrants.fitting import fit as fit_estimator
from concours.entrants.frozen import Answering
from concours.entrants.merging import mergeable
from concours.entrants.models import dump_model
from concours.entrants.places import CODE
from concours.entrants.recipes import build
from concours.entrants.wishes import Wishes
from concours.kernels.rows.kin import Kin
from concours.kernels.rows.weighing import among
from concours.stores.blobs import get_array, get_bundle, get_json, put_bundle
from concours.stores.values import get_values


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
    estimator, wishes = made_with(job, store)
    y = output_of(job).taught(y)
    parallel = Parallel.of_params(job.params["params"])
    if parallel and begin and mergeable(estimator):
        raise ValueError("parallel: a fit that goes on from another cannot be divided among workers; leave it out")
    if parallel and mergeable(estimator) and not is_joined():
        made, place = partial(built, job, store), workspace(store)
        return fitted_together(job, parallel.workers, place, store, x, y, weights, kin, made=made)
    if begin:
        estimator = begin(estimator)
    if "init_seed" in job.params and hasattr(estimator, "begin_alike"):
        estimator.begin_alike(job.params["init_seed"])
    codes, calibrate = output_of(job).codes, "code" not in job.inputs
    with deterministic(threads=job.threads, seed=job.seed):
        return fit_estimator(estimator, x, y, codes, calibrate=calibrate, weights=weights, wishes=wishes, kin=kin)


def said(job: Job, fitted: Answering, x: Any) -> Any:
    """Predictions (rows, …) of a model for rows, in the form of the job's output.

    Raises:
        ValueError, DataError: it says something else.
    """
    p, output = fitted.predict(x), output_of(job)
    return output.accepted(p, x.shape[0]) if output.codes is None else p


def training_rows(job: Job, store: Store) -> tuple[Any, NDArray[Any], NDArray[np.float64] | None, Kin | None]:
    """Inputs, targets and weights that a fit job was fitted on, and how its rows belong together."""
    train, _ = sides(job, store)
    x = get_rows(store, job.inputs["x"])
    rows = x if job.params["prepared"] else take_rows(x, train)
    return (
        rows,
        take(get_values(store, job.inputs["y"]), train),
        weights_of(job, store, train),
        kin_of(job, store, train),
    )


def unseen_rows(job: Job, store: Store) -> Any:
    """Inputs of the rows that a fit job held out."""
    if job.params["prepared"]:
        return get_rows(store, job.inputs["valid"])
    return take_rows(get_rows(store, job.inputs["x"]), sides(job, store)[1])


def built(job: Job, store: Store) -> Any:
    """The unfitted estimator of a job."""
    return made_with(job, store)[0]


def made_with(job: Job, store: Store) -> tuple[Any, Wishes]:
    """The unfitted estimator, and how it is to be fitted. A user's file has parameters of its own by any name."""
    source = get_json(store, job.inputs["code"]) if "code" in job.inputs else {}
    recipe, params, labels = job.params["recipe"], job.params["params"], job.params.get("labels", ())
    wishes = Wishes(labels=tuple(map(written, labels)))
    if not source:
        params, wishes = Wishes.taken(params, labels)
    output = output_of(job) if "output" in job.params else None
    codes, told = (output.codes, output.telling) if output else (None, {})
    estimator = build(recipe, params, source, workspace(store), seed=job.seed, classes=codes, told=told)
    wishes.require(estimator, recipe)
    if wishes.begin:
        from concours.entrants.beginnings import Beginning  # here, as it needs torch

        estimator.begin_with(Beginning.of_files(get_bundle(store, wishes.begin), wishes.labels))
    return estimator, wishes


def keep_model(job: Job, store: Store, fitted: Fitted) -> Digest:
    """Keeps a fitted model, with the job that made it."""
    format, files, why = dump_model(fitted)
    manifest = {"format": format, "why_refit": why, "job": job.to_json()}
    return put_bundle(store, {"manifest.json": canonical_json(manifest), **files})


def workspace(store: Store) -> Path:
    """Where the text of users' files is written to be imported."""
    import tempfile

    folder = getattr(store, "folder", None)
    return Path(folder) / CODE if folder else Path(tempfile.gettempdir()) / "concours-code"


def weights_of(job: Job, store: Store, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """The weights of some of the rows, (len(rows),), where they have some."""
    return among(get_array(store, job.inputs["weights"]), rows) if "weights" in job.inputs else None
