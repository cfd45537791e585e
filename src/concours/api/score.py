"""Scoring a file of predictions against a task's truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.api.contest import Contest
from concours.commons.blobs import get_array
from concours.commons.memory import MemoryStore
from concours.core.errors import DataError, nearest
from concours.core.seeds import derive_seed
from concours.tasks.metrics import Measure, measure
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source

Floats = NDArray[np.float64]

_ROUNDS = 200
_SUM = 0.01  # how far a row of probabilities may be from one: a hundred of them, written with four digits


@dataclass(frozen=True, kw_only=True)
class Score:
    """A metric of a file of predictions, with its 95% interval; both are none where a number is not defined."""

    metric: str
    score: float | None
    ci: tuple[float, float] | None
    greater_is_better: bool


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What a file of predictions is worth.

    Attributes:
        rows: how many were scored, all of the test part.
        not_scored: metrics that want what the file has not, and what that is.
    """

    name: str
    rows: int
    scores: tuple[Score, ...]
    not_scored: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "task": self.name,
            "rows": self.rows,
            "metrics": {
                found.metric: {
                    "score": found.score,
                    "ci": list(found.ci) if found.ci else None,
                    "greater_is_better": found.greater_is_better,
                }
                for found in self.scores
            },
            "not_scored": dict(self.not_scored),
        }


@dataclass(frozen=True, kw_only=True)
class _Truth:
    """The test part of a task.

    Attributes:
        y: codes or values, (rows,).
        ids: as texts, (rows,).
        positions: in the data that it was split off from, (rows,); `everything` is how many rows that has.
        groups: of rows that belong together, (rows,), where the split is by group.
        weights: of the rows, (rows,), where the task gives some.
    """

    y: NDArray[Any]
    ids: list[str]
    positions: NDArray[np.int64]
    everything: int
    classes: tuple[Any, ...]
    groups: NDArray[np.int64] | None
    weights: Floats | None


def score_predictions(contest: Contest, file: Path) -> Scored:
    """Scores a file of predictions by a contest's metrics, on the test part of its task.

    The file, a table of any form that data may have, has a column `prediction`, a label or a number; or a column `p_`
    and the class for each class; or both. A column `id`, or of the name that the task's ids have, has the rows' ids, if
    the task has these, else their positions in the data, from 0. Without it the file has the rows of the test part in
    order, or all rows of the data that the test part was split off from, in order.

    Raises:
        ContestError, DataError: the contest, its data or the file are wrong.
    """
    from concours.engine.ingest import ingest

    store = MemoryStore()
    ingested = ingest(contest.task, store, seed=contest.seed, folder=contest.folder)
    problem = ingested.problem
    if problem.test is None:
        raise DataError("the contest has no test part to score by: give task.test, or task.split.test above 0")
    truth = _Truth(
        y=get_array(store, problem.test.y),
        ids=[_key(value) for value in ingested.test_ids.to_pylist()],
        positions=get_array(store, problem.test.ids),
        everything=ingested.rows,
        classes=problem.classes,
        groups=get_array(store, problem.test.groups) if problem.test.groups else None,
        weights=get_array(store, problem.test.weights) if problem.test.weights else None,
    )
    table = _aligned(_named(_read(file), contest.task.id), truth, file.name)
    given = _predictions(table, truth, file.name)
    target = "classes" if truth.classes else "number"
    measures = [measure(m.name, target, len(truth.classes), labels=truth.classes or None) for m in problem.metrics]
    fit = [found for found in measures if found.needs in ("labels", "values") or given.probabilities is not None]
    lacking = f"needs probabilities, in columns {_some(_columns(truth.classes))}"
    not_scored = {found.metric.name: lacking for found in measures if found not in fit}
    if not fit:
        first = next(iter(not_scored))
        raise DataError(f"{file.name}: {first} {not_scored[first]}; or add a metric of labels, e.g. accuracy")
    seed = derive_seed(contest.seed, "judge")
    scores = tuple(_score(found, truth, given.of(found), seed) for found in fit)
    return Scored(name=problem.name, rows=len(truth.y), scores=scores, not_scored=not_scored)


