"""A point of a learning curve: an entrant fitted on a share of the rows, scored on rows held out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.deterministic import deterministic
from concours.engine.fitting import fitted_by, said
from concours.engine.outputs import output_of
from concours.engine.rows import get_rows, kin_of, sides, take_rows
from concours.engine.runners.score import metrics_of, weights_of
from concours.engine.work import JobResult
from concours.entrants.preparation import PREPARATIONS
from concours.kernels.joining.crosswise import as_on_board
from concours.kernels.scoring.explaining import nested_share
from concours.stores.values import get_values

_ROUNDS = 50


def curve(job: Job, store: Store) -> JobResult:
    """Fits an entrant on a random share of the training side of a fold, preparation included, and scores the fold.

    Of classes the share is stratified. Law: with one seed, the rows of a smaller share are among those of a bigger one,
    and a share of 1 is what a `fit` job is fitted on.

    Predictions of classes are calibrated, and decided on, as those on the board are, crosswise within the rows held
    out, so that the end of the curve is the score of the fold on the board, to within what these rows can say.

    Inputs: `x`, `y`, `folds` of the training part, and `code` where the entrant has any. Params: those of a `fit` job,
    `preparation` (a name or None), `fold`, `share`, and those of the metrics. Values:
        rows: how many it was fitted on.
        score, stderr: the ranking metric on the rows held out, and its standard error over these; None where undefined.
    """
    y, (train, unseen) = get_values(store, job.inputs["y"]), sides(job, store)
    rows = share_of(job, y, train, seed=job.seed)
    x = get_rows(store, job.inputs["x"])
    fitted_on, valid = _prepared(job, take_rows(x, rows), take_rows(x, unseen))
    fitted = fitted_by(job, store, fitted_on, take(y, rows), weights_of(job, store, rows), kin_of(job, store, rows))
    with deterministic(threads=job.threads, seed=job.seed):
        p = said(job, fitted, valid)
    metric, weights, kin = metrics_of(job)[0], weights_of(job, store, unseen), kin_of(job, store, unseen)
    if "calibrate" in output_of(job).can:
        p = as_on_board(p, y[unseen], metric.way.deciding, seed=job.seed, kin=kin, weights=weights)
    groups = None if kin is None else kin.groups
    means = metric.means(take(y, unseen), [p], seed=job.seed, rounds=_ROUNDS, groups=groups, weights=weights)
    score, stderr = (float(part[0]) if np.isfinite(part[0]) else None for part in (means.means, means.stderr))
    return JobResult(values={"rows": len(rows), "score": score, "stderr": stderr})


def share_of(job: Job, y: Any, train: NDArray[np.int64], *, seed: int) -> NDArray[np.int64]:
    """Some of the rows that are trained on (`kernels.scoring.explaining.nested_share`), stratified if they can be."""
    return train[nested_share(output_of(job).strata(take(y, train)), len(train), job.params["share"], seed)]


def _prepared(job: Job, train: Any, valid: Any) -> tuple[Any, Any]:
    if job.params["preparation"] is None:
        return train, valid
    transformer = PREPARATIONS[job.params["preparation"]]()
    with deterministic(threads=job.threads, seed=job.seed):
        return transformer.fit_transform(train), transformer.transform(valid)
