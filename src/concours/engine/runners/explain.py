"""What a model of a table looks at (`insights.columns`), by some rows of the test part."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.entrant import Candidate
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.outputs import output_of
from concours.engine.prediction import Predictor
from concours.engine.rows import get_rows
from concours.engine.runners.score import groups_of, metrics_of, weights_of
from concours.engine.work import JobResult
from concours.entrants.tables import _dates
from concours.insights import columns
from concours.stores.values import get_values

Floats = NDArray[np.float64]

_ROWS = 20_000
"""Predicted rows of a job, all copies together."""
_ROWS_BY_MODELS = 400_000
"""The same times the models that predict each of them; what holds where many are joined."""


def importance(job: Job, store: Store) -> JobResult:
    """How much worse the ranking metric is without a column.

    Inputs: `x`, `y` of the test part. Params: `model` and `parents` (candidates as JSON, the latter by the
    digest of their entrants), and those of the metrics. Values: see `insights.columns.importance`.
    """
    by = columns.Scored(
        y=get_values(store, job.inputs["y"]),
        metric=metrics_of(job)[0],
        told=partial(told, job),
        groups=groups_of(job, store),
        weights=partial(weights_of, job, store),
    )
    return JobResult(values=columns.importance(_explained(job, store), by))


def dependence(job: Job, store: Store) -> JobResult:
    """How predictions go with a column.

    Inputs and params as for `importance`, and `columns`, names. Values: see `insights.columns.dependence`; `outputs`
    are the codes of the classes shown: the second of two, else the most frequent five; [0] for a number; and `named`,
    what they are called, where they are no classes of one target.
    """
    output = output_of(job)
    shown = output.shown(get_values(store, job.inputs["y"]))
    found = columns.dependence(_explained(job, store), job.params["columns"], shown, _dates)
    called = output.shown_as(shown)
    return JobResult(values={**found, **({"named": called} if called else {})})


def _explained(job: Job, store: Store) -> columns.Explained:
    return columns.Explained(
        x=get_rows(store, job.inputs["x"]),
        predict=lambda x: predicted(job, store, x),
        affordable=affordable(job),
        seed=job.seed,
    )


def predicted(job: Job, store: Store, x: Any) -> Floats:
    """Predictions (rows, outputs) of the model that a job names, for rows of inputs."""
    parents = {digest: Candidate.from_json(candidate) for digest, candidate in job.params["parents"].items()}
    return Predictor(store, output_of(job), parents, x).predict(Candidate.from_json(job.params["model"]))


def told(job: Job, p: Floats) -> Floats:
    """Predictions as the ranking metric takes them: for one of labels, the class named has the greatest value."""
    decision = job.params["model"].get("decision")
    return p * np.asarray(decision["weights"]) if decision and metrics_of(job)[0].needs == "labels" else p


def affordable(job: Job) -> int:
    """How many rows the model that a job names may predict: fewer where it joins many."""
    models = sum(len(candidate["models"]) for candidate in (job.params["model"], *job.params["parents"].values()))
    return min(_ROWS, _ROWS_BY_MODELS // max(models, 1))
