"""Prediction: new rows through the models of a candidate."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.asked import asked_of_metrics, asked_of_recipe
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.errors import ConcoursError, ContentRefused, RunFolderError
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.deterministic import deterministic
from concours.engine.fitting import built, fitted_by, training_rows
from concours.engine.made import needed_by, require_made_for
from concours.engine.meta_learners import MetaLearner, get_meta_learner
from concours.entrants.fitting import Fitted
from concours.entrants.models import load_model, load_object
from concours.kernels.joining.blending import blend
from concours.kernels.joining.calibration import Calibration
from concours.stores.blobs import get_bundle


class Models:
    """The models, preparations and learners of a store, each loaded when it is first asked for, and kept."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loaded: dict[Digest, tuple[Job, Fitted]] = {}
        self.preparation = cache(self._preparation)
        self.learner = cache(self._learner)

    def model(self, digest: Digest, candidate: Candidate | None = None) -> tuple[Job, Fitted]:
        """A model, and the job that fitted it.

        Raises:
            RunFolderError: it was not made for this candidate.
        """
        if digest not in self._loaded:
            self._loaded[digest] = self._model(digest, candidate)
        elif candidate:
            require_made_for(self._loaded[digest][0], candidate)
        return self._loaded[digest]

    def _model(self, digest: Digest, candidate: Candidate | None) -> tuple[Job, Fitted]:
        files = get_bundle(self._store, digest)
        with _damage_named(f"the model {digest[:19]}… is damaged"):
            manifest = json.loads(files["manifest.json"])
            job = Job.from_json(manifest["job"])
            if candidate:
                require_made_for(job, candidate)
            if manifest["format"] != "refit":
                return job, load_model(manifest["format"], files, made=partial(built, job, self._store))
        return job, fitted_by(job, self._store, *training_rows(job, self._store))

    def _preparation(self, digest: Digest) -> Any:
        files = get_bundle(self._store, digest)
        with _damage_named(f"the preparation {digest[:19]}… is damaged"):
            return load_object(files["transformer.skops"])

    def _learner(self, digest: Digest) -> MetaLearner:
        with _damage_named(f"the meta-learner {digest[:19]}… is damaged"):
            return get_meta_learner(self._store, digest)


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

    A model that says that it was made for another candidate is refused, with a RunFolderError.

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
            members = [self.predict(self._parent(parent)) for parent in entrant.parents]
            with deterministic(threads=1, seed=0):
                return self._models.learner(entrant.params["model"]).predict(members)
        if entrant.parents:
            weights = np.asarray(entrant.params["weights"])
            used = [(self._parent(p), w) for p, w in zip(entrant.parents, weights, strict=True) if w]
            parts = (self.predict(parent) for parent, _ in used)
            return blend(parts, np.asarray([w for _, w in used]), rule=entrant.recipe)
        models = candidate.models
        return blend((self._by_model(model, candidate) for model in models), np.full(len(models), 1 / len(models)))

    def _parent(self, digest: Digest) -> Candidate:
        if digest not in self._candidates:
            raise RunFolderError(
                "candidates.json lacks a member of a joint model; run the contest again to write it anew"
            )
        return self._candidates[digest]

    def _by_model(self, model: Digest, candidate: Candidate) -> NDArray[np.float64]:
        job, fitted = self._models.model(model, candidate)
        transformer = job.inputs.get("transformer")
        x = self._prepared(transformer) if transformer else self._x
        with deterministic(threads=job.threads, seed=job.seed):
            return fitted.predict(x)

    def _prepare(self, transformer: Digest) -> Any:
        fitted = self._models.preparation(transformer)
        with deterministic(threads=1, seed=0):
            return fitted.transform(self._x)


def needed_for(store: Store, candidates: Mapping[Digest, Candidate], candidate: Candidate) -> set[Digest]:
    """All objects that predicting with a candidate reads, those of the parents that count among them."""
    params, parents = candidate.entrant.params, candidate.entrant.parents
    if not parents:
        return {digest for model in candidate.models for digest in needed_by(model, store)}
    learner = {params["model"]} if "model" in params else set()
    used = [p for p, weight in zip(parents, params["weights"], strict=True) if weight or learner]
    return learner.union(*(needed_for(store, candidates, candidates[parent]) for parent in used))


def asked_of(store: Store, candidates: Mapping[Digest, Candidate], candidate: Candidate) -> frozenset[str]:
    """What is asked about before a candidate predicts (`core.asked`).

    What counts is what the kept models say: those that are fitted again, or made anew from a user's module, bring a
    recipe, and perhaps a user's file.
    """
    known = (candidates[parent] for parent in candidate.entrant.parents if parent in candidates)
    found = frozenset[str]().union(*(asked_of(store, candidates, parent) for parent in known))
    return found.union(*(asked_of_model(store, model) for model in candidate.models))


def asked_of_model(store: Store, model: Digest) -> frozenset[str]:
    """What is asked about before a kept model predicts; nothing of a meta-learner, which is no model of an entrant."""
    files = get_bundle(store, model)
    with _damage_named(f"the model {model[:19]}… is damaged"):
        manifest = json.loads(files.get("manifest.json", "{}"))
        as_it_is = manifest.get("format") not in ("refit", "weights")
        return frozenset() if as_it_is else asked_of_job(Job.from_json(manifest["job"]))


def asked_of_job(job: Job) -> frozenset[str]:
    """What is asked about before a job runs: the recipe that it makes an estimator by, and its metrics."""
    params = job.params
    metrics = asked_of_metrics(params.get("metrics", ()))
    if "recipe" not in params or "params" not in params:
        return metrics
    return metrics | asked_of_recipe(params["recipe"], params["params"], code=job.inputs.get("code"))
