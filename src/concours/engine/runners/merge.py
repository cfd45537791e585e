"""Merging: what can be merged, with whom, and the models that come of it."""

from __future__ import annotations

import time
from functools import cache

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.fitting import keep_model
from concours.engine.merging import Ingredient, Pot, Soups, predicted
from concours.engine.rows import first_division, get_rows, sides, sides_of_first
from concours.engine.runners.score import metrics_of, weights_of
from concours.engine.work import JobResult
from concours.kernels.merging.greedy import greedy_soup
from concours.stores.blobs import put_array
from concours.stores.values import get_values

Floats = NDArray[np.float64]


def architectures(job: Job, store: Store) -> JobResult:
    """Who can be merged with whom.

    Values: `architectures`, of each candidate what the models of all folds must share with those of another; none of
    one without weights that can be averaged.
    """
    found = []
    for models in models_of(job):
        each = [Ingredient.of(store, model).architecture for model in models]
        found.append(None if not each or None in each else each)
    return JobResult(values={"architectures": found})


def merge(job: Job, store: Store) -> JobResult:
    """Merges the models of one fold, and predicts with what comes of it.

    The rows that the fold holds out are predicted by models merged with the weights of their own fold, where there are
    such; the model that is kept, and the test part, by `weights`.
    """
    models = [job.inputs[f"model{i}"] for i in range(len(job.params["weights"]))]
    pot, weights, fold_weights = Pot(store, models), job.params["weights"], np.asarray(job.params["fold_weights"])
    outputs: dict[str, Digest] = {}
    phases, began = {}, time.perf_counter()
    merged = cache(pot.merged)
    rows = sides(job, store)[1] if "valid" in job.outputs else np.empty(0, dtype=np.int64)
    own = first_division(store, job.inputs["folds"])[rows]
    of_folds = fold_weights[np.unique(own)].tolist() if fold_weights.size else []
    for each in (weights, *of_folds):
        merged(tuple(each))
    fitted = merged(tuple(weights))
    phases["fit"] = time.perf_counter() - began
    if "valid" in job.outputs:
        x = pot.unseen
        began = time.perf_counter()
        told = predicted(merged, pot, fold_weights, own, x) if fold_weights.size else pot.predict(fitted, x)
        phases["valid"] = time.perf_counter() - began
        outputs["valid"] = put_array(store, told)
    if "test" in job.outputs:
        x = get_rows(store, job.inputs["test"])
        began = time.perf_counter()
        outputs["test"] = put_array(store, pot.predict(fitted, x))
        phases["predict"] = time.perf_counter() - began
    if "model" in job.outputs:
        outputs["model"] = keep_model(job, store, fitted)
    return JobResult(outputs=outputs, phases=phases)


def choose_soup(job: Job, store: Store) -> JobResult:
    """A greedy soup on all rows, and one on the rows outside each fold, by out-of-fold predictions of merged models.

    Values: `members`, numbers of the candidates, and `by_fold`, the same for each fold of the first division.
    """
    y, folds, metric = get_values(store, job.inputs["y"]), job.inputs["folds"], metrics_of(job)[0]
    models, every = models_of(job), weights_of(job, store)
    soups, groups = Soups(store, models), int(first_division(store, folds).max()) + 1

    def told(members: tuple[int, ...]) -> Floats:
        weights = np.isin(np.arange(len(models)), members) / len(members)
        return soups.out_of_fold(folds, np.tile(weights, (groups, 1)))

    def chosen(rows: NDArray[np.int64], known: dict[tuple[int, ...], Floats]) -> list[int]:
        def loss(members: tuple[int, ...]) -> float:
            if members not in known:
                known[members] = told(members)
            return -metric.sign * metric.score(y[rows], known[members][rows], None if every is None else every[rows])

        return list(greedy_soup(len(models), loss))

    known: dict[tuple[int, ...], Floats] = {}
    parts = [sides_of_first(job, store, fold)[0] for fold in range(groups)]
    members, *by_fold = [chosen(rows, known) for rows in (np.arange(len(y)), *parts)]
    return JobResult(values={"members": members, "by_fold": by_fold})


def models_of(job: Job) -> list[list[Digest]]:
    """The models of each candidate, of so many as the parameter `models` says."""
    return [[job.inputs[f"model{i}_{j}"] for j in range(count)] for i, count in enumerate(job.params["models"])]
