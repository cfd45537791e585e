"""Models merged: jobs whose inputs are models read from them what they were fitted on, and what they predicted."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from concours.core.digests import Digest, digest_json
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.deterministic import deterministic
from concours.engine.fitting import built, training_rows, unseen_rows
from concours.engine.rows import first_division, get_rows, held_out, take_rows
from concours.entrants.fitting import Fitted
from concours.entrants.merging import mergeable
from concours.entrants.models import load_model
from concours.kernels.merging.averages import average
from concours.stores.blobs import get_array, get_bundle

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_MERGED = ("safetensors", "weights")
"""The formats of kept models whose weights lie open."""


@dataclass(frozen=True)
class Ingredient:
    """A kept model, and the job that made it."""

    job: Job
    format: str
    files: dict[str, bytes]
    store: Store

    @classmethod
    def of(cls, store: Store, model: Digest) -> Ingredient:
        """The one of a digest."""
        files = get_bundle(store, model)
        manifest = json.loads(files["manifest.json"])
        return cls(Job.from_json(manifest["job"]), manifest["format"], dict(files), store)

    def loaded(self) -> Fitted:
        """The model, made anew each time."""
        return load_model(self.format, self.files, made=partial(built, self.job, self.store))

    @cached_property
    def tensors(self) -> dict[str, NDArray[Any]]:
        """Its weights by name."""
        return safetensors.numpy.load(self.files["tensors"])

    @cached_property
    def architecture(self) -> Digest | None:
        """What it must share with another to be merged with it; none of one without weights that can be averaged."""
        if self.format not in _MERGED:
            return None
        fitted = self.loaded()
        if not mergeable(fitted.estimator):
            return None
        shapes = {name: [str(tensor.dtype), *tensor.shape] for name, tensor in self.tensors.items()}
        seen = [fitted.codes.tolist(), fitted.classes, self.job.inputs["x"], self.job.inputs.get("code")]
        return digest_json([dict(fitted.estimator.architecture()), shapes, seen])


class Pot:
    """Models of one fold, which were fitted on the same rows, ready to be merged.

    Args:
        most_rows: on how many of the rows of the fit statistics are found anew at most, spread evenly; none for all.

    Raises:
        ValueError: they are not of one architecture.
    """

    def __init__(self, store: Store, models: Sequence[Digest], *, most_rows: int | None = None) -> None:
        self._store, self._parts = store, [Ingredient.of(store, model) for model in models]
        self._most_rows = most_rows
        if len(kinds := {part.architecture for part in self._parts}) > 1 or None in kinds:
            raise ValueError(
                "models of different architectures cannot be merged, nor those without weights of their own"
            )

    @property
    def job(self) -> Job:
        """That fitted the first of them."""
        return self._parts[0].job

    def merged(self, weights: Sequence[float]) -> Fitted:
        """The model of their mean weights, whose running statistics are those of the rows of the fit.

        Law: of a single model with a weight it is that model.
        """
        some = [(part, weight) for part, weight in zip(self._parts, weights, strict=True) if weight]
        fitted = some[0][0].loaded()
        if len(some) == 1:
            return fitted
        tensors = average([part.tensors for part, _ in some], [weight for _, weight in some])
        with deterministic(threads=self.job.threads, seed=self.job.seed):
            estimator = fitted.estimator.set_tensors(tensors, fitted.estimator.get_state())
            if hasattr(estimator, "renew_statistics"):
                estimator.renew_statistics(self._training)
        return replace(fitted, estimator=estimator)

    @cached_property
    def _training(self) -> Any:
        x, _, weights, _ = training_rows(self.job, self._store)
        rows = np.arange(x.shape[0]) if weights is None else np.flatnonzero(weights > 0)
        rows = rows if self._most_rows is None else rows[:: (len(rows) - 1) // self._most_rows + 1]
        return x if len(rows) == x.shape[0] else take_rows(x, rows)

    @cached_property
    def unseen(self) -> Any:
        """Inputs of the rows that the fold holds out."""
        return unseen_rows(self.job, self._store)

    def predict(self, fitted: Fitted, x: Any) -> Floats:
        """What a merged model predicts for rows as its fit took them."""
        with deterministic(threads=self.job.threads, seed=self.job.seed):
            return fitted.predict(x)


def predicted(
    merged: Callable[[tuple[float, ...]], Fitted], pot: Pot, fold_weights: Floats, own: Codes, x: Any
) -> Floats:
    """Predictions for rows (rows, outputs), each by models merged with the weights of its own group.

    Args:
        merged: the model of the pot that is merged with some weights.
        fold_weights: (groups, models); rows of a group of no weight at all stay NaN.
        own: (rows,) the group of each.
    """
    found: Floats | None = None
    for weights in np.unique(fold_weights[np.unique(own)], axis=0):
        rows = np.flatnonzero((fold_weights[own] == weights).all(axis=1))
        if len(rows) and weights.any():
            told = pot.predict(merged(tuple(weights.tolist())), x if len(rows) == len(own) else take_rows(x, rows))
            found = np.full((len(own), told.shape[1]), np.nan) if found is None else found
            found[rows] = told
    return np.full((len(own), 1), np.nan) if found is None else found


class Soups:
    """What merged models of members predict for the rows that judge, whatever the weights.

    Args:
        models: of each member, of the folds or of the board.
        rows: numbers of the rows that are told of; none for all.
        most_rows: see `Pot`.
    """

    def __init__(
        self,
        store: Store,
        models: Sequence[Sequence[Digest]],
        *,
        rows: Codes | None = None,
        most_rows: int | None = None,
    ) -> None:
        self._store, self._rows = store, rows
        self._pots = [Pot(store, each, most_rows=most_rows) for each in zip(*models, strict=True)]

    def of_test_part(self, weights: Floats) -> Floats:
        """(rows, outputs) by (members,) weights: the mean of all merged models."""
        each = [pot.predict(pot.merged(weights.tolist()), self._judging(pot)) for pot in self._pots]
        return np.asarray(np.mean(each, axis=0))

    def out_of_fold(self, folds: Digest, fold_weights: Floats) -> Floats:
        """(rows, outputs): of each fold of the first division by its own (folds, members) weights, NaN if 0."""
        divided, first = get_array(self._store, folds), first_division(self._store, folds)
        parts = []
        for number, pot in enumerate(self._pots):
            rows, x = self._held_out(pot, divided, number)
            if len(rows):
                parts.append((rows, predicted(pot.merged, pot, fold_weights, first[rows], x)))
        whole = np.zeros((len(first), max((told.shape[1] for _, told in parts), default=1)))
        times = np.zeros((len(first), 1))
        for rows, told in parts:
            whole[rows] += told
            times[rows] += 1
        wanted = np.arange(len(first)) if self._rows is None else self._rows
        return np.asarray(whole[wanted] / times[wanted])

    def _held_out(self, pot: Pot, folds: NDArray[np.int64], number: int) -> tuple[Codes, Any]:
        rows = np.flatnonzero(held_out(folds, number))
        if self._rows is None:
            return rows, pot.unseen
        places = np.flatnonzero(np.isin(rows, self._rows))
        return rows[places], take_rows(pot.unseen, places)

    def _judging(self, pot: Pot) -> Any:
        x = get_rows(self._store, pot.job.inputs["test"])
        return x if self._rows is None else take_rows(x, self._rows)
