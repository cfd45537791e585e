"""What the predictions show: each fold alone, and what the default model gets wrong, where, and how sure it was."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.core.registry import load
from concours.core.slices import LEAST, Grouping
from concours.core.values import take
from concours.engine.outputs import output_of
from concours.engine.rows import first_division, get_rows, shown_table, stills
from concours.engine.runners.score import as_taken, decided, groups_of, metric_of_rows, metrics_of, weights_of
from concours.engine.work import JobResult
from concours.insights.diagnosis import Predicted
from concours.insights.slicing import by_group, sliced
from concours.kernels.scoring.rounded import finite
from concours.stores.blobs import get_array, get_table, is_table, texts_in
from concours.stores.values import get_values
from concours.tasks import slices


def by_fold(job: Job, store: Store) -> JobResult:
    """`scores`: the ranking metric of each model on each fold of the first division; none where undefined."""
    metric = metrics_of(job)[0]
    y, folds = get_values(store, job.inputs["y"]), first_division(store, job.inputs["folds"])
    parts = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    weights = [weights_of(job, store, rows) for rows in parts]
    scores = []
    for index, decision in enumerate(job.params["decisions"]):
        told = as_taken(metric, get_values(store, job.inputs[f"predictions{index}"]), decision, folds)
        scores.append(
            [finite(metric.score(take(y, rows), take(told, rows), w)) for rows, w in zip(parts, weights, strict=True)]
        )
    return JobResult(values={"scores": scores})


def diagnose(job: Job, store: Store) -> JobResult:
    """What one model's predictions of a part show.

    Inputs `y`, `predictions`, `x` (raw inputs), and `folds` where the predictions are out-of-fold; `weights` count in
    the curves alone, so that their areas are the board's: all else counts rows as they are. `called`, where groups have
    names: a table with a column of these. Parameters as of
    `evaluate`, with `decision` of the model. Classes are told by their codes, rows by their positions in the part.

    Values: what the output's own diagnosis tells (`insights.diagnosis`), and where the score is worse than elsewhere
    (`insights.slicing.sliced`); and, of groups that have names, `groups` (`insights.slicing.by_group`).
    """
    y, p = get_values(store, job.inputs["y"]), get_values(store, job.inputs["predictions"])
    folds = first_division(store, job.inputs["folds"]) if "folds" in job.inputs else None
    rng = np.random.default_rng(job.seed)
    decision = job.params["decision"]
    metric, output = metric_of_rows(job), output_of(job)
    scores = metric.row_scores(y, as_taken(metric, p, decision, folds))
    called = get_table(store, job.inputs["called"]) if "called" in job.inputs else None
    own = load(output.can["diagnose"])(
        Predicted(
            y=y,
            p=p,
            told=decided(p, decision, folds),
            losses=-metric.sign * scores,
            written=output.written,
            weights=weights_of(job, store),
            rng=rng,
            meta=output.meta,
            rows=partial(get_rows, store, job.inputs["x"]),
            called={} if called is None else {name: _names(called, name) for name in called.column_names},
        )
    )
    ways, taught = partial(_groupings, job, store, y), folds is not None
    found = sliced(metric, scores, ways, groups_of(job, store), taught=taught, rng=rng)
    if called is None:
        return JobResult(values={**own, **found})
    first = called.column_names[0]
    return JobResult(values={**own, **found, "groups": by_group(metric, scores, first, _names(called, first))})


def _names(called: pa.Table, column: str) -> list[str]:
    """What the group of each row is called, or where in it the row lies, (rows,)."""
    return [str(name) for name in called[column].to_pylist()]


def _groupings(job: Job, store: Store, y: Any, rows: NDArray[np.int64]) -> list[Grouping]:
    """Ways to tell some rows apart: by raw inputs, which are pictures where they can be drawn, and by targets."""
    return [*of_inputs(job, store, rows), *output_of(job).slices(take(y, rows))]


def of_inputs(job: Job, store: Store, rows: NDArray[np.int64], least: int = LEAST) -> Iterator[Grouping]:
    """Ways to tell some rows apart by their inputs; a group of a table's rows has so many at least."""
    x = job.inputs["x"]
    if not is_table(store, x):
        seen = {"pictures", "clips"} & {*job.params["rows"]}
        return slices.of_pictures(stills(get_array(store, x)), rows) if seen else iter(())
    table = shown_table(store, x, job.params["rows"])
    some = table if len(rows) == len(table) else table.take(rows)
    return slices.of_table(some, least) if texts_in(table) is None else slices.of_texts(some.column(0))
