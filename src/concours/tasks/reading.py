"""Reading: from what a task declares to inputs and targets, checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError, nearest
from concours.core.written import written
from concours.tasks.forms import settle
from concours.tasks.ids import ids_of
from concours.tasks.kinds import Kind
from concours.tasks.labels import mapped, moments_written, words_for_missing
from concours.tasks.new_rows import all_rows, with_source
from concours.tasks.readers.archives import is_archive
from concours.tasks.readers.header import absent, are_places
from concours.tasks.readers.listing import TABLES, TEXTS, suffix_of
from concours.tasks.readers.named import sklearn_target
from concours.tasks.readers.objects import as_table
from concours.tasks.readers.opened import Opened, Options, Rows, Unit
from concours.tasks.readers.settled import settled
from concours.tasks.readers.source import open_source
from concours.tasks.readers.stacked import source_in
from concours.tasks.task import Task
from concours.tasks.weights import require_column, weights_apart

__all__ = ["Data", "conform", "given_table", "inputs_of", "open_inputs", "read", "read_csv", "read_inputs"]

_HOLDS = {"table": "a table", "text": "texts", "image": "pictures"}


@dataclass(frozen=True, kw_only=True)
class Data:
    """Inputs and targets as they were read.

    Attributes:
        x: an Arrow table, texts (rows,), or pictures (rows, height, width[, channels]).
        y: (rows,) labels, texts as a file writes them or as a typed source has them; or float64; none where new rows
            come without a target.
        weights: (rows,) float64 of at least 0, not all 0, where the task gives some.
        ids: (rows,) of a table, what the rows are called, where the task names a column of these.
        name: of the data, for people.
        apart: the columns of a table that are dropped, for telling rows apart.
        text: the columns that texts were taken from, where they lay in a table; `unit` is what a row lay in.
        left_out: how many rows were left out in reading.
        notes: what was found out in reading: encoding, delimiter, header, sizes.
        warnings: what a person should know: rows left out, an encoding that was guessed, pictures made smaller.
    """

    x: Rows
    y: NDArray[Any] | None
    name: str
    apart: pa.Table | None = None
    text: tuple[str, ...] = ()
    left_out: int = 0
    unit: Unit = "row"
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    weights: NDArray[np.float64] | None = None
    ids: pa.ChunkedArray | None = None

    def __len__(self) -> int:
        return len(self.x)

    @property
    def said(self) -> str:
        """How many rows were read, how many were not, and how."""
        left = f", {self.left_out:,} left out" if self.left_out else ""
        return "; ".join((f"{self.name}: {len(self):,} rows read{left}", *self.notes))


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """The data of a task, and its test part where that is a source of its own, or set apart in the source.

    Raises:
        DataError: the data is missing, damaged, or does not suit the task.
    """
    opened = _opened(task.data, task, kind, folder)
    data = _data(opened, task, kind)
    found = opened.test if task.test is None else _opened(task.test, task, kind, folder, like=opened.x)
    if found is None:
        return data, None
    require_column(task.weight)
    known = found.x.column_names if isinstance(found.x, pa.Table) else task.drop
    test = _data(found, replace(task, text=data.text, drop=tuple(name for name in task.drop if name in known)), kind)
    said = list(test.warnings)
    x = conform(test.x, data.x, test.name, told=said.append)
    return data, replace(test, x=x, warnings=tuple(said))


def read_inputs(
    source: Any,
    like: Rows,
    *,
    header: bool | None = None,
    encoding: str | None = None,
    text: Sequence[str] = (),
    unit: Unit = "row",
    classes: Sequence[Any] = (),
    told: Callable[[str], None] = lambda text: None,
) -> Rows:
    """New rows in the form of those that models were fitted on; other columns are left out.

    Columns are what they were in fitting: how a row is read does not depend on the other rows.

    Args:
        source: a file, a folder, an archive, or rows in Python. For texts also a `.txt` file with a line a row.
        text: the columns that hold the text; by default found.
        unit: what a text lay in where models were fitted.
        classes: labels that are known, where rows bring theirs.
        told: is given what a person should know of how rows were read.

    Raises:
        DataError: a column is missing or cannot be read as the type it had, or pictures are of another size.
    """
    opened = open_inputs(source, like, header=header, encoding=encoding, text=text, unit=unit, classes=classes)
    for warning in opened.warnings:
        told(warning)
    return inputs_of(opened, like, text=text, told=told)


def open_inputs(
    source: Any,
    like: Rows,
    *,
    header: bool | None = None,
    encoding: str | None = None,
    text: Sequence[str] = (),
    unit: Unit = "row",
    classes: Sequence[Any] = (),
    written: Sequence[str] = (),
) -> Opened:
    """New rows of all parts of a source, with all columns that they come with.

    Args:
        source, text, unit, classes: as of `read_inputs`.
        written: columns to keep as the file writes them, e.g. of ids.
    """
    kind = _input_of(like)
    shape = tuple(like.shape[1:]) if isinstance(like, np.ndarray) else None
    names = tuple(like.column_names) if isinstance(like, pa.Table) else tuple(text)
    if not isinstance(source, (str, Path)):
        return with_source(_given_rows(source, kind, "the given rows"), like, None)
    kept = tuple(name for name in written if name not in names)
    options = Options(
        header=header,
        encoding=encoding,
        input=kind,
        shape=shape,
        names=names,
        source=source_in(like) if Path(source).is_dir() or is_archive(str(source)) else None,
        unit=unit,
        classes=tuple(classes),
        written=kept if isinstance(like, pa.Table) else (*kept, *text),
        like=like.schema if isinstance(like, pa.Table) else None,
    )
    return with_source(all_rows(open_source(source, Path(), options)), like, source)


def inputs_of(
    opened: Opened, like: Rows, *, text: Sequence[str] = (), told: Callable[[str], None] = lambda text: None
) -> Rows:
    """What models get of new rows: as of `read_inputs`."""
    x = opened.x
    if _input_of(like) == "text" and isinstance(x, pa.Table):
        x = _text_of(x, tuple(text) or _text_columns(x, opened.name), opened.name)
    return conform(x, like, opened.name, told=told)


def conform(x: Rows, like: Rows, name: str, *, told: Callable[[str], None] = lambda text: None) -> Rows:
    """The columns of `like`, in its order and forms; texts and pictures as they are.

    Whole numbers become fractions where rows have these or gaps; no number is cut. Cells that do not fit are missing,
    and `told`.

    Raises:
        DataError: rows are something else, or of another form, than those of `like`.
    """
    if isinstance(x, pa.Table) and isinstance(like, pa.Table):
        missing = [column for column in like.column_names if column not in x.column_names]
        if missing:
            raise DataError(f"{name}: column {missing[0]!r} is missing; {_why_missing(missing[0], x, like)}")
        found = settle(x.select(like.column_names), name, written=False, like=like.schema)
        columns = [_alike(found.table[field.name], field, name) for field in like.schema]
        fields = [field.with_type(column.type) for field, column in zip(like.schema, columns, strict=True)]
        for warning in found.warnings:
            told(warning)
        return pa.table(columns, schema=pa.schema(fields))
    if isinstance(x, np.ndarray) or isinstance(like, np.ndarray):
        if not (isinstance(like, np.ndarray) and isinstance(x, np.ndarray)) or x.shape[1:] != like.shape[1:]:
            given = f"shape {x.shape}" if isinstance(x, np.ndarray) else _HOLDS[_input_of(x)]
            expected = f"rows of shape {like.shape[1:]}" if isinstance(like, np.ndarray) else _HOLDS[_input_of(like)]
            raise DataError(f"{name}: expected {expected}, got {given}")
        return x
    if isinstance(x, pa.Table) or isinstance(like, pa.Table):
        raise DataError(f"{name}: expected {_HOLDS[_input_of(like)]}, got {_HOLDS[_input_of(x)]}")
    return x


def given_table(x: Any, name: str) -> Opened:
    """A frame, an Arrow table or a matrix as a table whose columns of dates are dates, written as they may be.

    Raises:
        DataError: it is none of these, or a column holds what is no number, text, date or truth value.
    """
    try:
        return settled(Opened(x=as_table(x), name=name), Options())
    except DataError as error:
        raise DataError(f"{name}: {error}") from None


def _why_missing(column: str, x: pa.Table, like: pa.Table) -> str:
    if are_places(x.column_names) and not column.isdecimal():
        names = ", ".join(like.column_names[:8])
        return f"no header was seen: its first line must have the names that the data had: {names}"
    return nearest(column, x.column_names)


def read_csv(path: Path, *, header: bool | None = None, names: Sequence[str] = ()) -> pa.Table:
    """A CSV file (compressed too) as a table of typed columns; see `concours.tasks.readers.delimited`."""
    table: pa.Table = open_source(path, Path(), Options(header=header, names=tuple(names))).x
    return table


def _opened(source: Any, task: Task, kind: Kind, folder: Path, like: Rows | None = None) -> Opened:
    """A source that holds what the kind wants."""
    shape = tuple(like.shape[1:]) if isinstance(like, np.ndarray) else None
    schema = like.schema if isinstance(like, pa.Table) else None
    if isinstance(source, (str, Path)) or _are_names(source):
        text = str(source)
        found = sklearn_target(text.removeprefix("sklearn:")) if text.startswith("sklearn:") else None
        if found and (
            found != kind.target or (kind.input != "table" and text != "sklearn:digits") or kind.input == "text"
        ):
            raise DataError(f"task.data: {text} does not suit a task of kind {kind.name}")
        opened = open_source(
            source,
            folder,
            Options(
                header=task.header if like is None or isinstance(task.header, bool) else None,
                names=_names(task, like),
                encoding=task.encoding,
                on_bad_row=task.on_bad_row,
                source=task.source,
                input=kind.input,
                shape=shape,
                columns=task.columns,
                missing=task.missing,
                written=(*_written(task, kind), *task.text),
                like=schema,
            ),
        )
    else:
        opened = _given_rows(source, kind.input, task.name or "the data")
        opened = settled(opened, Options(columns=task.columns, missing=task.missing, like=schema))
    if opened.input != kind.input and not (kind.input == "text" and opened.input == "table"):
        raise DataError(
            f"{opened.name} holds {_HOLDS[opened.input]}, and a task of kind {kind.name} wants {_HOLDS[kind.input]}"
        )
    return opened


def _names(task: Task, like: Rows | None) -> tuple[str, ...]:
    """Columns that the task names; of a test part, those of the data as well."""
    keys = (task.target, *task.text, *task.drop, task.id, task.weight, task.split.group, task.split.time)
    named = tuple(str(key) for key in keys if isinstance(key, (str, int)))
    return (*named, *like.column_names) if isinstance(like, pa.Table) else named


def _written(task: Task, kind: Kind) -> tuple[str, ...]:
    """The columns that stay as the file writes them: labels and ids."""
    labels = (str(task.target),) if kind.target == "classes" and isinstance(task.target, (str, int)) else ()
    return (*labels, *((task.id,) if task.id else ()))


def _are_names(source: Any) -> bool:
    """Whether a list names files, rather than being texts itself."""
    return isinstance(source, (list, tuple)) and all(
        isinstance(one, Path) or (isinstance(one, str) and suffix_of(one) in (*TABLES, *TEXTS, ".json"))
        for one in source
    )


def _given_rows(source: Any, kind: str, name: str) -> Opened:
    """Rows that are objects of Python."""
    if kind == "image":
        return Opened(x=np.asarray(source), name=name)
    if kind == "text" and not hasattr(source, "columns"):
        if isinstance(source, (pa.Array, pa.ChunkedArray)):
            return Opened(x=_strings(source), name=name)
        values = source.to_list() if hasattr(source, "to_list") else list(source)
        if wrong := [value for value in values if not (value is None or isinstance(value, str) or value != value)]:
            raise DataError(f"{name}: expected texts, got {wrong[0]!r}")
        return Opened(x=_strings(pa.array([v if isinstance(v, str) else "" for v in values], pa.string())), name=name)
    return Opened(x=as_table(source), name=name)


def _data(opened: Opened, task: Task, kind: Kind) -> Data:
    """Inputs apart from the target, both checked."""
    name = task.name if opened.name == "the data" and task.name else opened.name
    x, y = opened.x, opened.y
    target = opened.target if task.target is None else task.target
    x, y = _apart(x, y, target, opened, name)
    text: tuple[str, ...] = ()
    apart: pa.Table | None = None
    x, weights, said = weights_apart(x, task.weight, name)
    ids = ids_of(x[task.id]) if isinstance(x, pa.Table) and task.id in x.column_names else None
    if isinstance(x, pa.Table):
        whole = x
        x = _kept(x, task.drop, name)
        apart = whole.select(list(dict.fromkeys(task.drop))) if task.drop and kind.input == "table" else None
        if not x.num_columns:
            raise DataError(f"{name} has no column besides the target {str(target)!r}")
        if kind.input == "text":
            text = task.text or _text_columns(x.drop_columns([task.id] if ids is not None else []), name)
            x = _text_of(x, text, name)
    y = _checked_target(y, kind, name)
    if kind.target == "classes" and task.labels:
        y = mapped(y, task.labels)
    return Data(
        x=x,
        y=y,
        name=name,
        apart=apart,
        text=text,
        unit=opened.unit,
        left_out=opened.left_out,
        notes=opened.notes,
        warnings=(*opened.warnings, *said),
        weights=weights,
        ids=ids,
    )


def _apart(x: Rows, y: NDArray[Any] | None, target: Any, opened: Opened, name: str) -> tuple[Rows, NDArray[Any]]:
    """The inputs, and the target: a column of the table, or given, or brought by the source."""
    if y is not None and not isinstance(x, pa.Table) and isinstance(target, str) and target == opened.target:
        return x, y  # the column of a table that names pictures
    if isinstance(target, (str, int)):
        if not isinstance(x, pa.Table) or (y is not None and str(target) not in x.column_names):
            raise DataError(f"task.target: {name} brings its labels with it; leave task.target out")
        return _split_off(x, str(target), name)
    if target is not None:
        return x, _given(target, x)
    if y is not None:
        return x, y
    if isinstance(x, pa.Table):
        columns = ", ".join(x.column_names[:40])
        raise DataError(f"task.target is missing: name the column to predict; {name} has: {columns}")
    raise DataError(
        f"task.target is missing: {name} has no labels; give a folder or a file a class, or, in Python, (rows,)"
    )


def _given(target: Any, x: Any) -> NDArray[Any]:
    import pandas as pd

    y = np.asarray(target)
    if y.shape != (len(x),):
        several = "; several targets at once are no kind of task yet: hold a contest for each" if y.ndim > 1 else ""
        raise DataError(f"task.target must have one value a row: expected shape ({len(x)},), got {y.shape}{several}")
    if y.dtype.kind in "biuf":
        return y
    # A list of texts with a NaN becomes an array of texts with "nan".
    gaps = np.asarray(pd.isna(np.asarray(target, dtype=object)))
    if gaps.any():
        raise DataError(
            f"task.target is missing in {gaps.sum()} of {len(y)} rows, first in row {int(np.argmax(gaps)) + 1}"
        )
    return y


def _split_off(table: pa.Table, target: str, name: str) -> tuple[pa.Table, NDArray[Any]]:
    """The inputs, and the target as numpy has it; texts share one object a label."""
    if target not in table.column_names:
        raise DataError(f"task.target: {name} has no column {target!r}; {absent(target, table.column_names)}")
    column = table[target]
    if column.null_count:
        row = pc.index(pc.is_null(column), True).as_py()
        raise DataError(
            f"{name}: the target {target!r} is missing in {column.null_count} of {len(column)} rows, "
            f"first in row {row + 1}{words_for_missing(table.schema.field(target))}"
        )
    if pa.types.is_temporal(column.type):
        column = moments_written(column)
    if not pa.types.is_string(column.type):
        return table.drop_columns([target]), column.to_numpy(zero_copy_only=False)
    coded = column.dictionary_encode().combine_chunks()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    labels = np.asarray([label.strip() for label in coded.dictionary.to_pylist()], dtype=object)
    return table.drop_columns([target]), labels[coded.indices.to_numpy()]


def _kept(table: pa.Table, drop: Sequence[str], name: str) -> pa.Table:
    for column in drop:
        if column not in table.column_names:
            raise DataError(f"task.drop: {name} has no column {column!r}; {absent(column, table.column_names)}")
    return table.drop_columns(list(drop)) if drop else table


def _text_columns(table: pa.Table, name: str) -> tuple[str, ...]:
    """The column of texts, or the one with the longest."""
    lengths = {
        field.name: pc.mean(pc.utf8_length(table[field.name])).as_py() or 0.0
        for field in table.schema
        if pa.types.is_string(field.type)
    }
    if not lengths:
        raise DataError(f"{name} has no column of texts; it has: {', '.join(table.column_names[:40])}")
    return (max(lengths, key=lambda column: lengths[column]),)


def _text_of(table: pa.Table, columns: Sequence[str], name: str) -> pa.ChunkedArray:
    """The texts of the columns, joined by a blank line; what is missing is an empty text."""
    for column in columns:
        if column not in table.column_names:
            raise DataError(f"task.text: {name} has no column {column!r}; {absent(column, table.column_names)}")
    texts = [_strings(table[column]) for column in columns]
    return texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, "\n\n")


def _strings(column: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    chunked = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    return pc.replace_substring(pc.fill_null(chunked.cast(pa.string()), ""), "\0", "")


def _checked_target(y: NDArray[Any] | None, kind: Kind, name: str) -> NDArray[Any]:
    if y is None:
        raise DataError(f"{name} has no target")
    if kind.target == "classes":
        if y.dtype.kind == "O":
            kinds = {type(label) for label in set(y.tolist())}
            if kinds <= {str} or kinds == {int}:  # whole numbers beyond 64 bits
                return y
            return y.astype(bool) if kinds == {bool} else np.asarray([written(v) for v in y.tolist()], dtype=object)
        return _checked_numbers(y, name) if y.dtype.kind == "f" else y
    if y.dtype.kind not in "iufb":
        wrong = next((value for value in y if not _is_number(str(value))), None)
        if wrong is not None:
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


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _input_of(x: Rows) -> Any:
    return "table" if isinstance(x, pa.Table) else "text" if isinstance(x, pa.ChunkedArray) else "image"


def _alike(column: pa.ChunkedArray, field: pa.Field, name: str) -> pa.ChunkedArray:
    """A column as the type that it had, without loss."""
    kind, wanted = column.type, field.type
    if kind == wanted or (pa.types.is_integer(wanted) and pa.types.is_float64(kind)):
        return column
    if column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(column), wanted)])
    if pa.types.is_string(wanted) and pa.types.is_boolean(kind):
        return pc.if_else(column, "True", "False")
    if pa.types.is_integer(wanted) and pa.types.is_floating(kind):
        wanted = pa.float64()
    try:
        if not pa.types.is_temporal(kind) or pa.types.is_string(wanted):
            return column.cast(wanted, safe=not pa.types.is_floating(wanted))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass
    was, is_now = (_WORDS.get(str(one), one) for one in (field.type, kind))
    raise DataError(
        f"{name}: column {field.name!r} was {was} in the data that models were fitted on, and is {is_now} here"
    )


_WORDS = {"int64": "whole numbers", "double": "numbers", "string": "words", "bool": "true or false"}
_WORDS["timestamp[us]"] = "dates"
