"""Selection among members' answers: scorers of them, and what they pick of kept predictions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.evidence import Heard
from concours.engine.outputs import output_of
from concours.engine.rows import first_division, get_rows, take_rows
from concours.engine.runners.join import members_of
from concours.engine.runners.judged import Judged, chosen_by
from concours.engine.selecting import for_whom_most_speaks, others_of, selected
from concours.engine.worded import as_one_text
from concours.engine.work import JobResult
from concours.kernels.joining.scorers import Scorer, fit_scorer
from concours.stores.values import concat, put_values
from concours.tasks.outputs.output import Values

Codes = NDArray[np.int64]


def scorers(job: Job, store: Store) -> JobResult:
    """Scorers of members' answers, fitted on the rows outside one fold, or on all; of very many on some, spread evenly.

    Values: `scorers`, one a member (`kernels.joining.scorers`), and `shares` of these rows that have its answer.
    """
    rows = chosen_by(job, store)
    judged = Judged.of(job, store, rows)
    heard = Heard(
        output=output_of(job),
        told=judged.members,
        texts=as_one_text(take_rows(get_rows(store, job.inputs["x"]), rows)),
    )
    members = len(judged.members)
    found = [
        fit_scorer(heard.of(member, others_of(member, members)), judged.scores[:, member], judged.weights)
        for member in range(members)
    ]
    whom = for_whom_most_speaks(found, heard)
    shares = [float(np.average(whom == member, weights=judged.weights)) for member in range(members)]
    return JobResult(values={"scorers": [one.to_json() for one in found], "shares": shares})


def pick(job: Job, store: Store) -> JobResult:
    """What is selected of kept predictions: of the rows of a fold by its own scorers, of the test part by the last."""
    outputs: dict[str, Digest] = {}
    phases = {}
    if "oof" in job.outputs:
        folds, members = first_division(store, job.inputs["folds"]), members_of(job, store, "oof")
        texts = as_one_text(get_rows(store, job.inputs["x"]))
        parts = [np.flatnonzero(folds == fold) for fold in range(int(folds.max()) + 1)]
        said = [
            _picked(job, [take(member, rows) for member in members], [texts[row] for row in rows], scorers)
            for rows, scorers in zip(parts, job.params["fold_scorers"], strict=True)
        ]
        outputs["oof"] = put_values(store, take(concat(said), np.argsort(np.concatenate(parts))))
    if "test" in job.outputs:
        members, texts = members_of(job, store, "test"), as_one_text(get_rows(store, job.inputs["test_x"]))
        began = time.perf_counter()
        told = _picked(job, members, texts, job.params["scorers"])
        phases["predict"] = time.perf_counter() - began
        outputs["test"] = put_values(store, told)
    return JobResult(outputs=outputs, phases=phases)


def _picked(job: Job, members: Sequence[Values], texts: Sequence[str], scorers: Sequence[Any]) -> Values:
    heard = Heard(output=output_of(job), told=members, texts=texts)
    return selected([Scorer.from_json(one) for one in scorers], heard)
