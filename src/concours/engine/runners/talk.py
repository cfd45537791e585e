"""Members of an alliance that read what others say, as jobs: who has the last word, and what comes of the talk."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.errors import SpentOut
from concours.core.event import SHORT
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.outputs import output_of
from concours.engine.prediction import Models
from concours.engine.rows import first_division, get_rows, sides_of_first
from concours.engine.runners.join import members_of
from concours.engine.runners.score import metrics_of, weights_of
from concours.engine.spending import purse
from concours.engine.talks import TALKS, Says, Talk
from concours.engine.words import Told, paces, summed
from concours.engine.work import JobResult
from concours.entrants.endpoints.purse import Purse
from concours.stores.values import get_values, put_values
from concours.tasks.outputs.output import Values

Codes = NDArray[np.int64]


def leader(job: Job, store: Store) -> JobResult:
    """The member that scores best on the rows outside one fold, or on all: `best`, its number; of equal ones the first.

    Inputs and params as of `engine.runners.worth`.
    """
    rows, _ = sides_of_first(job, store, job.params["without_fold"])
    y, of_rows = take(get_values(store, job.inputs["y"]), rows), weights_of(job, store, rows)
    metric, members = metrics_of(job)[0], members_of(job, store, "oof")
    scores = [metric.sign * metric.score(y, take(member, rows), of_rows) for member in members]
    return JobResult(values={"best": int(np.argmax(np.nan_to_num(scores, nan=-np.inf)))})


def talk(job: Job, store: Store) -> JobResult:
    """What comes of a talk: first of the test part, then of the training part, as far as what may be spent suffices.

    Inputs: rows `x` and `test_x`, members' predictions, `folds`, and of members that can be asked their `model`s.
    Params: `how` (`engine.talks.TALKS`), `rounds`, and who has the last word, `last`, and for the rows of each fold
    `fold_last`. Outputs: `oof` where all of it could be asked, and `test`. Values: `calls`, what it took besides what
    members take; `short`, why there is no `oof`.
    """
    outputs, phases, heard, short, rows = dict[str, Digest](), dict[str, float](), list[Told](), "", 0
    params, output, limits = job.params, output_of(job), purse(store)
    folds, lasts = first_division(store, job.inputs["folds"]), np.array([params["last"], *params["fold_last"]])
    for part in (name for name in ("test", "oof") if name in job.outputs):
        said = members_of(job, store, part)
        own = folds if part == "oof" else np.full(len(said[0]), -1)
        says = [_says(job, store, member, own, limits, heard.append) for member in range(len(said))]
        x, began = get_rows(store, job.inputs["x" if part == "oof" else "test_x"]), time.perf_counter()
        told = Talk(x=x, said=said, says=says, output=output)
        try:
            outputs[part] = put_values(store, TALKS[params["how"]].rounds(told, lasts[own + 1], params["rounds"]))
        except SpentOut as error:
            if part == "test":
                raise
            short = str(error)
            continue
        phases["predict" if part == "test" else part] = time.perf_counter() - began
        rows += len(own)
    calls = vars(replace(summed(heard), rows=rows)) if heard else None
    return JobResult(outputs=outputs, values={"calls": calls, SHORT: short}, phases=phases | paces(heard))


def _says(
    job: Job, store: Store, member: int, folds: Codes, limits: Purse | None, heard: Callable[[Told], None]
) -> Says | None:
    """How a member is asked; none of one that cannot be."""
    if f"model{member}" not in job.inputs:
        return None
    _, model = Models(store).model(job.inputs[f"model{member}"])

    def says(rows: Codes, x: Any) -> Values:
        told = model.told(x, folds[rows], limits)
        heard(told)
        return told.predictions

    return says
