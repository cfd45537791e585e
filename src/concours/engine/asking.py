"""Asking what is not fitted, as jobs describe it: the model that a job names, and how it is kept."""

from __future__ import annotations

from concours.core.digests import Digest, canonical_json
from concours.core.errors import RecipeError
from concours.core.had import content_file
from concours.core.job import Job
from concours.core.objects import last_name
from concours.core.ports import Store
from concours.core.written import written
from concours.engine.fitting import workspace
from concours.engine.outputs import output_of
from concours.entrants.frozen import FILES, Answering, Frozen, frozen
from concours.stores.blobs import get_json, put_bundle

FROZEN = "frozen"
"""The format of a kept model that is not fitted: what it is lies beside it, as the code of its job."""


def asked_by(job: Job, store: Store) -> Answering:
    """The model of a job, ready to be asked.

    Raises:
        RecipeError: it cannot be asked.
    """
    recipe, params, labels = job.params["recipe"], job.params["params"], job.params["labels"]
    classes, output = tuple(map(written, labels)), output_of(job)
    file = content_file(recipe)
    if file is None:
        source = get_json(store, job.inputs["code"]) if "code" in job.inputs else {}
        model: Answering = frozen(recipe, params, source, workspace(store))
        return model if output.codes is None else Frozen(model, f"the model {recipe}", classes)
    if output.codes is None:
        raise RecipeError(f"{recipe!r} gives classes or a number, and this task predicts {output.said}")
    with store.open(job.inputs["code"]) as kept:
        content = kept.read()
    reader, own = FILES[recipe.partition(":")[0]], params.get("classes")
    columns = None if own is None else tuple(map(written, own))
    return reader(content, last_name(file), classes=classes, labels=columns, threads=job.threads)


def keep_frozen(job: Job, store: Store) -> Digest:
    """Keeps which model was asked, and by which job."""
    return put_bundle(store, {"manifest.json": canonical_json({"format": FROZEN, "job": job.to_json()})})
