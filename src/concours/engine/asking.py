"""Asking what is not fitted, as jobs describe it: the model that a job names, and how it is kept."""

from __future__ import annotations

from typing import TypeVar

from concours.core.digests import Digest, canonical_json
from concours.core.errors import RecipeError
from concours.core.had import CONTENT, scheme_of
from concours.core.job import Job
from concours.core.objects import last_name
from concours.core.ports import Store
from concours.core.registry import load
from concours.core.typed import typed
from concours.core.written import written
from concours.engine.fitting import workspace
from concours.engine.outputs import output_of
from concours.entrants.frozen import Answering, Frozen, frozen
from concours.entrants.onnx_files import OnnxModel
from concours.entrants.onnx_files import Params as OnnxParams
from concours.stores.blobs import get_bundle, get_json, put_bundle

P = TypeVar("P")
_ZIPPED = b"PK"
"""How a bundle begins, and no ONNX file."""

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
    """The ONNX model of a job's file, or of its folder. Raises RecipeError where it cannot be run for what is asked."""
    _require_values(job)
    files, name = _files(job, store), _named(job)
    if "model.onnx" not in files:
        raise RecipeError(f"{name} is no folder of an ONNX model: it has no model.onnx")
    beside = {each: content.decode() for each, content in files.items() if each.endswith(".json")}
    return OnnxModel(
        files["model.onnx"],
        name,
        classes=_classes(job),
        params=_own(job, OnnxParams),
        beside=beside,
        threads=job.threads,
    )


def keras(job: Job, store: Store) -> Answering:
    """The model of a job's `.keras` file. Raises RecipeError where it cannot be run for what is asked."""
    from concours.entrants.keras_files import KerasFile, Params

    _require_values(job)
    return KerasFile(_content(job, store), _named(job), classes=_classes(job), params=_own(job, Params))


def classifier(job: Job, store: Store) -> Answering:
    """The classifier of a job's folder. Raises RecipeError where it is none of what is asked."""
    from concours.entrants.classifiers import FolderClassifier, Params, of_files

    if not output_of(job).codes:
        raise RecipeError(f"{job.params['recipe']!r} tells classes, and this task predicts {output_of(job).said}")
    folder = of_files(_files(job, store), _named(job))
    return FolderClassifier(folder, classes=_classes(job), params=_own(job, Params))


def detector(job: Job, store: Store) -> Answering:
    """The detector of a job's folder. Raises RecipeError where it is none of what is asked."""
    from concours.entrants.classifiers import of_files
    from concours.entrants.detectors import FolderDetector, Params

    if "boxes" not in output_of(job).can:
        raise RecipeError(f"{job.params['recipe']!r} finds boxes, and this task predicts {output_of(job).said}")
    folder = of_files(_files(job, store), _named(job), "a detector")
    return FolderDetector(folder, classes=_classes(job), params=_own(job, Params))


def _files(job: Job, store: Store) -> dict[str, bytes]:
    """The files of a job's content by name; of a file alone one, that is called as a folder would have it."""
    content = _content(job, store)
    return get_bundle(store, job.inputs["code"]) if content.startswith(_ZIPPED) else {"model.onnx": content}


def _content(job: Job, store: Store) -> bytes:
    """The content of a job's file."""
    with store.open(job.inputs["code"]) as kept:
        return kept.read()


def _require_values(job: Job) -> None:
    """Raises RecipeError where the job predicts neither classes nor a number."""
    output = output_of(job)
    if output.codes is None:
        raise RecipeError(f"{job.params['recipe']!r} gives classes or a number, and this task predicts {output.said}")


def _named(job: Job) -> str:
    return last_name(job.params["recipe"].partition(":")[2])


def _own(job: Job, kind: type[P]) -> P:
    """The parameters that the recipe takes."""
    return typed(kind, {name: value for name, value in job.params["params"].items() if name != CONTENT})


def _classes(job: Job) -> tuple[str, ...]:
    return tuple(map(written, job.params["labels"]))


def keep_frozen(job: Job, store: Store) -> Digest:
    """Keeps which model was asked, and by which job."""
    return put_bundle(store, {"manifest.json": canonical_json({"format": FROZEN, "job": job.to_json()})})
