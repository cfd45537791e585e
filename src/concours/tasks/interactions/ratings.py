"""Reading ratings: a row is a user and an item, with perhaps more columns, and its target is a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from concours.core.errors import ContestError
from concours.core.written import counted
from concours.tasks.conforming import conform
from concours.tasks.interactions.log import Roles, log_of, named, open_log
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.places import Places, places_of, row_number
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.reading import Data, data_of, taken
from concours.tasks.task import Task


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """Ratings, and those of a test part of its own. The first column of a row is its user, the second its item, texts
    both as they are written; others are as in any table.

    Raises:
        ContestError, DataError: the data is missing, damaged, or does not suit the task.
    """
    require_taken(task, kind)
    roles = _roles(task)
    opened = _opened(task.data, task, folder, roles)
    data = _data(opened, task, kind, roles)
    if task.test is None:
        return data, None
    test = _data(_opened(task.test, task, folder, roles, like=opened.x), task, kind, roles)
    said = list(test.warnings)
    x = conform(test.x, data.x, test.name, told=said.append)
    said += _unknown(x, data.x, test.name, test.rows)
    return data, replace(test, x=x, warnings=tuple(said))


def renew(
    source: Any,
    like: pa.Table,
    *,
    meta: Mapping[str, Any],
    written: Sequence[str] = (),
    told: Callable[[str], None] = lambda text: None,
) -> tuple[pa.Table, Opened]:
    """New users and items in the columns of those that models were fitted on; which of them are unknown is told.

    Args:
        like: rows that models were fitted on.
        meta: not used.
        written: columns to keep in the source as the file writes them, e.g. of ids.

    Raises:
        DataError: a column is missing, or cannot be read as the type it had.
    """
    del meta
    names = tuple(like.column_names)
    kept = tuple(name for name in written if name not in names)
    opened = open_log(source, Path(), Options(names=names, written=kept, like=like.schema), "the given rows")
    for warning in opened.warnings:
        told(warning)
    x = conform(opened.x, like, opened.name, told=told)
    for text in _unknown(x, like, opened.name, opened.rows):
        told(text)
    return x, opened


def _roles(task: Task) -> Roles:
    for key, value in (("user", task.options.get("user")), ("item", task.options.get("item"))):
        if not isinstance(value, str):
            raise ContestError(f"task.{key} is missing: name the column of the {key}s")
    if task.target_column is None:
        raise ContestError("task.target is missing: name the column of the ratings")
    return Roles(user=task.options["user"], item=task.options["item"], rating=task.target_column)


def _opened(source: Any, task: Task, folder: Path, roles: Roles, like: pa.Table | None = None) -> Opened:
    """A log with its columns typed, those of a further one as the first has them."""
    apart = (roles.user, roles.item, *([task.id] if task.id else []))
    options = Options(
        header=task.header,
        names=(*roles.names, *task.drop),
        encoding=task.encoding,
        on_bad_row=task.on_bad_row,
        columns={**task.columns},
        missing=task.missing,
        written=apart,
        like=None if like is None else like.schema,
    )
    return open_log(source, folder, options, task.name or "the data")


def _data(opened: Opened, task: Task, kind: Kind, roles: Roles) -> Data:
    """Rows that are right, with user and item first."""
    both = (roles.user, roles.item)
    log = log_of(opened, roles, on_bad_row=task.on_bad_row)
    assert isinstance(opened.x, pa.Table)  # noqa: S101 (for the type checker)
    places = log.rows if opened.rows is None else np.searchsorted(opened.rows, log.rows)
    rows = places_of(opened.rows, places, len(opened.x))
    table = taken(opened.x, places)
    rest = [name for name in table.column_names if name not in both]
    columns = [named(table[name]) for name in both] + [table[name] for name in rest]
    fields = [pa.field(name, pa.string()) for name in both] + [table.schema.field(name) for name in rest]
    whole = pa.table(columns, schema=pa.schema(fields))
    right = replace(opened, x=whole, left_out=log.left_out, rows=rows, warnings=log.warnings, target=None)
    return data_of(right, task, kind)


def _unknown(x: pa.Table, like: pa.Table, name: str, rows: Places | None) -> list[str]:
    """What is said of rows with a user or an item of which nothing was fitted on."""
    said = []
    others = ("the item", "the user")
    for column, other in zip(x.column_names[:2], others, strict=True):
        strange = ~pc.is_in(x[column], value_set=like[column].unique()).to_numpy(zero_copy_only=False)
        if strange.any():
            first = int(np.argmax(strange))
            said.append(
                f"{name}: {counted(int(strange.sum()), 'row')} with a {column!r} that models were fitted on nothing "
                f"of: what is known of {other} alone is said; first: row "
                f"{row_number(rows, first)}, {x[column][first].as_py()!r}"
            )
    return said
