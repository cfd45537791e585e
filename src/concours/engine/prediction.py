"""Prediction: new rows through the models of a candidate."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.commons.blobs import get_bundle
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.errors import ConcoursError, ContentRefused
from concours.core.job import Job
from concours.core.objects import references
from concours.core.ports import Store
from concours.engine.layers import Layer, get_layer
from concours.engine.runners.fit import built, fitted_by, training_rows
from concours.engine.runners.size import needed_by
from concours.engine.steady import steady
from concours.entrants.fitting import Fitted
from concours.entrants.models import load_model, load_object
from concours.kernels.blending import blend
from concours.kernels.calibration import Calibration

_KNOWN = ("concours.", "sklearn.", "torch.nn:")
"""Libraries whose estimators may be fitted again without asking."""


class Models:
    """The models, preparations and layers of a store, each loaded when it is first asked for, and kept."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.model = cache(self._model)
        self.preparation = cache(self._preparation)
        self.layer = cache(self._layer)

    def _model(self, digest: Digest) -> tuple[Job, Fitted]:
        """A model, and the job that fitted it."""
        files = get_bundle(self._store, digest)
        with _damage_named(f"the model {digest[:19]}… is damaged"):
            manifest = json.loads(files["manifest.json"])
            job = Job.from_json(manifest["job"])
            if manifest["format"] != "refit":
                return job, load_model(manifest["format"], files, made=partial(built, job, self._store))
        return job, fitted_by(job, self._store, *training_rows(job, self._store))

    def _preparation(self, digest: Digest) -> Any:
        files = get_bundle(self._store, digest)
        with _damage_named(f"the preparation {digest[:19]}… is damaged"):
            return load_object(files["transformer.skops"])

    def _layer(self, digest: Digest) -> Layer:
        with _damage_named(f"the meta-learner {digest[:19]}… is damaged"):
            return get_layer(self._store, digest)


@contextmanager
def _damage_named(what: str) -> Iterator[None]:
    """Whatever goes wrong with a model from a file is said of it, in one line."""
    try:
        yield
    except (ConcoursError, ImportError, MemoryError):
        raise
    except Exception as error:
        text = str(error).strip().partition("\n")[0][:200]
        raise ContentRefused(f"{what} ({type(error).__name__}: {text})") from error


class Predictor:
    """Predicts rows with the candidates of one contest; what two of them share is done once.

    Args:
        candidates: complete candidates by the digest of their entrant.
        x: the rows, as they are read.
        models: for who predicts other rows too: those that are loaded already.
    """

    def __init__(
        self, store: Store, candidates: Mapping[Digest, Candidate], x: Any, *, models: Models | None = None
    ) -> None:
        self._candidates, self._x, self._models = candidates, x, models or Models(store)
        self._prepared = cache(self._prepare)

    def predict(self, candidate: Candidate) -> NDArray[np.float64]:
        """Predictions (rows, outputs) of the model on the board.

        Raises:
            ContentRefused: what is kept of it is damaged, or it raises whatever it may on these rows.
        """
        name = candidate.entrant.name
        with _damage_named(
            f"{name} cannot predict: what is kept of it is damaged, or the rows are not as it takes them"
        ):
            raw = self._raw(candidate)
            return raw if candidate.calibration is None else Calibration(**candidate.calibration).apply(raw)

    def _raw(self, candidate: Candidate) -> NDArray[np.float64]:
        entrant = candidate.entrant
        if "model" in entrant.params and entrant.parents:
            members = [self.predict(self._candidates[parent]) for parent in entrant.parents]
            with steady(threads=1, seed=0):
                return self._models.layer(entrant.params["model"]).predict(members)
        if entrant.parents:
            weights = np.asarray(entrant.params["weights"])
            used = [(self._candidates[p], w) for p, w in zip(entrant.parents, weights, strict=True) if w]
            parts = (self.predict(parent) for parent, _ in used)
            return blend(parts, np.asarray([w for _, w in used]), rule=entrant.recipe)
        models = candidate.models
        return blend((self._by_model(model) for model in models), np.full(len(models), 1 / len(models)))

    def _by_model(self, model: Digest) -> NDArray[np.float64]:
        job, fitted = self._models.model(model)
        transformer = job.inputs.get("transformer")
        x = self._prepared(transformer) if transformer else self._x
        with steady(threads=job.threads, seed=job.seed):
            return fitted.predict(x)

    def _prepare(self, transformer: Digest) -> Any:
        fitted = self._models.preparation(transformer)
        with steady(threads=1, seed=0):
            return fitted.transform(self._x)


def needed_for(store: Store, candidates: Mapping[Digest, Candidate], candidate: Candidate) -> set[Digest]:
    """All objects that predicting with a candidate reads, those of the parents that count among them."""
    params, parents = candidate.entrant.params, candidate.entrant.parents
    if not parents:
        return {digest for model in candidate.models for digest in needed_by(model, store)}
    layer = {params["model"]} if "model" in params else set()
    used = [p for p, weight in zip(parents, params["weights"], strict=True) if weight or layer]
    return layer.union(*(needed_for(store, candidates, candidates[parent]) for parent in used))


def is_class(recipe: str) -> bool:
    """Whether a library's recipe is a class. A function there may do anything: unpickle a file, or run a command."""
    module, _, name = recipe.rpartition(":")
    with suppress(ImportError, ValueError):
        return inspect.isclass(getattr(importlib.import_module(module), name, None))
    return False


def code_of(store: Store, candidates: Mapping[Digest, Candidate], candidate: Candidate) -> set[str]:
    """The recipes whose code predicting with a candidate would run, beyond what is known to be an estimator's.

    What counts is what the kept models say: those that are fitted again bring a recipe, and perhaps a user's file.
    """
    parents = [candidates[digest] for digest in candidate.entrant.parents]
    found = {recipe for parent in parents for recipe in code_of(store, candidates, parent)}
    for model in candidate.models:
        manifest = json.loads(get_bundle(store, model)["manifest.json"])
        job = manifest["job"]
        recipe = job["params"]["recipe"]
        known = recipe.startswith(_KNOWN) and is_class(recipe)
        if "code" in job["inputs"] or (manifest["format"] in ("refit", "weights") and not known):
            found.add(recipe)
        if manifest["format"] in ("refit", "weights"):
            found |= foreign(job["params"]["params"])
    return found


def foreign(params: Mapping[str, Any]) -> set[str]:
    """What parameters name that is neither a class of a known library nor a function of one that only computes."""
    return {reference for kind, reference in references(params) if not _harmless(kind, reference)}


def _harmless(kind: str, reference: str) -> bool:
    if kind == "$function":
        module, _, name = reference.rpartition(":")
        if module == "sklearn.feature_selection":
            return True
        return module in ("numpy", "scipy.special") and isinstance(
            getattr(importlib.import_module(module), name, None), np.ufunc
        )
    plain = reference.startswith(("builtins:", "numpy:"))
    return (kind == "$class" and plain) or (reference.startswith(_KNOWN) and is_class(reference))
