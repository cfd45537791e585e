"""Files of predictions: what they say of which row, as `concours predict` writes them, and as `score` takes them.

A file is a table of any form that data may have, with a column `prediction`, or of the target's name, a label or a
number; or a column `p_` and the class for each class; or both. Arrays in an `.npz` file are columns by their names, one
of `p` (rows, classes) those of the classes. Of two classes the target's column may have the
probability of the last. A column of the name that the task's ids have, or `id`, has the rows' ids. Of questions a
column `response` may have what a model said instead, in which the task's rule finds the answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError, nearest
from concours.core.written import number_in, written
from concours.tasks.cells import MISSING, gaps_of
from concours.tasks.faults import MOST, likely, refuse_rows, told, with_lines
from concours.tasks.formulas import is_for_sheets, meant, texts_meant
from concours.tasks.labels import by_number
from concours.tasks.metrics.metric import Metric
from concours.tasks.places import Places
from concours.tasks.readers.archives import entry_at
from concours.tasks.readers.damage import existing
from concours.tasks.readers.listing import suffix_of
from concours.tasks.readers.numpy_files import loaded_all
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source

Floats = NDArray[np.float64]

ID = "id"
"""What the column of ids is called in a table that was read here."""

NO_NUMBERS: Final = (ValueError, TypeError, OverflowError, RecursionError)
"""What is raised of a cell that is no JSON of numbers, one of too many digits or brackets among them."""

RESPONSE = "response"
"""The column of what models said, where an answer is still to be found in it."""

_PROBABILITIES: Final = "p"
_ARRAYS: Final = "id (rows,) and prediction (rows,) or p (rows, classes)"
_LINES: Final = (".jsonl", ".ndjson")

_SHOWN: Final = 40  # characters of a cell
_SUM = 0.01  # how far a row of probabilities may be from one: a hundred of them, written with four digits


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a file of predictions is read by.

    Attributes:
        classes: as they are written; none where there are none.
        texts: whether texts are predicted: they stay as the file writes them, and none says that it is missing.
        id, target: the columns of the task that have them, where these have names.
    """

    classes: tuple[str, ...]
    texts: bool = False
    id: str | None = None
    target: str | None = None


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a file says of each row: values or labels as (rows, …), and probabilities (rows, classes).

    Attributes:
        notes: how it was understood, for people.
    """

    named: Any
    probabilities: Floats | None = None
    notes: tuple[str, ...] = ()

    def of(self, found: Metric) -> Any:
        """The predictions that a metric wants."""
        return self.named if not self.lacks(found) and found.needs in ("labels", "values") else self.whole

    def lacks(self, found: Metric) -> bool:
        """Whether a metric wants probabilities, and there are labels alone."""
        return found.needs not in ("labels", "values") and self.probabilities is None

    @property
    def whole(self) -> Any:
        """All that is said in one array: probabilities where there are any."""
        return self.named if self.probabilities is None else self.probabilities


def read_file(file: Path, wanted: Wanted) -> pa.Table:
    """The table, with its ids called `id` and its predictions `prediction`; ids and labels as they are written.

    Raises:
        DataError: it cannot be read, is no table, or has two columns of one name.
    """
    table, line, rows = _read(file, wanted)
    return with_lines(_named(table, wanted), line, rows)


def _read(file: Path, wanted: Wanted) -> tuple[pa.Table, int | None, Places | None]:
    """The table, the line of its first row, where rows are lines, and which rows of the file there are."""
    if existing(file).is_dir():
        raise DataError(f"{file} is a folder; a file of predictions was expected")
    if suffix_of(file.name) == ".npz":
        return _of_arrays(file, wanted), None, None
    labels = ("prediction", wanted.target) if wanted.classes or wanted.texts else ()
    labels = (*labels, RESPONSE) if wanted.texts else labels
    apart = tuple(form for name in ("id", wanted.id, *labels) if name for form in (name, f"'{name}"))
    options = Options(input="table", header=True, written=apart, missing=() if wanted.texts else None)
    opened = open_source(file, Path(), options)
    table = opened.x
    if any(label.casefold() in MISSING for label in wanted.classes) and isinstance(table, pa.Table):
        kept = {name: "word" for name in apart if name in labels and name in table.column_names}
        table = open_source(file, Path(), replace(options, columns=kept)).x  # a class is called None, or the like
    if not isinstance(table, pa.Table):
        raise DataError(f"{file.name} holds no table; a table of predictions was expected")
    twice = [column for column, times in Counter(table.column_names).items() if times > 1]
    if twice:
        raise DataError(f"{file.name}: two columns are called {twice[0]!r}")
    line = 1 if suffix_of(file.name) in _LINES else None if opened.header is None else opened.header + 1
    return table, line, opened.rows


def _of_arrays(file: Path, wanted: Wanted) -> pa.Table:
    """Arrays with a row each as columns of their names; `p` (rows, classes) as those of the classes."""
    arrays = {name: array for name, array in loaded_all(entry_at(file)).items() if array.ndim}
    columns = columns_of(wanted.classes)
    told = ", ".join(f"{name} {array.shape}" for name, array in list(arrays.items())[:8]) or "none"
    if len({len(array) for array in arrays.values()}) != 1:
        raise DataError(f"{file.name}: arrays with a row each were expected, {_ARRAYS}; got {told}")
    if (p := arrays.pop(_PROBABILITIES, None)) is not None:
        if p.ndim != 2 or p.shape[1] != len(columns):
            raise DataError(f"{file.name}: {_PROBABILITIES} (rows, {len(columns)}) was expected, got {told}")
        arrays |= {column: p[:, place] for place, column in enumerate(columns)}
    return pa.table({name: _column(array) for name, array in arrays.items()})


def _column(array: NDArray[Any]) -> pa.Array:
    """An array (rows, …) as a column: of more than one dimension of lists."""
    if array.ndim > 1:
        return pa.array(array.reshape(len(array), -1).tolist())
    return pa.array(array.astype(str) if array.dtype.kind in "UTO" else array)


def _named(table: pa.Table, wanted: Wanted) -> pa.Table:
    """The table with its ids called `id`, and its predictions `prediction`."""
    names = meant(table.column_names, {name for name in (wanted.id, wanted.target) if name})
    if wanted.id in names and wanted.id != "id":
        names = ["id" if name == wanted.id else f"{name} of the file" if name == "id" else name for name in names]
    if wanted.target in names and not any(name == "prediction" or name.startswith("p_") for name in names):
        names = ["prediction" if name == wanted.target else name for name in names]
    return table.rename_columns(names)


def checked_enough(given: Given, ranking: Metric, classes: Sequence[str], name: str) -> tuple[str, ...]:
    """What is to be known of how predictions were given: labels beside probabilities, or alone.

    Args:
        ranking: the metric that ranks.
        classes: as they are written.
        name: of the file.

    Raises:
        DataError: there are labels alone, and the metric that ranks wants probabilities.
    """
    if given.lacks(ranking):
        raise DataError(
            f"{name} has labels alone, and {ranking.name}, which ranks, needs probabilities, in columns "
            f"{some(columns_of(classes))}"
        )
    if given.probabilities is None:
        return (*given.notes, f"{name} has labels alone: metrics of probabilities take each for certain")
    others = int((given.named.argmax(axis=1) != given.probabilities.argmax(axis=1)).sum())
    told = f"{name}: {others:,} of {len(given.named):,} labels are not the most probable class; the probabilities count"
    return (*given.notes, told) if others else given.notes


def numbers_given(table: pa.Table, name: str) -> Given:
    """What a table says of each of its rows, which is a number.

    Args:
        table: as `read_file` gave it.
        name: of the file.

    Raises:
        DataError: a number is missing.
    """
    require_predictions(table, name)
    return Given(named=numbers_of(table, "prediction", name)[:, None])


def labels_given(table: pa.Table, classes: tuple[str, ...], name: str) -> Given:
    """The same of classes.

    Args:
        classes: as they are written.

    Raises:
        DataError: something is missing in it, or is no prediction.
    """
    columns = [column for column in table.column_names if column.startswith("p_")]
    if not columns:
        require_predictions(table, name, columns_of(classes))
    probabilities = _probabilities(table, columns, classes, name) if columns else None
    if "prediction" not in table.column_names:
        assert probabilities is not None  # noqa: S101 (for the type checker)
        return Given(named=probabilities, probabilities=probabilities)
    _refuse_missing(table, "prediction", "missing", name)
    cells = meant([written(label).strip() for label in table["prediction"].to_pylist()], classes)
    if probabilities is None and (sure := _of_the_last(cells, classes)) is not None:
        note = f"{name}: the predictions are taken as probabilities of {classes[-1]!r}"
        return Given(named=sure, probabilities=sure, notes=(note,))
    named, told = _labels(table, cells, classes, name)
    return Given(named=named, probabilities=probabilities, notes=told)


def texts_given(table: pa.Table, name: str, column: str = "prediction") -> tuple[pa.ChunkedArray, tuple[str, ...]]:
    """The texts of a column, without what guards spreadsheets against formulas, and what is to be said of that.

    Args:
        table: as `read_file` gave it.
        name: of the file.

    Raises:
        DataError: there is no such column, or it holds no texts.
    """
    require_predictions(table, name, column=column)
    found = table[column]
    if not pa.types.is_string(found.type):
        raise DataError(f"{name}: the column {column!r} must hold texts, got {found.type}")
    if not is_for_sheets(name):
        return found, ()
    found, guarded = texts_meant(found)
    note = f"{name}: the apostrophe before {guarded:,} texts that a spreadsheet would take for formulas is left out"
    return found, (note,) if guarded else ()


def responses_given(table: pa.Table, name: str) -> tuple[list[str | None] | None, tuple[str, ...]]:
    """What models said, (rows,), none of a gap, where a table has a column `response` and no `prediction`; else none.

    Raises:
        DataError: the column holds no texts.
    """
    if "prediction" in table.column_names or RESPONSE not in table.column_names:
        return None, ()
    found, notes = texts_given(table, name, RESPONSE)
    return found.to_pylist(), notes


def unanswered(name: str, rule: str, none: NDArray[np.bool_]) -> tuple[str, ...]:
    """What to say of responses (rows,) of a file in some of which a rule finds no answer."""
    said = (
        f"{name}: extract = {rule!r} finds no answer in {none.sum():,} of {len(none):,} responses, which count as wrong"
    )
    return (said,) if none.any() else ()


def require_predictions(table: pa.Table, name: str, others: Sequence[str] = (), *, column: str = "prediction") -> None:
    """Refuses a table that has no column of predictions. others: would do as well. Raises DataError."""
    if column not in table.column_names:
        wanted = f"{column!r}, or {some(others)}" if others else repr(column)
        meant_so = likely(table, [column, *others])
        raise DataError(f"{name}: a column {wanted} was expected; {meant_so}its columns are {told(table)}")


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
        said, cure = f"{name}: {len(unknown):,} predictions are no class", nearest(cells[unknown[0]], classes)
        refuse_rows(table, unknown, said, lambda row: repr(cells[row][:_SHOWN]), cure)
    told = ", ".join(f"{label} as {other}" for label, other in sorted(meant.items())[:5])
    notes = (f"{name}: labels count by the number that they write: {told}",) if meant else ()
    return np.eye(len(classes))[[known[label] for label in cells]], notes


def _probabilities(table: pa.Table, columns: Sequence[str], classes: tuple[str, ...], name: str) -> Floats:
    """Probabilities (rows, classes), each row scaled to sum to one."""
    wanted = columns_of(classes)
    for column in columns:
        if column not in wanted:
            raise DataError(f"{name}: column {column!r} is of no class; {nearest(column, wanted)}")
    for column in wanted:
        if column not in columns:
            raise DataError(
                f"{name}: column {column!r} is missing; {likely(table, [column])}a column for each class was expected"
            )
    p = np.stack([numbers_of(table, column, name) for column in wanted], axis=1)
    beyond = (p < 0) | (p > 1 + _SUM)
    if rows := np.flatnonzero(beyond.any(axis=1)).tolist():
        code, said = beyond.argmax(axis=1), f"{name}: {len(rows):,} rows have numbers that are no probability"
        refuse_rows(
            table, rows, said, lambda row: f"{wanted[code[row]]} is {p[row, code[row]]:g}", "from 0 to 1 was expected"
        )
    sums = p.sum(axis=1)
    if off := np.flatnonzero(np.abs(sums - 1) > _SUM).tolist():
        said = f"{name}: the probabilities of {len(off):,} rows do not sum to one"
        refuse_rows(table, off, said, lambda row: f"a sum of {sums[row]:.4g}")
    return np.asarray(p / sums[:, None])


def numbers_of(table: pa.Table, column: str, name: str) -> Floats:
    """A column of finite numbers, (rows,)."""
    _refuse_missing(table, column, "missing, NaN or infinite", name)
    try:
        values = table[column].cast(pa.float64(), safe=False).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        cells = table[column].to_pylist()
        wrong = [row for row, cell in enumerate(cells) if number_in(cell) is None]
        said = f"{name}: {column} must hold numbers, and does not in {len(wrong):,} rows"
        refuse_rows(table, wrong or [0], said, lambda row: repr(str(cells[row])[:_SHOWN]))
    if bad := np.flatnonzero(~np.isfinite(values)).tolist():
        said = f"{name}: {column} is not finite in {len(bad):,} rows"
        refuse_rows(table, bad, said, lambda row: str(values[row]), "finite numbers were expected")
    return np.asarray(values)


def _refuse_missing(table: pa.Table, column: str, what: str, name: str) -> None:
    gaps = np.flatnonzero(table[column].is_null(nan_is_null=True).to_numpy()).tolist()
    if gaps:
        refuse_rows(table, gaps, f"{name}: {column} is {what} in {len(gaps):,} rows", cure=_unfit(table, column))


def _unfit(table: pa.Table, column: str) -> str:
    """Which cells of a column count as missing since they are none of what it holds; nothing where there are none."""
    cells = gaps_of(table.schema.field(column))
    return (
        f"what stands there is no finite number: {', '.join(repr(cell[:_SHOWN]) for cell in list(cells)[:MOST])}"
        if cells
        else ""
    )


def columns_of(classes: Sequence[str]) -> list[str]:
    """The columns of probabilities, as `concours predict --proba` writes them."""
    return [f"p_{label}" for label in classes]


def some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
