"""Scoring a file of predictions against a task's truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.api.contest import Contest
from concours.api.formulas import meant
from concours.core.errors import DataError, nearest
from concours.core.marks import too_few
from concours.core.problem import Problem
from concours.core.seeds import derive_seed
from concours.core.written import number_in, written
from concours.stores.blobs import get_array
from concours.stores.memory import MemoryStore
from concours.tasks.cells import MISSING
from concours.tasks.labels import by_number
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.named import metric_named
from concours.tasks.readers.damage import existing
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source

Floats = NDArray[np.float64]

_ROUNDS = 200
_SUM = 0.01  # how far a row of probabilities may be from one: a hundred of them, written with four digits


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
    read = _named(_read(file, truth), truth)
    table, notes = _aligned(read, truth, file.name)
    given = _predictions(table, truth, file.name)
    target = "classes" if truth.classes else "number"
    labels = problem.classes or None
    metrics = [metric_named(m.name, target, len(truth.classes), labels=labels) for m in problem.metrics]
    fit = [found for found in metrics if found.needs in ("labels", "values") or given.probabilities is not None]
    lacking = f"needs probabilities, in columns {_some(_columns(truth.classes))}"
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
        y=get_array(store, problem.test.y),
        ids=[written(value) for value in ingested.test_ids.to_pylist()],
        positions=get_array(store, problem.test.ids),
        everything=ingested.rows,
        classes=problem.labels,
        groups=get_array(store, problem.test.groups) if problem.test.groups else None,
        weights=get_array(store, problem.test.weights) if problem.test.weights else None,
        id=task.id,
        target=str(task.target) if isinstance(task.target, (str, int)) else None,
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


@dataclass(frozen=True, kw_only=True)
class _Given:
    """What a file says of each row: values or labels as (rows, outputs), and probabilities (rows, classes)."""

    named: Floats
    probabilities: Floats | None = None
    notes: tuple[str, ...] = ()

    def of(self, found: Metric) -> Floats:
        """The predictions that a metric wants."""
        if found.needs in ("labels", "values") or self.probabilities is None:
            return self.named
        return self.probabilities


# The file


def _read(file: Path, truth: _Truth) -> pa.Table:
    """The table, its ids and labels as they are written."""
    if existing(file).is_dir():
        raise DataError(f"{file} is a folder; a file of predictions was expected")
    labels = ("prediction", truth.target) if truth.classes else ()
    apart = tuple(form for name in ("id", truth.id, *labels) if name for form in (name, f"'{name}"))
    options = Options(header=True, written=apart)
    table = open_source(file, Path(), options).x
    if any(label.casefold() in MISSING for label in truth.classes) and isinstance(table, pa.Table):
        kept = {name: "word" for name in apart if name in labels and name in table.column_names}
        table = open_source(file, Path(), replace(options, columns=kept)).x  # a class is called None, or the like
    if not isinstance(table, pa.Table):
        raise DataError(f"{file.name} holds no table; a table of predictions was expected")
    twice = [column for column, times in Counter(table.column_names).items() if times > 1]
    if twice:
        raise DataError(f"{file.name}: two columns are called {twice[0]!r}")
    return table


def _named(table: pa.Table, truth: _Truth) -> pa.Table:
    """The table with its ids called `id`, and its predictions `prediction`."""
    names = meant(table.column_names, {name for name in (truth.id, truth.target) if name})
    if truth.id in names and truth.id != "id":
        names = ["id" if name == truth.id else f"{name} of the file" if name == "id" else name for name in names]
    if truth.target in names and not any(name == "prediction" or name.startswith("p_") for name in names):
        names = ["prediction" if name == truth.target else name for name in names]
    return table.rename_columns(names)


def _aligned(table: pa.Table, truth: _Truth, name: str) -> tuple[pa.Table, list[str]]:
    """The rows of the test part in its order, and which of the file's these are."""
    expected, given = len(truth.ids), len(table)
    used = [f"{expected:,} of {given:,} rows are the test part; the others are not counted"]
    if "id" in table.column_names:
        ids = meant([written(value).strip() for value in table["id"].to_pylist()], truth.ids)
        return table.take(_places(ids, truth.ids, name)), used if given > expected else []
    if given == expected:
        return table, []
    if given == truth.everything:
        return table.take(pa.array(truth.positions)), used
    more = f", or {truth.everything} of the whole data" if truth.everything > expected else ""
    raise DataError(f"{name} has {given} rows and no column 'id'; expected the {expected} rows of the test part{more}")


