"""Scoring a file of predictions against a task's truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.api.contest import Contest
from concours.core.errors import DataError
from concours.core.marks import too_few
from concours.core.problem import Problem
from concours.core.seeds import derive_seed
from concours.core.written import written
from concours.stores.blobs import get_array
from concours.stores.memory import MemoryStore
from concours.stores.values import get_values
from concours.tasks.metrics.metric import Metric
from concours.tasks.outputs.table import output_valued
from concours.tasks.predicted import Wanted, columns_of, read_file, some
from concours.tasks.sought import Sought, aligned

Floats = NDArray[np.float64]

_ROUNDS = 200


@dataclass(frozen=True, kw_only=True)
class Score:
    """A metric of a file of predictions, with its 95% interval; both are none where a number is not defined.

    Attributes:
        few: why the rows are too few for an interval; empty where they are not.
    """

    metric: str
    score: float | None
    ci: tuple[float, float] | None
    greater_is_better: bool
    few: str = ""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What a file of predictions is worth.

    Attributes:
        rows: how many were scored, all of the test part.
        given: how many rows the file has; those that are not of the test part count for nothing.
        not_scored: metrics that want what the file has not, and what that is.
        notes: how the file was read, for people.
    """

    name: str
    rows: int
    given: int
    scores: tuple[Score, ...]
    not_scored: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "task": self.name,
            "rows": self.rows,
            "rows_given": self.given,
            "metrics": {
                found.metric: {
                    "score": found.score,
                    "ci": list(found.ci) if found.ci else None,
                    "greater_is_better": found.greater_is_better,
                    "few": found.few,
                }
                for found in self.scores
            },
            "not_scored": dict(self.not_scored),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, kw_only=True)
class _Truth:
    """The test part of a task.

    Attributes:
        y: codes or values, (rows,).
        ids: as they are written, (rows,).
        positions: in the data that it was split off from, (rows,); `everything` is how many rows that has.
        classes: as they are written.
        groups: of rows that belong together, (rows,), where the split is by group.
        weights: of the rows, (rows,), where the task gives some.
        id, target: the columns of the task that have them, where these have names.
    """

    problem: Problem
    y: NDArray[Any]
    ids: list[str]
    positions: NDArray[np.int64]
    everything: int
    classes: tuple[str, ...]
    groups: NDArray[np.int64] | None
    weights: Floats | None
    id: str | None
    target: str | None

    @property
    def sought(self) -> Sought:
        """Its rows, as files have them, which may have others too."""
        return Sought(
            rows=len(self.ids),
            ids=self.ids,
            positions=self.positions,
            everything=self.everything,
            others=True,
            cure=", and concours score --rows FILE writes those expected",
        )


def score_predictions(contest: Contest, file: Path) -> Scored:
    """Scores a file of predictions by a contest's metrics, on the test part of its task.

    The file, a table of any form that data may have, has a column `prediction`, or of the target's name, a label or a
    number; or a column `p_` and the class for each class; or both. Of two classes the target's column may have the
    probability of the last. A column of the name that the task's ids have, or `id`, has the rows' ids, if the task has
    these, else their positions in the data, from 0; rows that are not of the test part are left out. Without it the
    file has the rows of the test part in order, or all rows of the data that it was split off from, in order.

    Raises:
        ContestError, DataError: the contest, its data or the file are wrong.
    """
    truth = _truth(contest)
    problem = truth.problem
    output, labels = output_valued(problem.output), problem.output.labels or None
    wanted = Wanted(classes=truth.classes, texts=output.texts, id=truth.id, target=truth.target)
    read = read_file(file, wanted)
    table, notes = aligned(read, truth.sought, file.name)
    given = output.given(table, file.name)
    metrics = [output.metric(metric.name, labels) for metric in problem.metrics]
    fit = [found for found in metrics if not given.lacks(found)]
    lacking = f"needs probabilities, in columns {some(columns_of(truth.classes))}"
    not_scored = {found.name: lacking for found in metrics if found not in fit}
    if not fit:
        first = next(iter(not_scored))
        raise DataError(f"{file.name}: {first} {not_scored[first]}; or add a metric of labels, e.g. accuracy")
    seed = derive_seed(contest.seed, "judge")
    return Scored(
        name=problem.name,
        rows=len(truth.y),
        given=len(read),
        scores=tuple(_score(found, truth, given.of(found), seed) for found in fit),
        not_scored=not_scored,
        notes=(*notes, *given.notes),
    )


def rows_to_predict(contest: Contest) -> pa.Table:
    """Which rows are the test part of a contest's task, without their targets: what a participant is to predict.

    One column: the task's ids under their own name, or `id`, positions in the data, from 0; in the order of the data.

    Raises:
        ContestError, DataError: the contest or its data are wrong.
    """
    truth = _truth(contest)
    return pa.table({truth.id or "id": truth.ids if truth.id else [int(place) for place in truth.ids]})


def _truth(contest: Contest) -> _Truth:
    from concours.engine.ingest import ingest

    store = MemoryStore()
    task = contest.task
    ingested = ingest(task, store, seed=contest.seed, folder=contest.folder)
    problem = ingested.problem
    if problem.test is None:
        raise DataError("the contest has no test part to score by: give task.test, or task.split.test above 0")
    return _Truth(
        problem=problem,
        y=get_values(store, problem.test.y),
        ids=[written(value) for value in ingested.test_ids.to_pylist()],
        positions=get_array(store, problem.test.ids),
        everything=ingested.rows,
        classes=problem.labels,
        groups=get_array(store, problem.test.groups) if problem.test.groups else None,
        weights=get_array(store, problem.test.weights) if problem.test.weights else None,
        id=task.id,
        target=task.target_column,
    )


def _score(found: Metric, truth: _Truth, p: Floats, seed: int) -> Score:
    means = found.means(truth.y, [p], seed=seed, rounds=_ROUNDS, groups=truth.groups, weights=truth.weights)
    (ci,) = found.intervals(means).tolist()
    value = float(means.means[0])
    return Score(
        metric=found.name,
        score=value if np.isfinite(value) else None,
        ci=(ci[0], ci[1]) if np.isfinite(ci).all() else None,
        greater_is_better=found.greater_is_better,
        few=too_few(means.few) if means.few else "",
    )
