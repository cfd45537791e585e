"""Tables with a row a step, as sequences and units are read from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from concours.core.errors import DataError
from concours.tasks.given import given_rows
from concours.tasks.readers.header import absent
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.settled import settled
from concours.tasks.readers.source import open_source
from concours.tasks.task import Task


def opened_table(
    source: Any, task: Task, folder: Path, *, written: Sequence[str] = (), like: pa.Schema | None = None
) -> Opened:
    """A source that holds a table, with its columns typed, and without those that are dropped.

    Args:
        written: columns that stay as the file writes them.
        like: the schema of the table that models are fitted on.

    Raises:
        DataError: it is missing, damaged, holds something else, or has not the columns that are dropped.
    """
    named = (task.target, task.id, task.split.group, *task.options.values(), *task.drop)
    options = Options(
        header=task.header,
        names=tuple(one for one in named if isinstance(one, str)),
        encoding=task.encoding,
        on_bad_row=task.on_bad_row,
        input="table",
        columns=task.columns,
        missing=task.missing,
        written=tuple(written),
        like=like,
    )
    opened = table_in(source, folder, options, task.name or "the data")
    assert isinstance(opened.x, pa.Table)  # noqa: S101 (for the type checker)
    missing = [column for column in task.drop if column not in opened.x.column_names]
    if missing and like is None:
        raise DataError(
            f"task.drop: {opened.name} has no column {missing[0]!r}; {absent(missing[0], opened.x.column_names)}"
        )
    return without(opened, task.drop)


def table_in(source: Any, folder: Path, options: Options, name: str) -> Opened:
    """A table of a file, or of Python. Raises DataError where it is something else."""
    opened = (
        open_source(source, folder, options)
        if isinstance(source, (str, Path))
        else settled(given_rows(source, "table", name), options)
    )
    if not isinstance(opened.x, pa.Table):
        raise DataError(
            f"{opened.name} holds no table; one was expected with a row a step: a column that says to which sequence a "
            "row belongs, and columns of numbers"
        )
    return opened


def without(opened: Opened, columns: Sequence[str]) -> Opened:
    """The same without some of the columns, in its test part too."""
    assert isinstance(opened.x, pa.Table)  # noqa: S101 (for the type checker)
    gone = [column for column in columns if column in opened.x.column_names]
    test = None if opened.test is None else without(opened.test, columns)
    return replace(opened, x=opened.x.drop_columns(gone), test=test)
