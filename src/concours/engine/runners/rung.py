"""A rung of a knockout: a share of a fold's rows prepared, an entrant fitted on it, and all compared row by row."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core import scratch
from concours.core.digests import canonical_json
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.deterministic import deterministic
from concours.engine.fitting import fitted_by, said
from concours.engine.outputs import output_of
from concours.engine.rows import get_rows, held_out, kin_of, put_rows, sides, take_rows
from concours.engine.runners.curve import share_of
from concours.engine.runners.score import metrics_of, weights_of
from concours.engine.work import JobResult
from concours.entrants.checkpoints import dump_checkpoint, load_checkpoint
from concours.entrants.preparation import PREPARATIONS
from concours.kernels.joining.crosswise import as_on_board
from concours.kernels.ranking.knockouts import worse_than_best
from concours.kernels.rows.kin import Kin
from concours.kernels.scoring.rounded import finite
from concours.kernels.scoring.scores import Means
from concours.stores.blobs import get_array, get_bundle, put_bundle
from concours.stores.values import concat, get_values, put_values

_ROUNDS = 50


def subsample(job: Job, store: Store) -> JobResult:
    """Fits a preparation on a share of a fold's training side, and transforms it and the rows held out.

    Inputs: `x`, `y`, `folds` of the training part. Params: `preparation`, `fold`, `share`, `rows_seed`, `output`.
    """
    rows, unseen = _sides(job, store)
    x = get_rows(store, job.inputs["x"])
    began = time.perf_counter()
    transformer = PREPARATIONS[job.params["preparation"]]()
    with deterministic(threads=job.threads, seed=job.seed):
        train = transformer.fit_transform(take_rows(x, rows))
        valid = transformer.transform(take_rows(x, unseen))
    phases = {"prepare": time.perf_counter() - began}
    return JobResult(outputs={"train": put_rows(store, train), "valid": put_rows(store, valid)}, phases=phases)


def rung(job: Job, store: Store) -> JobResult:
    """Fits an entrant on a share of a fold's training side, and predicts the rows held out.

    Law: with one `rows_seed` all entrants are fitted on the same rows, and those of a smaller share are among those of
    a bigger one.

    Inputs: `y`, `folds`, and `x`: all rows, or, `prepared`, those of the share, and then `valid`, those held out;
    `groups`, where rows belong together; `code` where the entrant has any; `checkpoint`, where it was on a smaller
    share. Params: those of a `fit` job, of `subsample` and of the metrics. Outputs: `predictions` of the rows held out;
    `checkpoint`, what the entrant goes on from, empty where it begins anew. Values: rows: how many it was fitted on.
    score: the ranking metric on the rows held out, predictions taken as on the board; None where undefined. went_on:
    whether it began from the checkpoint.
    """
    rows, unseen = _sides(job, store)
    y, x = get_values(store, job.inputs["y"]), get_rows(store, job.inputs["x"])
    train = x if job.params["prepared"] else take_rows(x, rows)
    valid = get_rows(store, job.inputs["valid"]) if job.params["prepared"] else take_rows(x, unseen)
    kept = load_checkpoint(get_bundle(store, job.inputs["checkpoint"])) if "checkpoint" in job.inputs else None
    begin = kept.begin(1 / job.params["eta"]) if kept else None
    began, phases = scratch.clock(), dict[str, float]()
    weights, kin = weights_of(job, store, rows), kin_of(job, store, rows)
    fitted = fitted_by(job, store, train, take(y, rows), weights, kin, begin=begin)
    phases["fit"], began = scratch.clock() - began, time.perf_counter()
    with deterministic(threads=job.threads, seed=job.seed):
        p = said(job, fitted, valid)
    phases["valid"] = time.perf_counter() - began
    means = _means(job, take(y, unseen), [p], kin_of(job, store, unseen), weights_of(job, store, unseen))
    checkpoint = put_bundle(store, dump_checkpoint(fitted.estimator) or {"none.json": canonical_json(None)})
    return JobResult(
        outputs={"predictions": put_values(store, p), "checkpoint": checkpoint},
        values={
            "rows": len(rows),
            "score": finite(float(means.means[0])),
            "went_on": bool(getattr(fitted.estimator, "went_on_", False)),
        },
        phases=phases,
    )


def prune(job: Job, store: Store) -> JobResult:
    """Who is certainly worse than the best on the rows that some folds hold out (`kernels.ranking.knockouts`).

    Inputs: `y`, `folds`, `groups` and `weights` of the training part where there are any, and `predictions0_0…n_m` by
    entrant and fold, of the rows held out. Params: `entrants`, how many; `folds`, their numbers; `level`, at which all
    `looks` of the knockout are certain together; those of the metrics. Values, lists in the order of the entrants:
    `scores` and `stderr` of the ranking metric, None where undefined, and `worse`.
    """
    told, count = job.params["folds"], job.params["entrants"]
    folds = get_array(store, job.inputs["folds"])
    unseen = np.concatenate([np.flatnonzero(held_out(folds, fold)) for fold in told])
    y = take(get_values(store, job.inputs["y"]), unseen)
    predictions = [
        concat([get_values(store, job.inputs[f"predictions{index}_{fold}"]) for fold in told]) for index in range(count)
    ]
    means = _means(job, y, predictions, kin_of(job, store, unseen), weights_of(job, store, unseen))
    known = np.isfinite(means.means)
    worse = np.zeros(count, dtype=np.bool_)
    if known.any():
        some = means.among(np.flatnonzero(known))
        greater = metrics_of(job)[0].greater_is_better
        spent = {name: job.params[name] for name in ("level", "looks")}
        worse[known] = worse_than_best(some, greater_is_better=greater, **spent)
    return JobResult(
        values={
            "scores": [finite(float(value)) for value in means.means],
            "stderr": [finite(float(value)) for value in means.stderr],
            "worse": worse.tolist(),
        }
    )


def _means(
    job: Job,
    y: NDArray[Any],
    predictions: list[NDArray[np.float64]],
    kin: Kin | None,
    weights: NDArray[np.float64] | None,
) -> Means:
    """The ranking metric of predictions as they would stand on the board."""
    metric = metrics_of(job)[0]
    if "calibrate" in output_of(job).can:
        # one division of the rows for all, whatever the job: else a score would depend on who else is compared
        predictions = [as_on_board(p, y, metric.way.deciding, kin=kin, weights=weights) for p in predictions]
    groups = None if kin is None else np.unique(kin.groups, return_inverse=True)[1]
    return metric.means(y, predictions, seed=0, rounds=_ROUNDS, groups=groups, weights=weights, empty=0.0)


def _sides(job: Job, store: Store) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the rows of the share, and of those held out."""
    train, unseen = sides(job, store)
    return share_of(job, get_values(store, job.inputs["y"]), train, seed=job.params["rows_seed"]), unseen
