"""Reading: from a CSV file, a name, or objects in Python to inputs and targets, checked."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from concours.core.errors import DataError, nearest
from concours.tasks.kinds import Kind
from concours.tasks.task import Task

MISSING = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "?"]
"""Cells that count as missing."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """Inputs and targets as they were read.

    Attributes:
        x: an Arrow table, or pictures (rows, height, width[, channels]).
        y: (rows,) labels as they are written, or float64; none where new rows come without a target.
        name: of the data, for people.
    """

    x: pa.Table | NDArray[Any]
    y: NDArray[Any] | None
    name: str

    def __len__(self) -> int:
        return len(self.x)


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """The data of a task, and its test part where that is a source of its own.

    Raises:
        DataError: the data is missing, damaged, or does not suit the task.
    """
    data = _source(task.data, task, kind, folder)
    data = replace(data, y=_checked_target(data.y, kind, data.name))
    if task.test is None:
        return data, None
    test = _source(task.test, task, kind, folder)
    return data, replace(test, x=conform(test.x, data.x, test.name), y=_checked_target(test.y, kind, test.name))


def read_inputs(source: Any, like: pa.Table | NDArray[Any], *, header: bool | None = None) -> pa.Table | NDArray[Any]:
    """New rows in the form of those that models were fitted on; other columns are left out.

    Raises:
        DataError: a column is missing or cannot be read as the type it had, or pictures are of another size.
    """
    if isinstance(source, (str, Path)):
        path = Path(source)
        x = _load_array(path) if path.suffix == ".npy" else read_csv(path, header=header)
        name = path.name
    else:
        x, name = (np.asarray(source) if isinstance(like, np.ndarray) else as_table(source)), "the given rows"
    return conform(x, like, name)


def conform(x: pa.Table | NDArray[Any], like: pa.Table | NDArray[Any], name: str) -> pa.Table | NDArray[Any]:
    """The columns of `like`, in its order and types."""
    if isinstance(like, np.ndarray) or isinstance(x, np.ndarray):
        if not (isinstance(like, np.ndarray) and isinstance(x, np.ndarray)) or x.shape[1:] != like.shape[1:]:
            given = f"shape {x.shape}" if isinstance(x, np.ndarray) else "a table"
            raise DataError(f"{name}: expected rows of shape {like.shape[1:]}, got {given}")
        return x
    missing = [column for column in like.column_names if column not in x.column_names]
    if missing:
        raise DataError(f"{name}: column {missing[0]!r} is missing; {nearest(missing[0], x.column_names)}")
    columns = [_cast(x[field.name], field, name) for field in like.schema]
    return pa.table(columns, schema=like.schema)


def read_csv(path: Path, *, header: bool | None = None, names: Sequence[str] = ()) -> pa.Table:
    """A CSV file (`.gz` too, tabs with `.tsv`) as a table.

    Args:
        header: whether the first line has the names of the columns; by default found out.
        names: some that a header is known to have, if there is one.

    Raises:
        DataError: the file is missing or empty, a row has another number of cells, or two columns share a name.
    """
    if not path.exists():
        near = get_close_matches(
            path.name, [p.name for p in path.parent.glob("*")] if path.parent.exists() else [], 1, 0.5
        )
        raise DataError(f"{path} does not exist" + (f"; did you mean {near[0]!r}?" if near else ""))
    delimiter = "\t" if ".tsv" in path.suffixes else ","
    first = _first_row(path, delimiter)
    if header is None:
        header = _looks_like_header(first) or any(name in first and not _is_number(name) for name in names)
    if header and (double := [name for name, times in Counter(first).items() if times > 1]):
        raise DataError(f"{path.name}: two columns are called {double[0]!r}; names must differ")
    columns = first if header else [str(i) for i in range(len(first))]
    try:
        table = pyarrow.csv.read_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(column_names=columns, skip_rows=int(header)),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(null_values=MISSING, strings_can_be_null=True),
        )
    except pa.ArrowInvalid as error:
        raise DataError(f"{path.name}: {_plain(str(error), path, delimiter, len(first))}") from None
    if not len(table):
        raise DataError(f"{path.name} has a header but no rows" if header else f"{path.name} has no rows")
    return _tidy(table)


def as_table(x: Any) -> pa.Table:
    """A frame (pandas, polars), an Arrow table, or a matrix (rows, columns), its columns called 0, 1, …, as a table."""
    if isinstance(x, pa.Table):
        table = x
    elif hasattr(x, "to_arrow"):
        table = x.to_arrow()
    elif isinstance(x, Mapping):
        table = pa.table(dict(x))
    elif hasattr(x, "columns"):
        table = pa.Table.from_pandas(x, preserve_index=False).replace_schema_metadata()
    else:
        matrix = np.asarray(x)
        if matrix.ndim != 2:
            raise DataError(f"rows of a table must be a matrix (rows, columns), got shape {matrix.shape}")
        table = pa.table({str(i): column for i, column in enumerate(matrix.T)})
    return _tidy(table.rename_columns([str(name) for name in table.column_names]))


def _source(source: Any, task: Task, kind: Kind, folder: Path) -> Data:
    if isinstance(source, str) and source.startswith("sklearn:"):
        return _sklearn(source.partition(":")[2], kind)
    if isinstance(source, (str, Path)):
        path = folder / source
        if kind.input == "image":
            raise DataError(
                f"{source}: pictures are given as 'sklearn:digits' or, in Python, as an array, not as a file"
            )
        return _with_target(read_csv(path, header=task.header, names=(str(task.target),)), task, path.name)
    if kind.input == "image":
        return Data(x=np.asarray(source), y=_given(task.target, source), name=task.name or "pictures")
    table = as_table(source)
    if isinstance(task.target, (str, int)):
        return _with_target(table, task, task.name or "table")
    return Data(
        x=_kept(table, task.drop, task.name or "table"), y=_given(task.target, table), name=task.name or "table"
    )


def _given(target: Any, x: Any) -> NDArray[Any]:
    if target is None:
        raise DataError("task.target is missing: give the targets of the rows, (rows,)")
    y = np.asarray(target)
    if y.shape != (len(x),):
        raise DataError(f"task.target must have one value a row: expected shape ({len(x)},), got {y.shape}")
    return y


def _with_target(table: pa.Table, task: Task, name: str) -> Data:
    target = None if task.target is None else str(task.target)
    if target is None:
        raise DataError(
            f"task.target is missing: name the column to predict; {name} has: {', '.join(table.column_names)}"
        )
    if target not in table.column_names:
        raise DataError(f"task.target: {name} has no column {target!r}; {nearest(target, table.column_names)}")
    y = (
        table[target].to_numpy(zero_copy_only=False)
        if not table[target].null_count
        else _refuse_missing(table[target], target, name)
    )
    x = _kept(table.drop_columns([target]), task.drop, name)
    if not x.num_columns:
        raise DataError(f"{name} has no column besides the target {target!r}")
    return Data(x=x, y=y, name=name)


def _refuse_missing(column: pa.ChunkedArray, target: str, name: str) -> NDArray[Any]:
    row = pc.index(pc.is_null(column), True).as_py()
    raise DataError(
        f"{name}: the target {target!r} is missing in {column.null_count} of {len(column)} rows, first in row {row + 1}"
    )


def _kept(table: pa.Table, drop: Sequence[str], name: str) -> pa.Table:
    for column in drop:
        if column not in table.column_names:
            raise DataError(f"task.drop: {name} has no column {column!r}; {nearest(column, table.column_names)}")
    return table.drop_columns(list(drop)) if drop else table


def _sklearn(name: str, kind: Kind) -> Data:
    from sklearn import datasets

    loaders = {
        "breast_cancer": "classes",
        "diabetes": "number",
        "digits": "classes",
        "iris": "classes",
        "wine": "classes",
    }
    if name not in loaders:
        raise DataError(f"task.data: scikit-learn brings no data set {name!r}; {nearest(name, loaders)}")
    if loaders[name] != kind.target or (kind.input == "image" and name != "digits"):
        raise DataError(f"task.data: sklearn:{name} does not suit a task of kind {kind.name}")
    bunch = getattr(datasets, f"load_{name}")()
    y = np.asarray(bunch.target)
    if kind.target == "classes" and name != "digits":
        y = np.asarray(bunch.target_names)[y].astype(str)
    if kind.input == "image":
        return Data(x=bunch.images.astype(np.float32), y=y, name=name)
    names = [str(column) for column in bunch.feature_names]
    return Data(x=pa.table(dict(zip(names, bunch.data.T, strict=True))), y=y, name=name)


def _checked_target(y: NDArray[Any] | None, kind: Kind, name: str) -> NDArray[Any]:
    if y is None:
        raise DataError(f"{name} has no target")
    if kind.target == "classes":
        return y.astype(str) if y.dtype.kind == "O" else _checked_numbers(y, name) if y.dtype.kind == "f" else y
    if y.dtype.kind not in "iufb":
        wrong = next(value for value in y if not _is_number(str(value)))
        raise DataError(f"{name}: the target of a regression must be numbers, got {str(wrong)!r}")
    return _checked_numbers(y.astype(np.float64), name)


def _checked_numbers(y: NDArray[Any], name: str) -> NDArray[Any]:
    bad = ~np.isfinite(y)
    if bad.any():
        raise DataError(
            f"{name}: the target is {y[np.argmax(bad)]} in {bad.sum()} of {len(y)} rows, "
            f"first in row {int(np.argmax(bad)) + 1}"
        )
    return y


def _first_row(path: Path, delimiter: str) -> list[str]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file, delimiter=delimiter))
    except StopIteration:
        raise DataError(f"{path.name} is empty") from None
    except (UnicodeDecodeError, csv.Error, OSError, EOFError) as error:
        raise DataError(f"{path.name} is not a CSV file in UTF-8: {error}") from None


def _looks_like_header(first: Sequence[str]) -> bool:
    """Names are words: a first line with a number or an empty cell in it is a row."""
    return all(cell.strip() and not _is_number(cell) for cell in first)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _plain(message: str, path: Path, delimiter: str, columns: int) -> str:
    """What is wrong with a file, with its line; Arrow's own words where it is not the number of cells."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        for row in reader:
            if row and len(row) != columns:
                return f"line {reader.line_num} has {len(row)} cells where the first has {columns}"
    return message.splitlines()[0][:300]


def _tidy(table: pa.Table) -> pa.Table:
    """Columns that are missing throughout have no type: they count as numbers. Infinities count as missing."""
    for index, column in enumerate(table.schema):
        if pa.types.is_null(column.type):
            table = table.set_column(index, column.name, table[index].cast(pa.float64()))
        elif pa.types.is_floating(column.type) and pc.any(pc.is_inf(table[index])).as_py():
            finite = pc.if_else(pc.is_inf(table[index]), None, table[index])
            table = table.set_column(index, column.name, finite)
    return table


def _cast(column: pa.ChunkedArray, field: pa.Field, name: str) -> pa.ChunkedArray:
    if column.type == field.type:
        return column
    try:
        return column.cast(field.type, safe=not pa.types.is_floating(column.type))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(
            f"{name}: column {field.name!r} was {field.type} in the data that models were fitted on, "
            f"and is {column.type} here"
        ) from None


def _load_array(path: Path) -> NDArray[Any]:
    try:
        return np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path.name} is not an array in numpy's format: {error}") from None
