"""What a hosted board has done: predictions are received, entries ranked on a part of the rows, other problems read.

What somebody sent may be gone, damaged or of another form. That is their failure, with a reason, and never the board's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.errors import ContentRefused, DataError, ObjectDamaged, ObjectNotFound
from concours.core.job import Job
from concours.core.own_scoring import OwnScoring
from concours.core.ports import Store
from concours.core.problem import Problem
from concours.core.values import take
from concours.engine.outputs import output_of
from concours.engine.runners.ranked import ranked
from concours.engine.runners.score import JUDGE_ROUNDS, as_taken, evaluated, groups_of, metrics_of, weights_of
from concours.engine.uploaded import uploaded
from concours.engine.work import JobResult
from concours.kernels.ranking.ladder import climbs
from concours.kernels.ranking.ranks import competition_ranks
from concours.kernels.ranking.sides import chosen
from concours.stores.blobs import get_array
from concours.stores.values import get_values, put_values
from concours.tasks.outputs.table import output_told
from concours.tasks.predicted import ID, Wanted, checked_enough, read_file
from concours.tasks.sought import Sought, aligned

_ONE_NUMBER: Final = "the host's own scorer gives one number, so nothing tells how sure it is"
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


def receive_file(job: Job, store: Store) -> JobResult:
    """Predictions for the test part in a file that somebody sent, in the form of the task's output.

    Inputs: `file`, as it was sent; `names`, what the rows are called. Params: `called`, the file's name; `rows`, how
    many; `metrics`, that which ranks; `labels`, as they are written; `id` and `target`, the task's columns of these.
    Output: `test`. Values: `notes`, how the file was understood.

    Raises:
        DataError: it is not there, is damaged, or is wrong in some rows, with the first of them one by one.
    """
    params, called = job.params, job.params["called"]
    output = output_told(params["output"], params["labels"])
    names = get_values(store, job.inputs["names"]).to_pylist() if "names" in job.inputs else None
    wanted = Wanted(classes=tuple(params["labels"]), texts=output.texts, id=params["id"], target=params["target"])
    with uploaded(store, job.inputs["file"], called) as file:
        table, notes = aligned(
            read_file(file, wanted), Sought(rows=params["rows"], ids=names, named=True), called, params["id"] or ID
        )
    given = output.given(table, called)
    more = checked_enough(given, metrics_of(job)[0], params["labels"], called)
    try:
        values = output.accepted(given.whole, params["rows"])
    except DataError as error:
        raise DataError(f"{called}: {error}") from None
    notes = (*notes, *(more if output.estimator == "classifier" else given.notes))
    return JobResult(outputs={"test": put_values(store, values)}, values={"notes": list(notes)})


def rank(job: Job, store: Store) -> JobResult:
    """Every metric of entries, with intervals and ranks, on the public rows or on the rest, as `evaluate` tells it.

    Where public rows are not told apart, both are all rows. Params: `alone` of one entry by itself; else `sides`, of
    each entry the number of whom it belongs to, none of one that has no place. Of several of one side the best by the
    ranking metric has the place, the first of equal ones; the others are tested with them, since the best was chosen
    by the same rows.
    """
    rows = _rows(job, store)
    if job.params["alone"]:
        return JobResult(values=evaluated(job, store, rows))
    return JobResult(values=ranked(job, store, rows))


def climb(job: Job, store: Store) -> JobResult:
    """Whether the second of two entries is better than the first on the public rows beyond chance, as `climbs`: by the
    ranking metric (`kernels.ranking.ladder`).
    """
    rows = _rows(job, store)
    y, groups = get_values(store, job.inputs["y"]), groups_of(job, store)
    told = [get_values(store, job.inputs[f"predictions{place}"]) for place in range(2)]
    if rows is not None:
        y, told = take(y, rows), [take(p, rows) for p in told]
        groups = None if groups is None else np.unique(groups[rows], return_inverse=True)[1]
    metric, weights = metrics_of(job)[0], weights_of(job, store, rows)
    told = [as_taken(metric, p, decision, None) for p, decision in zip(told, job.params["decisions"], strict=True)]
    means = metric.means(y, told, seed=job.seed, rounds=JUDGE_ROUNDS, groups=groups, weights=weights)
    return JobResult(values={"climbs": climbs(means, greater_is_better=metric.greater_is_better)})


def rank_scores(job: Job, store: Store) -> JobResult:  # noqa: ARG001 (the form of a runner)
    """The same of scores that a host's own program gave: ranks by each metric, equal scores sharing the better one.

    Nothing is known of rows, so there are no intervals, no ranges of ranks and no tiers, and `unsure` says so. Params:
    `scores` of each entry by metric, none where there is none; `goals`, pairs of a name and whether greater is
    better; `sides` as of `rank`.
    """
    scores, sides, metrics = job.params["scores"], job.params["sides"], job.params["goals"]
    values = {name: [one.get(name) for one in scores] for name, _ in metrics}
    ranking, greater = metrics[0]
    first = np.array([np.nan if value is None else value for value in values[ranking]], dtype=np.float64)
    standing = chosen(first, sides, greater_is_better=greater)
    rank = dict(zip(standing, competition_ranks(first[standing], greater_is_better=greater).tolist(), strict=True))
    nothing = [None] * len(scores)
    return JobResult(
        values={
            "scores": values,
            "intervals": dict.fromkeys(values, nothing),
            "ranks": dict.fromkeys(values, nothing),
            "unsure": {name: [_ONE_NUMBER] * len(scores) for name in values},
            "ci": nothing,
            "rank": [rank.get(place) for place in range(len(scores))],
            "rank_best": nothing,
            "rank_worst": nothing,
            "tier": nothing,
        }
    )


def rescore(job: Job, store: Store) -> JobResult:
    """Another problem, as JSON, that may take the place of a board's: in it the targets, weights and groups of the test
    rows, which of them are public, and the metrics may differ. A host's own scoring may be another in all.

    Raises:
        DataError: it is not there, or differs in something else.
    """
    ours = _scoring(job.params["of"])
    try:
        with store.open(job.inputs["problem"]) as file:
            problem = _read(json.loads(file.read()), ours)
        for digest in sorted(_objects(problem)):
            store.local_path(digest)
    except (ObjectNotFound, ObjectDamaged) as error:
        raise DataError(
            f"the problem cannot be read ({error}); keep it and its data, and send the signal again"
        ) from error
    except (ContentRefused, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(f"what this digest names is no problem ({error}); name one by its digest") from error
    if isinstance(ours, Problem):
        _require_alike(problem.content, ours.content)
    return JobResult(values={"problem": problem.to_json()})


def _require_alike(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    theirs, ours = _settled(theirs), _settled(ours)
    if differing := [name for name in sorted({*ours, *theirs}) if theirs.get(name) != ours.get(name)]:
        raise DataError(
            f"a board is rescored by other targets of the same rows; this problem differs in {', '.join(differing)}"
        )


def _scoring(value: Mapping[str, Any]) -> Problem | OwnScoring:
    """A board's problem, or a host's own scoring."""
    return OwnScoring.from_json(dict(value)) if "scorer" in value else Problem.from_json(dict(value))


def _read(content: Any, like: Problem | OwnScoring) -> Problem | OwnScoring:
    if isinstance(like, OwnScoring):
        return OwnScoring.from_content(content, like)
    return Problem.from_content(content, like)


def _objects(scoring: Problem | OwnScoring) -> frozenset[Digest]:
    if isinstance(scoring, OwnScoring):
        return scoring.objects
    return frozenset({*(scoring.test.objects if scoring.test else ()), *filter(None, [scoring.public])})


def keep_names(names: Sequence[str], store: Store) -> Digest:
    """Keeps what the rows of a test part are called, as files of predictions name them (`engine.ingest.names_of`)."""
    return put_values(store, pa.array(names, pa.string()))


def _settled(problem: Mapping[str, Any]) -> dict[str, Any]:
    """What no rescoring changes."""
    test = {name: value for name, value in (problem["test"] or {}).items() if name not in _PARTS}
    return {**{name: value for name, value in problem.items() if name not in ("metrics", "public")}, "test": test}


def _rows(job: Job, store: Store) -> NDArray[np.int64] | None:
    if "public" not in job.inputs:
        return None
    public = get_array(store, job.inputs["public"])
    return np.flatnonzero(public if job.params["part"] == "public" else ~public)
