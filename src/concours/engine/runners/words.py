"""Asking language models about the rows of a task."""

from __future__ import annotations

import time

import numpy as np

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.asking import keep_frozen
from concours.engine.rows import first_division, get_rows
from concours.engine.spending import purse
from concours.engine.words import InWords, Told, paces, summed
from concours.engine.work import JobResult
from concours.stores.blobs import put_table
from concours.stores.values import put_values

_PARTS = ("oof", "test")


def check_asked(job: Job, store: Store) -> JobResult:
    """Whether a language model can be asked for what the task predicts; nothing is asked yet."""
    InWords(job, store).require_able()
    return JobResult(values={"sample_weight": True, "one_by_one": []})


def ask_in_words(job: Job, store: Store) -> JobResult:
    """What a language model predicts for the rows of each input `oof` and `test`, and its calls, a table each."""
    model, outputs, phases, parts = (
        InWords(job, store),
        {"model": keep_frozen(job, store)},
        {"predict": 0.0},
        list[Told](),
    )
    for name in (name for name in _PARTS if name in job.inputs):
        rows = get_rows(store, job.inputs[name])
        shown = name == "oof" and "folds" in job.inputs
        folds = first_division(store, job.inputs["folds"]) if shown else np.full(len(rows), -1)
        began = time.perf_counter()
        told = model.told(rows, folds, purse(store))
        phases[name] = time.perf_counter() - began
        phases["predict"] += phases[name]
        parts.append(told)
        outputs |= {name: put_values(store, told.predictions), f"{name}_calls": put_table(store, told.calls)}
    return JobResult(outputs=outputs, values={"calls": vars(summed(parts))}, phases=phases | paces(parts))