def _score(found: Measure, truth: _Truth, p: Floats, seed: int) -> Score:
    means = found.means(truth.y, [p], seed=seed, rounds=_ROUNDS, groups=truth.groups, weights=truth.weights)
    (ci,) = found.intervals(means).tolist()
    value = float(means.means[0])
    return Score(
        metric=found.metric.name,
        score=value if np.isfinite(value) else None,
        ci=(ci[0], ci[1]) if np.isfinite(ci).all() else None,
        greater_is_better=found.metric.greater_is_better,
    )


@dataclass(frozen=True, kw_only=True)
class _Given:
    """What a file says of each row: values or labels as (rows, outputs), and probabilities (rows, classes)."""

    named: Floats
    probabilities: Floats | None = None

    def of(self, found: Measure) -> Floats:
        """The predictions that a metric wants."""
        if found.needs in ("labels", "values") or self.probabilities is None:
            return self.named
        return self.probabilities


# The file


def _read(file: Path) -> pa.Table:
    if not file.exists():
        raise DataError(f"{file} does not exist")
    if file.is_dir():
        raise DataError(f"{file} is a folder; a file of predictions was expected")
    table = open_source(file, Path(), Options(header=True)).x
    if not isinstance(table, pa.Table):
        raise DataError(f"{file.name} holds no table; a table of predictions was expected")
    twice = [column for column, times in Counter(table.column_names).items() if times > 1]
    if twice:
        raise DataError(f"{file.name}: two columns are called {twice[0]!r}")
    return table


def _named(table: pa.Table, column: str | None) -> pa.Table:
    """The table with its ids called `id`."""
    if column is None or "id" in table.column_names:
        return table
    return table.rename_columns(["id" if name == column else name for name in table.column_names])


def _aligned(table: pa.Table, truth: _Truth, name: str) -> pa.Table:
    """The rows of the test part in its order."""
    expected = len(truth.ids)
    if "id" in table.column_names:
        return table.take(_places([_key(value) for value in table["id"].to_pylist()], truth.ids, name))
    if len(table) == expected:
        return table
    if len(table) == truth.everything:
        return table.take(pa.array(truth.positions))
    more = f", or {truth.everything} of the whole data" if truth.everything > expected else ""
    raise DataError(
        f"{name} has {len(table)} rows and no column 'id'; expected the {expected} rows of the test part{more}"
    )


def _places(given: Sequence[str], expected: Sequence[str], name: str) -> pa.Array:
    """Where each expected id stands in a file."""
    if len(set(given)) < len(given):
        twice = [key for key, times in Counter(given).items() if times > 1]
        raise DataError(f"{name}: {len(twice)} ids come more than once, first {twice[0]!r}")
    place = {key: index for index, key in enumerate(given)}
    missing = [key for key in expected if key not in place]
    known = set(expected)
    extra = [key for key in given if key not in known]
    told = [f"{len(ids)} ids {what}, first {ids[0]!r}" for ids, what in
            ((missing, "of the test part are missing"), (extra, "are not of the test part")) if ids]  # fmt: skip
    if told:
        raise DataError(f"{name}: {'; '.join(told)}; expected {len(expected)} ids like {expected[0]!r}")
    return pa.array([place[key] for key in expected])


def _predictions(table: pa.Table, truth: _Truth, name: str) -> _Given:
    columns = [column for column in table.column_names if column.startswith("p_")] if truth.classes else []
    if "prediction" not in table.column_names and not columns:
        wanted = "a column 'prediction'" + (f", or {_some(_columns(truth.classes))}" if truth.classes else "")
        known = nearest("prediction", table.column_names)
        raise DataError(f"{name}: {wanted} was expected; {known}")
    if not truth.classes:
        return _Given(named=_numbers(table, "prediction", name)[:, None])
    probabilities = _probabilities(table, columns, truth.classes, name) if columns else None
    if "prediction" not in table.column_names:
        assert probabilities is not None  # noqa: S101 (for the type checker)
        return _Given(named=probabilities, probabilities=probabilities)
    return _Given(named=_labels(table, truth.classes, name), probabilities=probabilities)


