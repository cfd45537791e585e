"""Merging: what can be merged, with whom, and the models that come of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any, Final

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
from concours.kernels.merging.choosing import CHOICES
from concours.kernels.merging.mixes import Mix
from concours.stores.blobs import put_array
from concours.stores.values import get_values

Floats = NDArray[np.float64]

STATISTICS_ROWS: Final = 1_000
"""Rows of a fit on which the running statistics of merged models are found, to choose among them or credit members."""


def architectures(job: Job, store: Store) -> JobResult:
    """Who can be merged with whom.

    Values, of each candidate: `architectures`, what the models of all folds must share with those of another, none of
    one without weights that can be averaged; `beginnings`, which it must share not to be aligned first; `aligned`,
    whether it says how; and `firsts`, whether it says with which weights it began.
    """
    found: dict[str, list[Any]] = {name: [] for name in ("architectures", "beginnings", "aligned", "firsts")}
    for models in models_of(job):
        parts = [Ingredient.of(store, model) for model in models]
        each = [part.architecture for part in parts]
        there = bool(each) and None not in each
        found["architectures"].append(each if there else None)
        found["beginnings"].append([list(part.beginning) for part in parts] if there else None)
        found["aligned"].append(there and parts[0].symmetries is not None)
        found["firsts"].append(there and parts[0].first is not None)
    return JobResult(values=found)


def merge(job: Job, store: Store) -> JobResult:
    """Merges the models of one fold, and predicts with what comes of it.

    The rows that the fold holds out are predicted by models merged by the mix of their own fold, where there are such;
    the model that is kept, and the test part, by that for new rows.
    """
    models = [job.inputs[f"model{i}"] for i in range(len(job.params["weights"]))]
    pot, mix, fold_mixes = Pot(store, models), *mixes_of(job)
    outputs: dict[str, Digest] = {}
    phases, began = {}, time.perf_counter()
    merged = cache(pot.merged)
    rows = sides(job, store)[1] if "valid" in job.outputs else np.empty(0, dtype=np.int64)
    own = first_division(store, job.inputs["folds"])[rows]
    for each in (mix, *(fold_mixes[fold] for fold in (np.unique(own).tolist() if fold_mixes else ()))):
        merged(each)
    fitted = merged(mix)
    phases["fit"] = time.perf_counter() - began
    if "valid" in job.outputs:
        x = pot.unseen
        began = time.perf_counter()
        told = predicted(merged, pot, fold_mixes, own, x) if fold_mixes else pot.predict(fitted, x)
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


def choose_mix(job: Job, store: Store) -> JobResult:
    """A mix chosen on all rows, and one on the rows outside each fold, by out-of-fold predictions of merged models.

    Params: `by`, a name of `kernels.merging.choosing.CHOICES`; `models`, how many each candidate has.

    Values: `mix`, its weights and what else is kept of it, and `by_fold`, the same for each fold of the first division.
    """
    folds, models = job.inputs["folds"], models_of(job)
    soups, groups = Soups(store, models, most_rows=STATISTICS_ROWS), int(first_division(store, folds).max()) + 1
    lost, rows = losing(job, store), np.arange(len(first_division(store, folds)))
    told = cache(lambda mix: soups.out_of_fold(folds, [mix] * groups))
    choose = CHOICES[job.params["by"]]

    def chosen(some: NDArray[np.int64]) -> dict[str, Any]:
        mix = choose(len(models), cache(lambda mix: lost(told(mix)[some], some)))
        return {"weights": list(mix.weights), **mix.kept}

    parts = [rows, *(sides_of_first(job, store, fold)[0] for fold in range(groups))]
    whole, *by_fold = [chosen(some) for some in parts]
    return JobResult(values={"mix": whole, "by_fold": by_fold})


def losing(job: Job, store: Store) -> Callable[[Floats, NDArray[np.int64]], float]:
    """What predictions (rows, outputs) of rows with these numbers lose, by the first metric."""
    y, metric, every = get_values(store, job.inputs["y"]), metrics_of(job)[0], weights_of(job, store)
    return lambda told, rows: -metric.sign * metric.score(y[rows], told, None if every is None else every[rows])


def mixes_of(job: Job) -> tuple[Mix, list[Mix]]:
    """How the models of a job are merged for new rows, and for the rows of each fold, where that differs."""
    params, weights = job.params, job.params["fold_weights"]
    kept = params.get("fold_mixes") or [params.get("mix")] * len(weights)
    folds = [Mix.of(row, each) for row, each in zip(weights, kept, strict=True)]
    return Mix.of(params["weights"], params.get("mix")), folds


def models_of(job: Job) -> list[list[Digest]]:
    """The models of each candidate, of so many as the parameter `models` says."""
    return [[job.inputs[f"model{i}_{j}"] for j in range(count)] for i, count in enumerate(job.params["models"])]
