"""Asking what is not fitted, as jobs describe it: the model that a job names, and how it is kept."""

from __future__ import annotations

from concours.core.digests import Digest, canonical_json
from concours.core.errors import RecipeError
from concours.core.had import scheme_of
from concours.core.job import Job
from concours.core.objects import last_name
from concours.core.ports import Store
from concours.core.registry import load
from concours.core.written import written
from concours.engine.fitting import workspace
from concours.engine.outputs import output_of
from concours.entrants.frozen import Answering, Frozen, frozen
from concours.entrants.onnx_files import OnnxModel
from concours.stores.blobs import get_json, put_bundle

FROZEN = "frozen"
"""The format of a kept model that is not fitted: what it is lies beside it, as the code of its job."""


def asked_by(job: Job, store: Store) -> Answering:
    """The model of a job, ready to be asked.

    Raises:
        RecipeError: it cannot be asked.
        TrustError: it may not be asked from here (`core.consent`).
    """
    recipe, params = job.params["recipe"], job.params["params"]
    scheme = scheme_of(recipe)
    if scheme:
        answering: Answering = load(scheme.opened)(job, store)
        return answering
    output, source = output_of(job), get_json(store, job.inputs["code"]) if "code" in job.inputs else {}
    model: Answering = frozen(recipe, params, source, workspace(store))
    return model if output.codes is None else Frozen(model, f"the model {recipe}", _classes(job))


def onnx(job: Job, store: Store) -> Answering:
    """The ONNX model of a job's file. Raises RecipeError where it cannot be run for what is predicted."""
    recipe, output, own = job.params["recipe"], output_of(job), job.params["params"].get("classes")
    if output.codes is None:
        raise RecipeError(f"{recipe!r} gives classes or a number, and this task predicts {output.said}")
    with store.open(job.inputs["code"]) as kept:
        content = kept.read()
    labels = None if own is None else tuple(map(written, own))
    name = last_name(recipe.partition(":")[2])
    return OnnxModel(content, name, classes=_classes(job), labels=labels, threads=job.threads)


def _classes(job: Job) -> tuple[str, ...]:
    return tuple(map(written, job.params["labels"]))


def keep_frozen(job: Job, store: Store) -> Digest:
    """Keeps which model was asked, and by which job."""
    return put_bundle(store, {"manifest.json": canonical_json({"format": FROZEN, "job": job.to_json()})})