def _places(given: Sequence[str], expected: Sequence[str], name: str) -> pa.Array:
    """Where each expected id stands in a file, which may have others too."""
    known = set(expected)
    twice = [key for key, times in Counter(key for key in given if key in known).items() if times > 1]
    if twice:
        raise DataError(f"{name}: {len(twice)} ids come more than once, first {twice[0]!r}")
    place = {key: index for index, key in enumerate(given)}
    missing = [key for key in expected if key not in place]
    if missing:
        raise DataError(
            f"{name}: {len(missing)} of the {len(expected)} ids of the test part are missing, first {missing[0]!r}; "
            f"the first id there is {given[0]!r}, and concours score --rows FILE writes those expected"
        )
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
    _refuse_missing(table, "prediction", "missing", name)
    cells = meant([written(label).strip() for label in table["prediction"].to_pylist()], truth.classes)
    if probabilities is None and (sure := _of_the_last(cells, truth.classes)) is not None:
        note = f"{name}: the predictions are taken as probabilities of {truth.classes[-1]!r}"
        return _Given(named=sure, probabilities=sure, notes=(note,))
    named, told = _labels(table, cells, truth.classes, name)
    return _Given(named=named, probabilities=probabilities, notes=told)


def _of_the_last(cells: Sequence[str], classes: tuple[str, ...]) -> Floats | None:
    """Probabilities (rows, 2), where one column has those of the last of two classes: no labels, but numbers to 1."""
    if (
        len(classes) != 2
        or set(cells) <= {*classes, *by_number(set(cells), classes)}
        or not all(number_in(cell) is not None for cell in cells)
    ):
        return None
    p = np.array([float(cell) for cell in cells])
    return np.stack([1 - p, p], axis=1) if ((p >= 0) & (p <= 1)).all() else None


def _labels(
    table: pa.Table, cells: Sequence[str], classes: tuple[str, ...], name: str
) -> tuple[Floats, tuple[str, ...]]:
    """Labels as certainties, (rows, classes), and how they were understood."""
    known = {label: code for code, label in enumerate(classes)}
    meant = by_number(set(cells), classes)
    known |= {label: known[other] for label, other in meant.items()}
    unknown = [index for index, label in enumerate(cells) if label not in known]
    if unknown:
        wrong = cells[unknown[0]]
        raise DataError(
            f"{name}: {len(unknown)} predictions are no class, first {wrong!r} in {_row(table, unknown[0])}; "
            f"{nearest(wrong, classes)}"
        )
    told = ", ".join(f"{label} as {other}" for label, other in sorted(meant.items())[:5])
    notes = (f"{name}: labels count by the number that they write: {told}",) if meant else ()
    return np.eye(len(classes))[[known[label] for label in cells]], notes


def _probabilities(table: pa.Table, columns: Sequence[str], classes: tuple[str, ...], name: str) -> Floats:
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
        wrong = next((value for value in table[column].to_pylist() if number_in(value) is None), None)
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
    return (
        f"the row with id {written(table['id'][index].as_py())!r}" if "id" in table.column_names else f"row {index + 1}"
    )


def _columns(classes: Sequence[str]) -> list[str]:
    """The columns of probabilities, as `concours predict --proba` writes them."""
    return [f"p_{label}" for label in classes]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
