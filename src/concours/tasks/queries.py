"""Documents of queries: read as rows of a table, with the query of each, which keeps its documents together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import ContestError, DataError, nearest
from concours.core.written import counted, written
from concours.tasks.division import column_of, groups_of
from concours.tasks.kinds import Kind
from concours.tasks.readers.opened import LEAVE_OUT
from concours.tasks.readers.svmlight import QUERY
from concours.tasks.reading import Data
from concours.tasks.reading import read as read_table
from concours.tasks.task import Task


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """The documents of a task, and its test part where that is a source of its own, or set apart in the source.

    Targets are (rows, 2), the relevance and the code of the query. Documents of one query keep together (`Data.kin`),
    and no model gets the column that names it.

    Raises:
        ContestError, DataError: as of `tasks.reading.read`; there is no column of queries, it has gaps, a query has one
            document alone, or lies in two groups of `split.group`.
    """
    if task.split.time is not None:
        raise ContestError("task.split.time: the documents of a query keep together; leave it out, or split by group")
    if unknown := [name for name in task.options if name not in kind.input.keys]:
        raise ContestError(f"task: unknown key {unknown[0]!r}; {nearest(unknown[0], kind.input.keys)}")
    column = str(task.options.get("query", QUERY))
    split = task.split if task.split.group else replace(task.split, group=column)
    data, test = read_table(replace(task, options={}, split=split), kind, folder)
    return _ordered(data, column, task), None if test is None else _ordered(test, column, task)


def _ordered(data: Data, column: str, task: Task) -> Data:
    """With the query of each document, and without those that stand alone, where they are to be left out."""
    assert isinstance(data.x, pa.Table)  # noqa: S101 (for the type checker)
    if column not in data.x.column_names and "query" not in task.options:
        raise ContestError(
            f"task.query: name the column that tells to which query a document belongs; {data.name} has no {QUERY!r}, "
            f"it has: {', '.join(data.x.column_names[:40])}"
        )
    queries = column_of(data.x, column, "task.query", data.name)
    codes = np.asarray(pc.index_in(queries, queries.unique()).to_numpy(), dtype=np.int64)
    data = replace(data, warnings=(*data.warnings, *_scattered(codes, queries, data)))
    sizes = np.bincount(codes)[codes]
    kept = np.flatnonzero(sizes > 1)
    if len(kept) < len(codes):
        data, codes = _without_single(data, queries, codes, kept, skip=task.on_bad_row == "skip")
        sizes = np.bincount(codes)[codes]
    assert isinstance(data.x, pa.Table)  # noqa: S101 (for the type checker)
    if task.split.group and task.split.group != column:
        _require_whole(codes, groups_of(task.split.group, data.x, data.name, ()), task.split.group, data)
    x = data.x.drop_columns([column])
    said = f"{len(np.unique(codes)):,} queries, {size_said(sizes)} documents each"
    y = np.stack([data.y, codes.astype(np.float64)], axis=1)
    kin = None if task.split.group and task.split.group != column else codes
    return replace(data, x=x, y=y, kin=kin, kin_of="query", notes=(*data.notes, said))


def size_said(sizes: NDArray[np.int64]) -> str:
    """From how many documents to how many queries have."""
    low, high = int(sizes.min()), int(sizes.max())
    return f"{low}" if low == high else f"{low} to {high}"


def _scattered(codes: NDArray[np.int64], queries: pa.ChunkedArray, data: Data) -> list[str]:
    """What to say of queries whose documents do not follow one another."""
    begins = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))
    again = begins[np.flatnonzero(np.bincount(codes[begins])[codes[begins]] > 1)]
    if not len(again):
        return []
    row = next(int(row) for row in again if (codes[begins[begins < row]] == codes[row]).any())
    count = len(np.unique(codes[again]))
    said = (
        f"{data.name}: {counted(count, 'query')} in several places of the file, first again in {data.unit} "
        f"{data.number(row)}, {written(queries[row].as_py())!r}: all documents of a name are taken as of one query"
    )
    return [said]


def _without_single(
    data: Data, queries: pa.ChunkedArray, codes: NDArray[np.int64], kept: NDArray[np.int64], *, skip: bool
) -> tuple[Data, NDArray[np.int64]]:
    """Without the queries of one document, of which no order can be told. Raises DataError where they may not be left
    out, or nothing is left.
    """
    alone = np.setdiff1d(np.arange(len(codes)), kept)
    first = f"{data.unit} {data.number(alone[0])}, query {written(queries[int(alone[0])].as_py())!r}"
    told = f"{data.name}: {counted(len(alone), 'query')} with one document alone"
    if not skip:
        raise DataError(f"{told}, first: {first}; there is nothing to put in order: give it others, or {LEAVE_OUT}")
    if not len(kept):
        raise DataError(f"{told}, and no other; there is nothing to put in order")
    left = replace(data.some(kept), warnings=(*data.warnings, f"{told} left out, first: {first}"))
    return left, np.unique(codes[kept], return_inverse=True)[1]


def _require_whole(codes: NDArray[np.int64], groups: NDArray[np.int64], column: str, data: Data) -> None:
    """Refuses a query that lies in two groups. Raises DataError."""
    first = np.full(codes.max() + 1, -1)
    first[codes[::-1]] = groups[::-1]
    apart = np.flatnonzero(groups != first[codes])
    if len(apart):
        raise DataError(
            f"task.split.group: {data.name}: the query of {data.unit} {data.number(apart[0])} has documents of another "
            f"{column!r} too; the documents of a query keep together, so name a column that is the same for all of them"
        )
