"""Models merged: jobs whose inputs are models read from them what they were fitted on, and what they predicted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from concours.core.digests import Digest, digest_json
from concours.core.entrant import BEGIN
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.deterministic import deterministic
from concours.engine.fitting import built, training_rows, unseen_rows
from concours.engine.rows import first_division, get_rows, held_out, take_rows
from concours.entrants.fitting import Fitted
from concours.entrants.merging import mergeable, symmetries_of
from concours.entrants.models import load_model
from concours.kernels.merging.averages import average
from concours.kernels.merging.mixes import Mix, layers_of, mixed
from concours.kernels.merging.rebasin import Symmetries, matched, permuted
from concours.stores.blobs import get_array, get_bundle

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Beginning = tuple[str, Any, Digest | None]
"""Whether others may share it, the seed, and the model that was begun from besides."""

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
    def _fitted(self) -> Fitted:
        return self.loaded()

    @cached_property
    def tensors(self) -> dict[str, NDArray[Any]]:
        """Its weights by name, in the order in which the model gives them."""
        kept = safetensors.numpy.load(self.files["tensors"])
        return {name: kept[name] for name in self._fitted.estimator.get_tensors()}

    @cached_property
    def architecture(self) -> Digest | None:
        """What it must share with another to be merged with it; none of one without weights that can be averaged."""
        if self.format not in _MERGED or not mergeable(self._fitted.estimator):
            return None
        fitted = self._fitted
        shapes = {name: [str(tensor.dtype), *tensor.shape] for name, tensor in sorted(self.tensors.items())}
        seen = [fitted.codes.tolist(), fitted.classes, self.job.inputs["x"], self.job.inputs.get("code")]
        return digest_json([dict(fitted.estimator.architecture()), shapes, seen])

    @cached_property
    def symmetries(self) -> Symmetries | None:
        """Which orders of its units are the same function; none where that is not known."""
        return symmetries_of(self._fitted.estimator)

    @property
    def beginning(self) -> Beginning:
        """What it began with, as far as that is known: a seed that others may share, or its own chance."""
        params = self.job.params
        given: Mapping[str, Any] = params["params"] if isinstance(params["params"], Mapping) else {}
        if "init_seed" in params and hasattr(self._fitted.estimator, "begin_alike"):
            return "alike", params["init_seed"], given.get(BEGIN)
        own = given.get("random_state")
        return "own", self.job.seed if own is None else own, given.get(BEGIN)

    @cached_property
    def first(self) -> dict[str, NDArray[Any]] | None:
        """The weights that it began with; none where it did not begin like others, or does not tell."""
        kind, seed, _ = self.beginning
        kept = self._fitted.estimator
        if kind != "alike" or not hasattr(kept, "first_tensors"):
            return None
        told = built(self.job, self.store)  # it knows the model to begin from, which no fitted one keeps
        return dict(told.set_tensors(kept.get_tensors(), kept.get_state()).first_tensors(seed))


class Pot:
    """Models of one fold, which were fitted on the same rows, ready to be merged.

    Those that did not begin like most others are aligned with these first, if they say how. Models that began alike are
    moved together.

    Args:
        most_rows: on how many of the rows of the fit statistics are found anew at most, spread evenly; none for all.

    Raises:
        ValueError: they are not of one architecture.
    """

    def __init__(self, store: Store, models: Sequence[Digest], *, most_rows: int | None = None) -> None:
        self._store, self._parts = store, [Ingredient.of(store, model) for model in models]
        self._most_rows, self._names = most_rows, models
        if len(kinds := {part.architecture for part in self._parts}) > 1 or None in kinds:
            raise ValueError(
                "models of different architectures cannot be merged, nor those without weights of their own"
            )

    @property
    def job(self) -> Job:
        """That fitted the first of them."""
        return self._parts[0].job

    def merged(self, mix: Mix) -> Fitted:
        """The model that a mix makes of them, whose running statistics are those of the rows of the fit.

        Law: of a single model that has a weight it is that model, but for TIES of a density below 1.
        """
        fitted = self._parts[mix.members[0]].loaded()
        if len(mix.members) == 1 and mix.density in (None, 1.0):
            return fitted
        tensors = mixed(self._aligned, mix, self._parts[0].first)
        with deterministic(threads=self.job.threads, seed=self.job.seed):
            estimator = fitted.estimator.set_tensors(tensors, fitted.estimator.get_state())
            if hasattr(estimator, "renew_statistics"):
                estimator.renew_statistics(self._training)
        return replace(fitted, estimator=estimator)

    @property
    def layers(self) -> int:
        """How many layers they have, as `mixes.layers_of` counts."""
        names = list(self._parts[0].tensors)
        return sum(bool(group) for group in layers_of(names, len(names)))

    @cached_property
    def _aligned(self) -> list[dict[str, NDArray[Any]]]:
        """The weights of each, in the order of units that those have of which most began alike.

        Who these are does not hang on the order of models: of equally many the first by digest.
        """
        found = [part.tensors for part in self._parts]
        families: dict[Beginning, list[int]] = {}
        for place in sorted(range(len(found)), key=lambda place: self._names[place]):
            families.setdefault(self._parts[place].beginning, []).append(place)
        still, *others = sorted(families.values(), key=len, reverse=True)
        symmetries = self._parts[still[0]].symmetries if others else None
        if symmetries is None:
            return found
        middle, *rest = (average([found[i] for i in family], [1.0] * len(family)) for family in (still, *others))
        for family, mean in zip(others, rest, strict=True):
            order = matched(middle, mean, symmetries)
            for place in family:
                found[place] = permuted(found[place], symmetries, order)
        return found

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


def predicted(merged: Callable[[Mix], Fitted], pot: Pot, mixes: Sequence[Mix], own: Codes, x: Any) -> Floats:
    """Predictions for rows (rows, outputs), each by models merged by the mix of its own group.

    Args:
        merged: the model of the pot that a mix makes.
        mixes: of each group; rows of a group in which nobody has a weight stay NaN.
        own: (rows,) the group of each.
    """
    found: Floats | None = None
    groups = np.unique(own).tolist()
    for mix in dict.fromkeys(mixes[group] for group in groups):
        rows = np.flatnonzero(np.isin(own, [group for group in groups if mixes[group] == mix]))
        if mix.members:
            told = pot.predict(merged(mix), x if len(rows) == len(own) else take_rows(x, rows))
            found = np.full((len(own), told.shape[1]), np.nan) if found is None else found
            found[rows] = told
    return np.full((len(own), 1), np.nan) if found is None else found


class Soups:
    """What merged models of members predict for the rows that judge, whatever the mix.

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

    def of_test_part(self, mix: Mix) -> Floats:
        """(rows, outputs): the mean of all merged models."""
        each = [pot.predict(pot.merged(mix), self._judging(pot)) for pot in self._pots]
        return np.asarray(np.mean(each, axis=0))

    def out_of_fold(self, folds: Digest, mixes: Sequence[Mix]) -> Floats:
        """(rows, outputs): of each fold of the first division by its own mix, NaN where nobody has a weight."""
        divided, first = get_array(self._store, folds), first_division(self._store, folds)
        parts = []
        for number, pot in enumerate(self._pots):
            rows, x = self._held_out(pot, divided, number)
            if len(rows):
                parts.append((rows, predicted(pot.merged, pot, mixes, first[rows], x)))
        whole = np.zeros((len(first), max((told.shape[1] for _, told in parts), default=1)))
        times = np.zeros((len(first), 1))
        for rows, told in parts:
            whole[rows] += told
            times[rows] += 1
        wanted = np.arange(len(first)) if self._rows is None else self._rows
        return np.asarray(whole[wanted] / times[wanted])

    @property
    def layers(self) -> int:
        """How many layers the models have."""
        return self._pots[0].layers

    def _held_out(self, pot: Pot, folds: NDArray[np.int64], number: int) -> tuple[Codes, Any]:
        rows = np.flatnonzero(held_out(folds, number))
        if self._rows is None:
            return rows, pot.unseen
        places = np.flatnonzero(np.isin(rows, self._rows))
        return rows[places], take_rows(pot.unseen, places)

    def _judging(self, pot: Pot) -> Any:
        x = get_rows(self._store, pot.job.inputs["test"])
        return x if self._rows is None else take_rows(x, self._rows)
