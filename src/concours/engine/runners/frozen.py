"""Asking what is not fitted here, once a row."""

from __future__ import annotations

import time

import numpy as np

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.asking import asked_by, keep_frozen
from concours.engine.deterministic import deterministic
from concours.engine.fitting import said
from concours.engine.rows import get_rows, take_rows
from concours.engine.work import JobResult
from concours.stores.values import put_values

_ROWS = ("oof", "test")
_FEW = 2
"""Rows by which is found out at the door whether a model takes them, and says what is asked for."""


def check_frozen(job: Job, store: Store) -> JobResult:
    """Whether a recipe leads to what can be asked, and predicts the first rows. It is not fitted, so no weights or rows
    set apart concern it.
    """
    with deterministic(threads=job.threads, seed=job.seed):
        model = asked_by(job, store)
        rows = get_rows(store, job.inputs["rows"])
        said(job, model, take_rows(rows, np.arange(min(len(rows), _FEW))))
    return JobResult(values={"sample_weight": True, "one_by_one": []})


def ask_frozen(job: Job, store: Store) -> JobResult:
    """Predictions of a model that is not fitted here, for the rows of each input `oof` and `test` (rows, outputs)."""
    outputs, phases = {"model": keep_frozen(job, store)}, {"predict": 0.0}
    with deterministic(threads=job.threads, seed=job.seed):
        model = asked_by(job, store)
        for name in (name for name in _ROWS if name in job.inputs):
            rows = get_rows(store, job.inputs[name])
            began = time.perf_counter()
            predictions = said(job, model, rows)
            phases[name] = time.perf_counter() - began
            phases["predict"] += phases[name]
            outputs[name] = put_values(store, predictions)
    return JobResult(outputs=outputs, phases=phases)
