"""The series of a source: files of one each, or a table that names them in a column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.tasks.cells import Form, forms_of, schema_of
from concours.tasks.division import times
from concours.tasks.given import given_rows
from concours.tasks.places import Places, row_number
from concours.tasks.readers.archives import Files, files_of, is_archive
from concours.tasks.readers.damage import existing
from concours.tasks.readers.header import absent
from concours.tasks.readers.listing import TABLES, content_names, suffix_of
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.settled import settled
from concours.tasks.readers.source import open_source
from concours.tasks.series.channels import dated, numbered
from concours.tasks.series.stamps import Every

Floats = NDArray[np.float64]

_GAP: Final = 1.5
"""Of the usual step, from which on one is a gap."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which columns of a table are meant; none: it is found.

    Attributes:
        time: of the moments; without any, rows are steps in their order.
        value: of the numbers that the series is made of.
        series: that names the series, where a table has several.
        target: of labels.
    """

    time: str | None = None
    value: str | None = None
    series: str | None = None
    target: str | None = None


@dataclass(frozen=True, kw_only=True)
class OneSeries:
    """A series in the order of its time.

    Attributes:
        name: a path within its source, or what a column calls it.
        values: (steps,) finite.
        time: (steps,) rising; microseconds since 1970 of dates, numbers as they are, or the numbers of rows.
        stamps: (steps,) the same as people read it.
        labels: (steps,) as they are written, where a column has them.
        numbers: (steps,) of their rows in the source, from 1.
        season: after how many steps it usually repeats itself, by its step; 1 where nothing is known.
        columns: by which it was read.
        forms: of these columns.
        left_out: rows that are amiss.
        amiss: what is wrong with it, a line each.
        gaps: after which moment steps are missing, of the first gap; empty where none are.
        notes: what a person should know.
    """

    name: str
    values: Floats
    time: Floats
    stamps: pa.Array
    labels: NDArray[Any] | None
    numbers: NDArray[np.int64]
    season: int
    columns: Columns
    forms: Mapping[str, Form]
    left_out: int = 0
    amiss: tuple[str, ...] = ()
    gaps: str = ""
    notes: tuple[str, ...] = ()

    @property
    def dated(self) -> bool:
        """Whether its times are dates."""
        return pa.types.is_temporal(self.stamps.type)


def series_of(
    source: Any, folder: Path, wanted: Columns, options: Options, *, name: str, forms: Mapping[str, Form] | None = None
) -> list[OneSeries]:
    """All series of a source: a folder or an archive of tables, one each; a table; or rows in Python.

    Args:
        forms: of the columns of series that models were fitted on.

    Raises:
        DataError: there is none, or it has not the columns.
    """
    named = tuple(one for one in (wanted.time, wanted.value, wanted.series, wanted.target) if one is not None)
    options = replace(options, input="table", names=named, like=schema_of(forms) if forms else None)
    found = [one for file, opened in _tables(source, folder, options, name) for one in _with_said(opened, file, wanted)]
    if not found:
        raise DataError(f"{name} holds no series: a table with a row a step was expected")
    return found


def _with_said(opened: Opened, file: str, wanted: Columns) -> Iterator[OneSeries]:
    """The series of a table, the first with what was said of this, and with how many of its rows were left out."""
    first, *others = _in_table(_table(opened.x, file), file, wanted, opened.rows)
    yield replace(first, notes=(*opened.warnings, *first.notes), left_out=opened.left_out + first.left_out)
    yield from others


def _tables(source: Any, folder: Path, options: Options, name: str) -> Iterator[tuple[str, Opened]]:
    if not isinstance(source, (str, Path)):
        yield name, settled(given_rows(source, "table", name), options)
        return
    path = folder / source
    if not path.is_dir() and not is_archive(path.name):
        yield path.name, open_source(source, folder, options)
        return
    files, place = held(existing(path))
    tables = [one for one in content_names(files) if suffix_of(one) in TABLES]
    if not tables:
        raise DataError(
            f"{path.name} holds no table; a file a series was expected, of {', '.join(TABLES[:4])} or others"
        )
    for one in sorted(tables):
        yield one, open_source(place / one if place.is_dir() else f"{place}:{one}", Path(), options)


def held(path: Path) -> tuple[Files, Path]:
    """The files of a folder or an archive, and where they lie; of a folder with one archive and no table, its files."""
    files = files_of(path)
    if path.is_dir():
        names = content_names(files)
        archives = [one for one in names if is_archive(one)]
        if len(archives) == 1 and not any(suffix_of(one) in TABLES for one in names):
            return held(path / archives[0])
    return files, path


def _table(x: Any, name: str) -> pa.Table:
    if not isinstance(x, pa.Table) or not len(x):
        raise DataError(f"{name} holds no table with rows; a series is one, a row a step")
    return x


def _in_table(table: pa.Table, file: str, wanted: Columns, source: Places | None) -> Iterator[OneSeries]:
    """Its series, one, or as many as a column names."""
    if wanted.series is None:
        yield _one(table, np.arange(len(table)), file, file, wanted, source)
        return
    if wanted.series not in table.column_names:
        raise DataError(
            f"task.series: {file} has no column {wanted.series!r}; {absent(wanted.series, table.column_names)}"
        )
    names = table[wanted.series].cast(pa.string())
    if names.null_count:
        first = row_number(source, int(np.argmax(names.is_null().to_numpy())))
        raise DataError(f"{file}: {wanted.series!r} is missing in {names.null_count:,} rows, first in row {first}")
    codes = np.asarray(names.to_pylist(), dtype=object)
    for name in dict.fromkeys(codes.tolist()):
        yield _one(table, np.flatnonzero(codes == name), file, str(name), wanted, source)


def _one(
    table: pa.Table, rows: NDArray[np.int64], file: str, name: str, wanted: Columns, source: Places | None
) -> OneSeries:
    """The series that lies in some rows of a table."""
    columns = _columns(table, file, wanted)
    mine, notes = table.take(pa.array(rows)), []
    time = rows.astype(np.float64) if columns.time is None else times(mine, columns.time, file)
    order = np.argsort(time, kind="stable")
    if (np.diff(order) < 0).any():
        notes.append(f"{name}: rows are put in the order of time")
    mine, rows, time = mine.take(pa.array(order)), rows[order], time[order]
    stamps = pa.array(rows) if columns.time is None else mine[columns.time].combine_chunks()
    values = mine[columns.value].cast(pa.float64()).to_numpy()
    numbers = 1 + (rows if source is None else source[rows])
    kept, amiss = _kept(values, time, stamps, numbers, columns, file)
    mine, stamps = (one.filter(pa.array(kept)) for one in (mine, stamps))
    season, gaps = _rhythm(time[kept], stamps)
    return OneSeries(
        name=name,
        values=values[kept],
        time=time[kept],
        stamps=stamps,
        labels=None if columns.target is None else _labels(mine[columns.target], file, numbers[kept]),
        numbers=numbers[kept],
        season=season,
        columns=columns,
        forms={one: form for one, form in forms_of(table.schema).items() if one in (columns.time, columns.value)},
        left_out=int((~kept).sum()),
        amiss=tuple(amiss),
        gaps=gaps,
        notes=tuple(notes),
    )


def _kept(
    values: Floats, time: Floats, stamps: pa.Array, numbers: NDArray[np.int64], columns: Columns, file: str
) -> tuple[NDArray[np.bool_], list[str]]:
    """Whether each row, in the order of time, has a value and a moment of its own; and a line for what is amiss."""
    known, again, amiss = np.isfinite(values), np.append(False, np.diff(time) == 0), []
    if lost := int((~known).sum()):
        first = int(numbers[~known].min())
        amiss.append(f"{file}: {columns.value!r} is missing in {lost:,} rows, first in row {first}")
    if again.any():
        first = int(np.argmax(again))
        amiss.append(
            f"{file}: {columns.time!r} has {stamps[first].as_py()} twice ({int(again.sum()):,} such rows, first row "
            f"{numbers[first]}); a series has one row a moment: where a column tells several apart, name it by series"
        )
    return known & ~again, amiss


def _labels(column: pa.ChunkedArray, file: str, numbers: NDArray[np.int64]) -> NDArray[Any]:
    if column.null_count:
        first = numbers[column.is_null().to_numpy()].min()
        raise DataError(f"{file}: the label is missing in {column.null_count:,} rows, first in row {first}")
    return np.asarray(column.to_pylist(), dtype=object)


def _rhythm(time: Floats, stamps: pa.Array) -> tuple[int, str]:
    """The season by the most frequent step, and after which moment the first steps are missing, if any are."""
    if not pa.types.is_temporal(stamps.type) or len(time) < 3:
        return 1, ""
    steps, counts = np.unique(np.diff(time), return_counts=True)
    usual = float(steps[counts.argmax()])
    long = np.flatnonzero(np.diff(time) > _GAP * usual)
    gaps = str(stamps[int(long[0])].as_py()) if len(long) else ""
    return Every(unit="microseconds", size=usual).season, gaps


def _columns(table: pa.Table, file: str, wanted: Columns) -> Columns:
    """The columns that are meant. Raises DataError where one is not there, or several might be meant."""
    for key, column in (("split.time", wanted.time), ("value", wanted.value), ("target", wanted.target)):
        if column is not None and column not in table.column_names:
            raise DataError(f"task.{key}: {file} has no column {column!r}; {absent(column, table.column_names)}")
    time = wanted.time or next(iter(dated(table)), None)
    others = table.drop_columns([one for one in (time, wanted.series, wanted.target) if one is not None])
    numbers = numbered(others)
    if wanted.value is not None and wanted.value not in numbers:
        raise DataError(f"task.value: {file}: {wanted.value!r} must hold numbers")
    if wanted.value is None and len(numbers) != 1:
        listed = ", ".join((numbers or others.column_names)[:40])
        raise DataError(f"task.value is missing: name the column of numbers that is watched; {file} has: {listed}")
    return replace(wanted, time=time, value=wanted.value or numbers[0])


def by_rows(names: Sequence[str], stamps: Sequence[pa.Array]) -> pa.Table:
    """What each row of some series is called, a table of `series` and `time` as text."""
    lengths = [len(one) for one in stamps]
    told = [pc.replace_substring_regex(pc.cast(one, pa.string()), r"\.0+$", "") for one in stamps]
    return pa.table({"series": np.repeat(np.asarray(names, dtype=object), lengths), "time": pa.chunked_array(told)})