def _labels(table: pa.Table, classes: tuple[Any, ...], name: str) -> Floats:
    """Labels as certainties, (rows, classes)."""
    _refuse_missing(table, "prediction", "missing", name)
    known = {_key(label): code for code, label in enumerate(classes)}
    labels = [_key(label) for label in table["prediction"].to_pylist()]
    unknown = [index for index, label in enumerate(labels) if label not in known]
    if unknown:
        wrong = labels[unknown[0]]
        raise DataError(
            f"{name}: {len(unknown)} predictions are no class, first {wrong!r} in {_row(table, unknown[0])}; "
            f"{nearest(wrong, list(known))}"
        )
    return np.eye(len(classes))[[known[label] for label in labels]]


def _probabilities(table: pa.Table, columns: Sequence[str], classes: tuple[Any, ...], name: str) -> Floats:
    """Probabilities (rows, classes), each row scaled to sum to one."""
    wanted = _columns(classes)
    for column in columns:
        if column not in wanted:
            raise DataError(f"{name}: column {column!r} is of no class; {nearest(column, wanted)}")
    for column in wanted:
        if column not in columns:
            raise DataError(f"{name}: column {column!r} is missing; a column for each class was expected")
    p = np.stack([_numbers(table, column, name) for column in wanted], axis=1)
    beyond = np.argwhere((p < 0) | (p > 1 + _SUM))
    if len(beyond):
        row, code = beyond[0]
        raise DataError(
            f"{name}: {wanted[code]} is {p[row, code]:g} in {_row(table, int(row))}; a probability was expected"
        )
    sums = p.sum(axis=1)
    off = np.flatnonzero(np.abs(sums - 1) > _SUM)
    if len(off):
        raise DataError(
            f"{name}: the probabilities of {len(off)} rows do not sum to one, first {_row(table, int(off[0]))}, "
            f"whose sum is {sums[off[0]]:.4g}"
        )
    return np.asarray(p / sums[:, None])


def _numbers(table: pa.Table, column: str, name: str) -> Floats:
    """A column of finite numbers, (rows,)."""
    _refuse_missing(table, column, "missing, NaN or infinite", name)
    try:
        values = table[column].cast(pa.float64(), safe=False).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        wrong = next((value for value in table[column].to_pylist() if not _is_number(value)), None)
        raise DataError(f"{name}: {column} must hold numbers, got {str(wrong)[:40]!r}") from None
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise DataError(
            f"{name}: {column} is {values[bad[0]]} in {len(bad)} rows, first in {_row(table, int(bad[0]))}; "
            "finite numbers were expected"
        )
    return np.asarray(values)


def _refuse_missing(table: pa.Table, column: str, what: str, name: str) -> None:
    gaps = table[column].is_null(nan_is_null=True)
    if count := pc.sum(gaps).as_py():
        first = _row(table, pc.index(gaps, True).as_py())
        raise DataError(f"{name}: {column} is {what} in {count} rows, first in {first}")


def _row(table: pa.Table, index: int) -> str:
    """A row as a person finds it: by its id, else by its number among those that are scored."""
    return f"the row with id {_key(table['id'][index].as_py())!r}" if "id" in table.column_names else f"row {index + 1}"


def _columns(classes: Sequence[Any]) -> list[str]:
    """The columns of probabilities, as `concours predict --proba` writes them."""
    return [f"p_{label}" for label in classes]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _key(value: Any) -> str:
    """What an id or a label is compared by: 1, 1.0 and "1" are the same."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
