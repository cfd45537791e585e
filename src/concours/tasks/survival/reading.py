"""Reading survival: a table whose target is a time, and a column that says whether the event came then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import ContestError, DataError
from concours.core.written import counted, written
from concours.tasks.kinds import Kind
from concours.tasks.places import Places, row_number
from concours.tasks.readers.header import absent
from concours.tasks.reading import Data
from concours.tasks.reading import read as read_table
from concours.tasks.survival.words import that_came
from concours.tasks.task import Task

Flags = NDArray[np.bool_]

EVENT: Final = "event"
HAPPENED: Final = "happened"

_CAME: Final = frozenset({"1", "true", "yes"})
_CENSORED: Final = frozenset({"0", "false", "no"})
_SKIP: Final = 'on_bad_row = "skip" in [task] leaves such rows out'


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """The rows of a table, with targets (rows, 2): the time, and whether the event came.

    Raises:
        ContestError, DataError: the data is missing, damaged, or does not suit the task.
    """
    event = task.options.get(EVENT)
    if not isinstance(event, str):
        raise ContestError(
            "task.event is missing: name the column that says whether the event came (1 or true) or the row was only "
            'followed until then (0 or false), e.g. event = "died"'
        )
    data, test = read_table(replace(task, options={}), kind, folder)
    data = _with_event(data, event, task)
    if not data.y[:, 1].any():
        raise DataError(
            f"{data.name}: all {counted(len(data), 'row')} are censored by {event!r}; nothing tells when the event "
            f"comes: look whether task.happened names the right value, which is {data.meta[HAPPENED]!r} now"
        )
    return data, None if test is None else _with_event(test, event, task, happened=data.meta[HAPPENED])


def _with_event(data: Data, event: str, task: Task, *, happened: str | None = None) -> Data:
    """With whether the event came beside the times, and without the rows of which that is not known."""
    assert isinstance(data.x, pa.Table)  # noqa: S101 (for the type checker)
    if event not in data.x.column_names:
        raise DataError(f"task.event: {data.name} has no column {event!r}; {absent(event, data.x.column_names)}")
    cells = data.x[event]
    table = data.x.drop_columns([event])
    data = replace(data, x=table)
    if not table.num_columns:
        raise DataError(f"{data.name} has no column besides the time {str(task.target)!r} and the event {event!r}")
    times = data.y
    bad = cells.is_null().to_numpy() | ~(np.isfinite(times) & (times > 0))
    if bad.all():
        raise DataError(f"{data.name}: {_wrong(data, cells, 0, event)}, as in every other row")
    if bad.any():
        data, cells = _left_out(data, cells, bad, event, task)
    texts = [written(value).strip() for value in cells.to_pylist()]
    meant = (
        happened
        if happened is not None
        else meaning(texts, event, task.options.get(HAPPENED), data.name, rows=data.rows)
    )
    came = np.array([text == meant for text in texts], dtype=np.float64)
    warnings = (*data.warnings, *_doubted(sorted(set(texts)), meant, event, data.name))
    return replace(data, y=np.stack([data.y, came], axis=1), meta={EVENT: event, HAPPENED: meant}, warnings=warnings)


def _doubted(values: list[str], meant: str, event: str, name: str) -> list[str]:
    """What to say where the words of a column seem to say the opposite of what it is taken for."""
    likely = that_came(values, event)
    if likely in (None, meant):
        return []
    return [f"{name}: {meant!r} of {event!r} is taken for the event; by its words that is rather {likely!r}"]


def meaning(texts: list[str], event: str, happened: Any, name: str, *, rows: Places | None = None) -> str:
    """How a column says that the event came.

    Args:
        texts: of the column, one a row.
        happened: how it is said by the task, if it is.
        rows: which rows of the source these are, where some were left out.

    Raises:
        ContestError: what the task says does not occur.
        DataError: there are more than two values, or nothing tells which of two it is.
    """
    values = sorted(set(texts))
    listed = ", ".join(repr(value) for value in values[:5]) + (", …" if len(values) > 5 else "")
    if len(values) > 2:
        third = row_number(rows, texts.index(list(dict.fromkeys(texts))[2]))
        raise DataError(
            f"{name}: the event {event!r} must have two values, whether it came or not; it has {len(values)}: "
            f"{listed}; the third first in row {third}: of several events make a column of the one that is asked for"
        )
    if happened is not None:
        if str(happened) not in values:
            raise ContestError(f"task.happened: {name}: the event {event!r} is never {str(happened)!r}; it is {listed}")
        return str(happened)
    came = [value for value in values if value.casefold() in _CAME]
    clear = all(value.casefold() in _CAME | _CENSORED for value in values)
    if clear and len(came) == 1:
        return came[0]
    if clear and not came:
        return "1"
    raise DataError(
        f"{name}: which value of the event {event!r} says that it came: {listed}? Name it in [task], "
        f"e.g. happened = {values[-1]!r}".replace(f"= {values[-1]!r}", f'= "{values[-1]}"')
    )


def _wrong(data: Data, cells: pa.ChunkedArray, row: int, event: str) -> str:
    """What is wrong with a row."""
    if not cells[row].is_valid:
        return f"row {data.number(row)}: the event {event!r} is missing"
    return f"row {data.number(row)}: the time is {data.y[row]:g}, and a number above 0 was expected"


def _left_out(data: Data, cells: pa.ChunkedArray, bad: Flags, event: str, task: Task) -> tuple[Data, pa.ChunkedArray]:
    """Without such rows, where that is asked for; else there may be none. Raises DataError."""
    first = _wrong(data, cells, int(np.argmax(bad)), event)
    if task.on_bad_row == "fail":
        raise DataError(f"{data.name}: {first}; {counted(int(bad.sum()), 'such row')} of {len(bad):,}; {_SKIP}")
    kept = np.flatnonzero(~bad)
    warning = (
        f"{data.name}: {counted(int(bad.sum()), 'row')} without a time above 0 or an event left out; first: {first}"
    )
    return replace(data.some(kept), warnings=(*data.warnings, warning)), cells.take(pa.array(kept))
