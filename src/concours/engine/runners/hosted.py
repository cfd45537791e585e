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
from concours.engine.runners.score import evaluated
from concours.engine.work import JobResult
from concours.stores.blobs import get_array, put_array

_ONE = 1e-3
_PARTS = ("y", "weights", "effective", "groups")


def receive(job: Job, store: Store) -> JobResult:
    """Predictions that somebody sent, as float64: (rows, classes) probabilities, scaled to sums of 1, or (rows, 1).

    Raises:
        DataError: they are not there, or of another form.
    """
    rows, classes = job.params["rows"], job.params["classes"]
    try:
        sent = get_array(store, job.inputs["predictions"])
    except (ObjectNotFound, ObjectDamaged, ContentRefused) as error:
        raise DataError(f"the predictions cannot be read ({error}); send them again") from error
    wanted = (rows, classes or 1)
    if sent.dtype.kind not in "fiu" or sent.shape not in (wanted, wanted[: 1 + bool(classes)]):
        raise DataError(f"predictions must be numbers of shape {wanted}, got {sent.dtype} of shape {sent.shape}")
    p = np.asarray(sent, dtype=np.float64).reshape(wanted)
    if not np.isfinite(p).all():
        raise DataError(f"predictions must be finite; row {int(np.argmin(np.isfinite(p).all(axis=1)))} is not")
    if classes:
        sums = p.sum(axis=1)
        bad = (p < 0).any(axis=1) | (np.abs(sums - 1) > _ONE)
        if bad.any():
            row = int(np.argmax(bad))
            raise DataError(f"probabilities must be at least 0 and add up to 1; those of row {row} do not: {p[row]}")
        p = p / sums[:, None]
    return JobResult(outputs={"test": put_array(store, p)})


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
    of = job.params["of"]
    try:
        with store.open(job.inputs["problem"]) as file:
            value = {**json.loads(file.read()), "name": of["name"]}
        problem = Problem.from_json(value)
        for digest in sorted({*(problem.test.objects if problem.test else ()), *filter(None, [problem.public])}):
            store.local_path(digest)
    except (ObjectNotFound, ObjectDamaged) as error:
        raise DataError(
            f"the problem cannot be read ({error}); keep it and its data, and send the signal again"
        ) from error
    except (ContentRefused, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(f"what this digest names is no problem ({error}); name one by its digest") from error
    theirs, ours = (_settled(one.to_json()) for one in (problem, Problem.from_json(dict(of))))
    if differing := [name for name in ours if theirs[name] != ours[name]]:
        raise DataError(
            f"a board is rescored by other targets of the same rows; this problem differs in {', '.join(differing)}"
        )
    return JobResult(values={"problem": problem.to_json()})


def keep_problem(problem: Problem, store: Store) -> Digest:
    """Keeps a problem so that a signal can name it: the content's digest is the problem's own."""
    return store.put(io.BytesIO(canonical_json({k: v for k, v in problem.to_json().items() if k != "name"})))


def _settled(problem: Mapping[str, Any]) -> dict[str, Any]:
    """What no rescoring changes."""
    test = {name: value for name, value in (problem["test"] or {}).items() if name not in _PARTS}
    return {**{name: value for name, value in problem.items() if name not in ("metrics", "public")}, "test": test}


def _rows(job: Job, store: Store) -> NDArray[np.int64] | None:
    if "public" not in job.inputs:
        return None
    public = get_array(store, job.inputs["public"])
    return np.flatnonzero(public if job.params["part"] == "public" else ~public)
