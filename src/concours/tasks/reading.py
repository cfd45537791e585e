"""Reading: from what a task declares to inputs and targets, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.values import take
from concours.core.written import counted
from concours.tasks.cells import Form
from concours.tasks.conforming import HOLDS, conform
from concours.tasks.division import DUPLICATES
from concours.tasks.given import given_rows
from concours.tasks.ids import ids_of
from concours.tasks.inputs.table import TEXT
from concours.tasks.kinds import Kind
from concours.tasks.labels import moments_written, words_for_missing
from concours.tasks.lacking import require_taken
from concours.tasks.places import Places, RowError, in_source, places_of, row_number
from concours.tasks.readers.header import absent
from concours.tasks.readers.listing import TABLES, TEXTS, suffix_of
from concours.tasks.readers.named import sklearn_target
from concours.tasks.readers.opened import LEAVE_OUT, Opened, Options, Rows, Unit
from concours.tasks.readers.settled import settled
from concours.tasks.readers.source import open_source
from concours.tasks.task import Split, Task, several
from concours.tasks.texts import blank, text_columns, text_of
from concours.tasks.weights import require_column, weights_apart, weights_kept


@dataclass(frozen=True, kw_only=True)
class Data:
    """Inputs and targets as they were read.

    Attributes:
        x: an Arrow table, texts (rows,), or pictures (rows, height, width[, channels]).
        y: (rows,) labels, texts as a file writes them or as a typed source has them; or float64; or whatever the
            output takes; none where new rows come without a target.
        weights: (rows,) float64 of at least 0, not all 0, where the task gives some.
        ids: (rows,) of a table, what the rows are called, where the task names a column of these.
        name: of the data, for people.
        spans: where rows are stretches of time, (rows, 3) float64: where each begins, from where its target is, and
            where it ends. They are then split by time.
        kin: (rows,) codes from 0, of which rows keep together, where the task names no group and the rows tell.
        kin_of: what rows of one such code are, in words.
        content: where inputs do not tell rows apart, as labels by which pictures are drawn do not: what does.
        meta: what the reader knows that belongs to the output.
        forms: of the columns that rows were cut from, where these are no table that keeps them: new rows are read with
            them.
        beside: columns (rows,) that are known of rows that are no table, such as the names of their files and what
            these tell: rows are called and kept together by them, and no model gets them.
        together: the column of these by which rows keep together where the task names none, as windows of a unit do.
        files: (rows,) of rows that are a file each, what these are called; else empty.
        called: what the group of each row is called, and where in it the row lies, (rows,), where rows are no table and
            the report tells of groups.
        apart: the columns of a table that are dropped, for telling rows apart.
        text: the columns that texts were taken from, where they lay in a table; `unit` is what a row lay in.
        left_out: how many rows were left out in reading.
        read: what rows are called that are each made of several of the source: users, windows.
        rows: (rows,) which rows of the source they are, from 0, where some of it were left out; else none.
        notes: what was found out in reading: encoding, delimiter, header, sizes.
        warnings: what a person should know: rows left out, an encoding that was guessed, pictures made smaller.
    """

    x: Rows
    y: Any
    name: str
    apart: pa.Table | None = None
    text: tuple[str, ...] = ()
    left_out: int = 0
    rows: Places | None = None
    unit: Unit = "row"
    read: str = "rows"
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    weights: NDArray[np.float64] | None = None
    ids: pa.ChunkedArray | None = None
    spans: NDArray[np.float64] | None = None
    kin: NDArray[np.int64] | None = None
    kin_of: str = "group of rows that keep together"
    content: Rows | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    forms: Mapping[str, Form] = field(default_factory=dict)
    beside: pa.Table | None = None
    together: str | None = None
    files: tuple[str, ...] = ()
    called: pa.Table | None = None

    def __len__(self) -> int:
        return len(self.x)

    def splitting(self, split: Split) -> Rows:
        """What has the columns by which rows keep together, or follow in time."""
        return self.x if self.beside is None or split.group == DUPLICATES else self.beside

    def number(self, place: int) -> int:
        """The number from 1 that a row has in the source."""
        return row_number(self.rows, place)

    def some(self, kept: NDArray[np.int64]) -> Data:
        """Some of the rows of a table, or of texts, by their places; the others are left out."""
        ids, apart, weights = self.ids, self.apart, self.weights
        return replace(
            self,
            x=self.x.take(pa.array(kept)) if isinstance(self.x, pa.ChunkedArray) else taken(self.x, kept),
            y=take(self.y, kept),
            ids=None if ids is None else ids.take(pa.array(kept)),
            apart=None if apart is None else taken(apart, kept),
            weights=None if weights is None else weights[kept],
            files=tuple(self.files[place] for place in kept) if self.files else (),
            rows=places_of(self.rows, kept, len(self)),
            left_out=self.left_out + len(self) - len(kept),
        )

    @property
    def said(self) -> str:
        """How many rows were read, how many were not, and how."""
        lines = "" if self.read == "rows" else "rows "
        left = f", {self.left_out:,} {lines}left out" if self.left_out else ""
        return "; ".join((f"{self.name}: {len(self):,} {self.read} read{left}", *self.notes))


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """The data of a task, and its test part where that is a source of its own, or set apart in the source.

    Raises:
        ContestError, DataError: the data is missing, damaged, or does not suit the task.
    """
    require_taken(task, kind)
    opened = _opened(task.data, task, kind, folder)
    data = data_of(opened, task, kind)
    found = opened.test if task.test is None else _opened(task.test, task, kind, folder, like=opened.x)
    return data, None if found is None else _alike(found, task, kind, data)


def read_alike(source: Any, task: Task, kind: Kind, folder: Path, like: Data) -> Data:
    """Rows with targets from another source than the task's, in the columns and forms of its own.

    Args:
        like: what the task's own rows were read as; of its inputs only the form counts, so that there may be no row.

    Raises:
        ContestError, DataError: the source is missing, damaged, or has other rows.
    """
    return _alike(_opened(source, task, kind, folder, like=like.x), task, kind, like)


def _alike(found: Opened, task: Task, kind: Kind, like: Data) -> Data:
    require_column(task.weight)
    known = found.x.column_names if isinstance(found.x, pa.Table) else task.drop
    own = replace(task, text=like.text, drop=tuple(name for name in task.drop if name in known))
    read = data_of(found, own, kind)
    said = list(read.warnings)
    x = conform(read.x, like.x, read.name, told=said.append)
    return replace(read, x=x, warnings=tuple(said))


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
            found != kind.output.name
            or ("columns" not in kind.input.can and text != "sklearn:digits")
            or kind.input is TEXT
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
                input=kind.input.name,
                shape=shape,
                columns=task.columns,
                missing=task.missing,
                written=(*_written(task, kind), *task.text),
                like=schema,
            ),
        )
    else:
        opened = given_rows(source, kind.input.name, task.name or "the data")
        opened = settled(opened, Options(columns=task.columns, missing=task.missing, like=schema))
    if opened.input != kind.input.name and not (kind.input is TEXT and opened.input == "table"):
        raise DataError(
            f"{opened.name} holds {HOLDS[opened.input]}, and a task of kind {kind.name} wants {kind.input.what}"
        )
    return opened


def _names(task: Task, like: Rows | None) -> tuple[str, ...]:
    """Columns that the task names; of a test part, those of the data as well."""
    targets = task.target if several(task) else (task.target,)
    keys = (*targets, *task.text, *task.drop, task.id, task.weight, task.split.group, task.split.time)
    named = tuple(str(key) for key in keys if isinstance(key, (str, int)))
    return (*named, *like.column_names) if isinstance(like, pa.Table) else named


def _written(task: Task, kind: Kind) -> tuple[str, ...]:
    """The columns that stay as the file writes them: labels and ids."""
    labels = (task.target_column,) if kind.output.verbatim and task.target_column is not None else ()
    return (*labels, *((task.id,) if task.id else ()))


def _are_names(source: Any) -> bool:
    """Whether a list names files, rather than being texts itself."""
    return isinstance(source, (list, tuple)) and all(
        isinstance(one, Path) or (isinstance(one, str) and suffix_of(one) in (*TABLES, *TEXTS, ".json"))
        for one in source
    )


def data_of(opened: Opened, task: Task, kind: Kind) -> Data:
    """Inputs apart from the target, both checked."""
    name = task.name if opened.name == "the data" and task.name else opened.name
    x, y = opened.x, opened.y
    target = opened.target if task.target is None else task.target
    left_out, rows, told = opened.left_out, opened.rows, list[str]()
    sought = tuple(map(str, task.target)) if several(task) else (str(target),)
    if isinstance(x, pa.Table) and y is None and {*sought} <= {*x.column_names}:
        kept, told = with_target(x, sought, task, name, unit=opened.unit, rows=rows)
        task = replace(task, weight=weights_kept(task.weight, kept, len(x)))
        rows = places_of(rows, kept, len(x))
        left_out, x = left_out + len(x) - len(kept), taken(x, kept)
    text: tuple[str, ...] = ()
    apart: pa.Table | None = None
    with in_source(rows):
        if several(task):
            x, y = split_all_off(x, sought, name)
        elif kind.output.several and not isinstance(target, (str, int)) and np.ndim(np.asarray(target)) == 2:
            y = _all_given(target, x)
        else:
            x, y = _apart(x, y, target, opened, name)
        x, weights, said = weights_apart(x, task.weight, name)
    ids = ids_of(x[task.id]) if isinstance(x, pa.Table) and task.id in x.column_names else None
    if isinstance(x, pa.Table):
        whole = x
        x = _kept(x, task.drop, name)
        apart = whole.select(list(dict.fromkeys(task.drop))) if task.drop and "columns" in kind.input.can else None
        if not x.num_columns:
            raise DataError(f"{name} has no column besides the target {str(target)!r}")
        if kind.input is TEXT:
            text = task.text or text_columns(x.drop_columns([task.id] if ids is not None else []), name)
            x = text_of(x, text, name)
    if y is None:
        raise DataError(f"{name} has no target")
    with in_source(rows):
        y = kind.output.checked(y, task, name)
    data = Data(
        x=x,
        y=y,
        name=name,
        apart=apart,
        text=text,
        unit=opened.unit,
        left_out=left_out,
        rows=rows,
        notes=opened.notes,
        warnings=(*opened.warnings, *told, *said),
        weights=weights,
        ids=ids,
        files=opened.files if len(opened.files) == len(y) else (),
    )
    return _with_words(data, task) if kind.input is TEXT else data


def _with_words(data: Data, task: Task) -> Data:
    """Without the rows whose text is empty, where that is asked for; else none may be. Raises DataError."""
    empty = blank(data.x)
    if not empty.any():
        return data
    first = f"{data.unit} {data.number(int(np.argmax(empty)))}"
    if task.on_bad_row == "fail":
        raise DataError(
            f"{data.name}: {first}: the text is empty; {empty.sum():,} such texts of {len(data):,}; "
            'on_bad_row = "skip" in [task] leaves them out'
        )
    told = f"{data.name}: {empty.sum():,} empty texts were left out; first: {first}"
    return replace(data.some(np.flatnonzero(~empty)), warnings=(*data.warnings, told))


def _apart(x: Rows, y: NDArray[Any] | None, target: Any, opened: Opened, name: str) -> tuple[Rows, NDArray[Any]]:
    """The inputs, and the target: a column of the table, or given, or brought by the source."""
    if y is not None and not isinstance(x, pa.Table) and isinstance(target, str) and target == opened.target:
        return x, y  # the column of a table that names pictures
    if isinstance(target, (str, int)):
        if not isinstance(x, pa.Table) or (y is not None and str(target) not in x.column_names):
            raise DataError(f"task.target: {name} brings its labels with it; leave task.target out")
        return split_off(x, str(target), name)
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
        more = "; several targets at once are predicted by tasks of kind multi-output" if y.ndim > 1 else ""
        raise DataError(f"task.target must have one value a row: expected shape ({len(x)},), got {y.shape}{more}")
    if y.dtype.kind in "biuf":
        return y
    # A list of texts with a NaN becomes an array of texts with "nan".
    gaps = np.asarray(pd.isna(np.asarray(target, dtype=object)))
    if gaps.any():
        raise DataError(
            f"task.target is missing in {gaps.sum()} of {len(y)} rows, first in row {int(np.argmax(gaps)) + 1}"
        )
    return y


def _all_given(target: Any, x: Any) -> pa.Table:
    """Several targets (rows, targets), a frame or an array, as a table. Raises DataError."""
    import pandas as pd

    frame = target if isinstance(target, pd.DataFrame) else pd.DataFrame(np.asarray(target)).add_prefix("target ")
    if len(frame) != len(x) or frame.shape[1] < 2:
        raise DataError(f"task.target must have two values a row or more, ({len(x)}, targets); got {frame.shape}")
    if gaps := int(frame.isna().any(axis=1).sum()):
        first = int(frame.isna().any(axis=1).to_numpy().argmax()) + 1
        raise DataError(f"task.target is missing in {gaps} of {len(frame)} rows, first in row {first}")
    return pa.Table.from_pandas(frame.infer_objects(), preserve_index=False)


def with_target(
    table: pa.Table,
    target: str | Sequence[str],
    task: Task,
    name: str,
    unit: str = "row",
    rows: Places | None = None,
) -> tuple[NDArray[np.int64], list[str]]:
    """The rows that have a target, or all of several, and what is said of the others, where the task leaves such out;
    else all rows.

    Args:
        rows: which rows of the source they are, where some were left out before.

    Raises:
        DataError: none is left.
    """
    every, targets = np.arange(len(table)), (target,) if isinstance(target, str) else tuple(target)
    there = [table[one] for one in targets if one in table.column_names]
    if task.on_bad_row == "fail" or not sum(column.null_count for column in there):
        return every, []
    known = np.logical_and.reduce([column.is_valid().to_numpy() for column in there])
    called = " and ".join(map(repr, targets))
    if not known.any():
        raise DataError(f"{name}: no row has the target {called}")
    first = row_number(rows, int(np.argmin(known)))
    left = counted(int((~known).sum()), unit)
    return every[known], [f"{name}: {left} without the target {called} left out; first: {unit} {first}"]


def taken(table: pa.Table, kept: NDArray[np.int64]) -> pa.Table:
    """Those rows of a table; the table itself where that is all."""
    return table if len(kept) == len(table) else table.take(pa.array(kept))


def split_all_off(x: Rows, targets: Sequence[str], name: str) -> tuple[pa.Table, pa.Table]:
    """The inputs, and several targets as a table, of texts, numbers and truth values.

    Raises:
        DataError: one of them is no column, is named twice, or has gaps.
    """
    if not isinstance(x, pa.Table):
        raise DataError(f"task.target: {name} has no columns; only rows of a table have several targets")
    if len({*targets}) < len(targets) or len(targets) < 2:
        raise DataError(f"task.target: two columns or more, each once, were expected; got {', '.join(targets)}")
    for target in targets:
        split_off(x, target, name)
    return x.drop_columns(list(targets)), x.select(list(targets))


def split_off(table: pa.Table, target: str, name: str) -> tuple[pa.Table, NDArray[Any]]:
    """The inputs, and the target as numpy has it; texts share one object a label.

    Raises:
        DataError: there is no such column, or it has gaps.
    """
    if target not in table.column_names:
        raise DataError(f"task.target: {name} has no column {target!r}; {absent(target, table.column_names)}")
    column = table[target]
    if column.null_count:
        row = pc.index(pc.is_null(column), True).as_py()
        raise RowError(
            f"{name}: the target {target!r} is missing in {column.null_count} of {len(column)} rows, first in",
            row + 1,
            f"{words_for_missing(table.schema.field(target))}; {LEAVE_OUT}",
        )
    if pa.types.is_temporal(column.type):
        column = moments_written(column)
    if not pa.types.is_string(column.type):
        return table.drop_columns([target]), column.to_numpy(zero_copy_only=False)
    coded = column.dictionary_encode().combine_chunks()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    labels = np.asarray([label.strip() for label in coded.dictionary.to_pylist()], dtype=object)
    return table.drop_columns([target]), labels[coded.indices.to_numpy()]


def require_known(task: Task, beside: pa.Table, name: str) -> None:
    """Refuses columns that the task names and that are not known of rows. Raises DataError."""
    for key, column in (("id", task.id), ("split.group", task.split.group), ("split.time", task.split.time)):
        if column not in (None, DUPLICATES, *beside.column_names):
            raise DataError(f"task.{key}: {name} has no column {column!r}; {absent(str(column), beside.column_names)}")


def _kept(table: pa.Table, drop: Sequence[str], name: str) -> pa.Table:
    for column in drop:
        if column not in table.column_names:
            raise DataError(f"task.drop: {name} has no column {column!r}; {absent(column, table.column_names)}")
    return table.drop_columns(list(drop)) if drop else table
