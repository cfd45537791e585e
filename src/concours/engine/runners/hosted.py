"""What a hosted board has done: predictions are received, entries ranked on a part of the rows, other problems read.

What somebody sent may be gone, damaged or of another form. That is their failure, with a reason, and never the board's.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest, canonical_json
from concours.core.errors import ContentRefused, DataError, ObjectDamaged, ObjectNotFound
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.problem import Problem
from concours.engine.outputs import output_of
from concours.engine.runners.score import evaluated
from concours.engine.work import JobResult
from concours.stores.blobs import get_array
from concours.stores.values import get_values, put_values

_PARTS = ("y", "weights", "effective", "groups")


def receive(job: Job, store: Store) -> JobResult:
    """Predictions that somebody sent, in the form of the task's output (`OutputKind.accepted`).

    Raises:
        DataError: they are not there, or of another form.
    """
    try:
        sent = get_values(store, job.inputs["predictions"])
    except (ObjectNotFound, ObjectDamaged, ContentRefused) as error:
        raise DataError(f"the predictions cannot be read ({error}); send them again") from error
    return JobResult(outputs={"test": put_values(store, output_of(job).accepted(sent, job.params["rows"]))})


def rank(job: Job, store: Store) -> JobResult:
    """Every metric of every entry, with intervals and ranks, on the public rows or on the rest, as `evaluate` tells it.

    Where public rows are not told apart, both are all rows.
    """
    return JobResult(values=evaluated(job, store, _rows(job, store)))


def rescore(job: Job, store: Store) -> JobResult:
    """Another problem, as JSON, that may take the place of a board's: in it the targets, weights and groups of the test
    rows, which of them are public, and the metrics may differ.

    Raises:
        DataError: it is not there, or differs in something else.
    """
    ours = Problem.from_json(dict(job.params["of"]))
    try:
        with store.open(job.inputs["problem"]) as file:
            problem = Problem.from_content(json.loads(file.read()), ours)
        for digest in sorted({*(problem.test.objects if problem.test else ()), *filter(None, [problem.public])}):
            store.local_path(digest)
    except (ObjectNotFound, ObjectDamaged) as error:
        raise DataError(
            f"the problem cannot be read ({error}); keep it and its data, and send the signal again"
        ) from error
    except (ContentRefused, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(f"what this digest names is no problem ({error}); name one by its digest") from error
    theirs, known = (_settled(one.content) for one in (problem, ours))
    if differing := [name for name in sorted({*known, *theirs}) if theirs.get(name) != known.get(name)]:
        raise DataError(
            f"a board is rescored by other targets of the same rows; this problem differs in {', '.join(differing)}"
        )
    return JobResult(values={"problem": problem.to_json()})


def keep_problem(problem: Problem, store: Store) -> Digest:
    """Keeps a problem so that a signal can name it: the content's digest is the problem's own."""
    return store.put(io.BytesIO(canonical_json(problem.content)))


def _settled(problem: Mapping[str, Any]) -> dict[str, Any]:
    """What no rescoring changes."""
    test = {name: value for name, value in (problem["test"] or {}).items() if name not in _PARTS}
    return {**{name: value for name, value in problem.items() if name not in ("metrics", "public")}, "test": test}


def _rows(job: Job, store: Store) -> NDArray[np.int64] | None:
    if "public" not in job.inputs:
        return None
    public = get_array(store, job.inputs["public"])
    return np.flatnonzero(public if job.params["part"] == "public" else ~public)
