"""Files of predictions: what they say of which row, as `concours predict` writes them, and as `score` takes them.

A file is a table of any form that data may have, with a column `prediction`, or of the target's name, a label or a
number; or a column `p_` and the class for each class; or both. Of two classes the target's column may have the
probability of the last. A column of the name that the task's ids have, or `id`, has the rows' ids. Of questions a
column `response` may have what a model said instead, in which the task's rule finds the answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError, nearest
from concours.core.written import number_in, written
from concours.tasks.cells import MISSING
from concours.tasks.formulas import is_for_sheets, meant, texts_meant
from concours.tasks.labels import by_number
from concours.tasks.metrics.metric import Metric
from concours.tasks.readers.damage import existing
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source

Floats = NDArray[np.float64]

ID = "id"
"""What the column of ids is called in a table that was read here."""

NO_NUMBERS: Final = (ValueError, TypeError, OverflowError, RecursionError)
"""What is raised of a cell that is no JSON of numbers, one of too many digits or brackets among them."""

RESPONSE = "response"
"""The column of what models said, where an answer is still to be found in it."""

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
    return _named(_read(file, wanted), wanted)


def _read(file: Path, wanted: Wanted) -> pa.Table:
    if existing(file).is_dir():
        raise DataError(f"{file} is a folder; a file of predictions was expected")
    labels = ("prediction", wanted.target) if wanted.classes or wanted.texts else ()
    labels = (*labels, RESPONSE) if wanted.texts else labels
    apart = tuple(form for name in ("id", wanted.id, *labels) if name for form in (name, f"'{name}"))
    options = Options(input="table", header=True, written=apart, missing=() if wanted.texts else None)
    table = open_source(file, Path(), options).x
    if any(label.casefold() in MISSING for label in wanted.classes) and isinstance(table, pa.Table):
        kept = {name: "word" for name in apart if name in labels and name in table.column_names}
        table = open_source(file, Path(), replace(options, columns=kept)).x  # a class is called None, or the like
    if not isinstance(table, pa.Table):
        raise DataError(f"{file.name} holds no table; a table of predictions was expected")
    twice = [column for column, times in Counter(table.column_names).items() if times > 1]
    if twice:
        raise DataError(f"{file.name}: two columns are called {twice[0]!r}")
    return table


def _named(table: pa.Table, wanted: Wanted) -> pa.Table:
    """The table with its ids called `id`, and its predictions `prediction`."""
    names = meant(table.column_names, {name for name in (wanted.id, wanted.target) if name})
    if wanted.id in names and wanted.id != "id":
        names = ["id" if name == wanted.id else f"{name} of the file" if name == "id" else name for name in names]
    if wanted.target in names and not any(name == "prediction" or name.startswith("p_") for name in names):
        names = ["prediction" if name == wanted.target else name for name in names]
    return table.rename_columns(names)


def ids_of_file(table: pa.Table, known: Collection[str]) -> list[str]:
    """The ids of a file's rows, as those that are known are written."""
    return meant([written(value).strip() for value in table[ID].to_pylist()], known)


def places(given: Sequence[str], expected: Sequence[str], name: str, *, part: str, cure: str) -> NDArray[np.int64]:
    """Where each expected id stands in a file (len(expected),), which may have others too.

    Args:
        name: of the file.
        part: whose ids are expected, in words.
        cure: what else is to be said where some are missing.

    Raises:
        DataError: one is missing, or comes twice.
    """
    known = set(expected)
    twice = [key for key, times in Counter(key for key in given if key in known).items() if times > 1]
    if twice:
        raise DataError(f"{name}: {len(twice)} ids come more than once, first {twice[0]!r}")
    place = {key: index for index, key in enumerate(given)}
    missing = [key for key in expected if key not in place]
    if missing:
        raise DataError(
            f"{name}: {len(missing)} of the {len(expected)} ids of {part} are missing, first {missing[0]!r}; "
            f"the first id there is {given[0]!r}{cure}"
        )
    return np.array([place[key] for key in expected], dtype=np.int64)


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
        require_predictions(table, name, f", or {some(columns_of(classes))}")
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


def require_predictions(table: pa.Table, name: str, otherwise: str = "", *, column: str = "prediction") -> None:
    """Refuses a table that has no column of predictions. Raises DataError."""
    if column not in table.column_names:
        known = nearest(column, table.column_names)
        raise DataError(f"{name}: a column {column!r}{otherwise} was expected; {known}")


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
    wanted = columns_of(classes)
    for column in columns:
        if column not in wanted:
            raise DataError(f"{name}: column {column!r} is of no class; {nearest(column, wanted)}")
    for column in wanted:
        if column not in columns:
            raise DataError(f"{name}: column {column!r} is missing; a column for each class was expected")
    p = np.stack([numbers_of(table, column, name) for column in wanted], axis=1)
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


def numbers_of(table: pa.Table, column: str, name: str) -> Floats:
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


def columns_of(classes: Sequence[str]) -> list[str]:
    """The columns of probabilities, as `concours predict --proba` writes them."""
    return [f"p_{label}" for label in classes]


def some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
