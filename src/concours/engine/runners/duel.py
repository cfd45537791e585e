"""Duels: two models' predictions of the same rows, compared row by row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.rows import first_division
from concours.engine.runners.score import as_taken, groups_of, metric_of_rows, weights_of
from concours.engine.work import JobResult
from concours.kernels.rating.votes import LEFT, RIGHT, TIE
from concours.kernels.rows.weighing import in_rows
from concours.kernels.scoring.rounded import finite
from concours.kernels.scoring.scores import row_means
from concours.stores.values import get_values

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def duels(job: Job, store: Store) -> JobResult:
    """How some pairs of models did against one another on some rows of the training part, by out-of-fold predictions.

    A row is compared by the ranking metric where that is a mean over rows, else by log loss or absolute error. A
    difference within `band` times the median score of a row, over all models of the job, is a tie.

    Inputs: `y`, `folds`, `predictions0…n`; `groups` where rows belong together; `weights` where they have some. Params:
    those of the metrics; `decisions`; `rows_seed`, of the order in which rows are taken; `band`; `pairs`, each [first,
    second, from where in that order, how many rows], round its end. Values: `by`, the metric; `duels`, for each pair
    `outcomes`, a digit a row: 0 where the first wins, 1 where the second does, 2 for a tie (`kernels.rating.votes`);
    and the `mean` of the first's advantage a row, with `stderr`, by the weights of the rows; an outcome is one row's,
    whatever that weighs. Rows of a group are one observation: then there are the `groups` of the rows, and no `stderr`
    where that is one group only.
    """
    y, folds = get_values(store, job.inputs["y"]), first_division(store, job.inputs["folds"])
    groups, weights = groups_of(job, store), weights_of(job, store)
    metric, decisions = metric_of_rows(job), job.params["decisions"]
    said = [get_values(store, job.inputs[f"predictions{index}"]) for index in range(len(decisions))]
    told = [as_taken(metric, p, decision, folds) for p, decision in zip(said, decisions, strict=True)]
    scores = np.stack([metric.row_scores(y, p) for p in told])
    band = job.params["band"] * float(np.median(np.abs(scores)))
    order = np.random.default_rng(job.params["rows_seed"]).permutation(len(y))
    found = []
    for first, second, begin, count in job.params["pairs"]:
        rows = order[(begin + np.arange(min(count, len(y)))) % len(y)]
        ahead = metric.sign * (scores[first, rows] - scores[second, rows])
        told_of = {
            "outcomes": "".join(np.where(np.abs(ahead) <= band, TIE, np.where(ahead > 0, LEFT, RIGHT)).astype(str)),
            "mean": float(ahead.mean()),
            "stderr": float(ahead.std(ddof=1) / len(rows) ** 0.5) if len(rows) > 1 else 0.0,
        }
        if groups is not None or weights is not None:
            told_of |= _mean(ahead, groups, weights, rows)
        if groups is not None:
            told_of["groups"] = groups[rows].tolist()
        found.append(told_of)
    return JobResult(values={"by": metric.name, "duels": found})


def _mean(ahead: Floats, groups: Codes | None, weights: Floats | None, rows: Codes) -> dict[str, float | None]:
    """The mean advantage and its standard error, where rows come in groups or have weights."""
    each = np.ones(len(rows)) if weights is None else weights[rows]
    counted = np.flatnonzero(each)
    if not len(counted):
        return {"mean": 0.0, "stderr": None}
    units = None if groups is None else np.unique(groups[rows][counted], return_inverse=True)[1]
    means = row_means(ahead[counted, None], groups=units, weights=in_rows(each[counted]))
    return {"mean": float(means.means[0]), "stderr": finite(float(means.stderr[0]))}
