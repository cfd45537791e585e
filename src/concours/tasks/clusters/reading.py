"""Reading rows that are to be grouped: a table, without a target, or with the true groups as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from concours.core.errors import ContestError, DataError, nearest
from concours.core.written import written
from concours.tasks.clusters.standard import Standard, standard_of
from concours.tasks.conforming import conform
from concours.tasks.given import given_rows
from concours.tasks.ids import ids_of
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.outputs.groups import MOST
from concours.tasks.places import in_source
from concours.tasks.readers.header import absent
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.settled import settled
from concours.tasks.readers.source import open_source
from concours.tasks.reading import Data, split_off
from concours.tasks.task import Task

_GROUPS = 50


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """The rows of a table; their targets are they themselves as points (`tasks.outputs.groups`).

    Raises:
        ContestError, DataError: the data is missing, damaged, or does not suit the task.
    """
    require_taken(task, kind)
    groups = _asked(task)
    opened = _opened(task.data, task, folder)
    data, truth = _rows(opened, task)
    table = _table(data)
    standard, out = standard_of(table.drop_columns([task.id]) if task.id in table.column_names else table, data.name)
    if len(data) < 2 * (groups or 2):
        raise DataError(f"{data.name}: {len(data)} rows are too few for {groups or 2} groups of two rows at least")
    known = tuple(sorted(set(truth)))
    meta = {"groups": groups, "places": groups or MOST, "columns_of": standard.names, "known": known}
    said = (
        (f"{data.name}: groups do not hang on {', '.join(out)}: one value, or words that hardly come again",)
        if out
        else ()
    )
    data = replace(data, y=_targets(table, truth, standard, meta), meta=meta, warnings=(*data.warnings, *said))
    if task.test is None:
        return data, None
    other, told = _rows(_opened(task.test, task, folder, like=opened.x), task)
    x = conform(other.x, data.x, other.name)
    assert isinstance(x, pa.Table)  # noqa: S101 (for the type checker)
    return data, replace(other, x=x, y=_targets(x, told, standard, meta))


def _asked(task: Task) -> int | None:
    for key in task.options:
        if key != "groups":
            raise ContestError(f"task.options.{key}: unknown key; {nearest(key, ['groups'])}")
    groups = task.options.get("groups")
    if groups is not None and (not isinstance(groups, int) or isinstance(groups, bool) or not 2 <= groups <= _GROUPS):
        raise ContestError(f"task.options.groups must be a whole number from 2 to {_GROUPS}, got {groups!r}")
    return groups


def _opened(source: Any, task: Task, folder: Path, like: Any = None) -> Opened:
    names = tuple(
        str(key) for key in (task.target, *task.drop, task.id, task.split.group, task.split.time) if key is not None
    )
    options = Options(
        header=task.header,
        names=names,
        encoding=task.encoding,
        on_bad_row=task.on_bad_row,
        source=task.source,
        input="table",
        columns=task.columns,
        missing=task.missing,
        written=(task.id,) if task.id else (),
        like=like.schema if isinstance(like, pa.Table) else None,
    )
    if isinstance(source, (str, Path)):
        return open_source(source, folder, options)
    return settled(given_rows(source, "table", task.name or "the data"), options)


def _rows(opened: Opened, task: Task) -> tuple[Data, list[str]]:
    """The rows without the truth, and that, in words."""
    x, name = opened.x, opened.name
    if not isinstance(x, pa.Table):
        raise DataError(f"{name} holds no table; clustering wants one, a row for each that is to be grouped")
    truth: list[str] = []
    if task.target is not None:
        if task.target_column is None:
            raise ContestError("task.target: name the column of the true groups, or leave it out")
        with in_source(opened.rows):
            x, y = split_off(x, task.target_column, name)
        truth = [written(value) for value in y.tolist()]
    for column in task.drop:
        if column not in x.column_names:
            raise DataError(f"task.drop: {name} has no column {column!r}; {absent(column, x.column_names)}")
    apart = x.select(list(dict.fromkeys(task.drop))) if task.drop else None
    x = x.drop_columns(list(task.drop)) if task.drop else x
    ids = ids_of(x[task.id]) if task.id in x.column_names else None
    data = Data(
        x=x,
        y=None,
        name=name,
        apart=apart,
        unit=opened.unit,
        left_out=opened.left_out,
        rows=opened.rows,
        notes=opened.notes,
        warnings=opened.warnings,
        ids=ids,
    )
    return data, truth


def _table(data: Data) -> pa.Table:
    assert isinstance(data.x, pa.Table)  # noqa: S101 (for the type checker)
    return data.x


def _targets(table: pa.Table, truth: list[str], standard: Standard, meta: dict[str, Any]) -> Any:
    """(rows, columns + 1), at least one column wider than memberships, by which the two are told apart."""
    points, codes = standard.points(table), {word: code for code, word in enumerate(meta["known"])}
    last = np.array([codes.get(word, -1) for word in truth], dtype=np.float64) if truth else np.full(len(points), -1.0)
    pad = np.zeros((len(points), max(meta["places"] - points.shape[1], 0)))
    return np.concatenate([points, pad, last[:, None]], axis=1)
