"""The columns of a series: its time, the one to forecast, and what is known beside it up to an origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.tasks.cells import Form, forms_of
from concours.tasks.places import Places, row_number
from concours.tasks.readers.header import absent
from concours.tasks.series.long import Long
from concours.tasks.series.stamps import Every, Stamps, no_stamps, stamps_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Channels:
    """Series on the steps that they share.

    Attributes:
        values: (channels, steps), NaN where nothing is known; the first `targets` of them are forecast.
        names: of the channels.
        targets: how many are forecast.
        time: the column of its time, if there is one.
        forms: of all these columns.
        stamps: where its rows lie in time.
        amiss: what is wrong with it, a line each.
        notes: what was found out.
        long: the columns of a long table that they were spread out from, if they were.
        times: (rows,) of the rows that `stamps` tells of, as they were read, where there is such a column.
    """

    values: Floats
    names: tuple[str, ...]
    targets: int
    time: str | None
    forms: Mapping[str, Form]
    stamps: Stamps
    amiss: tuple[str, ...]
    notes: tuple[str, ...]
    long: Long | None = None
    times: pa.ChunkedArray | None = None


def channels_of(
    table: pa.Table,
    name: str,
    *,
    target: Sequence[str],
    time: str | None,
    every: Every | None = None,
    names: Sequence[str] = (),
    source: Places | None = None,
) -> Channels:
    """The series of a table, a row a step.

    Args:
        target: the columns to forecast; empty: the one column of numbers.
        time: the column of its time; none: the first column of dates, or else rows are steps in their order.
        every: the step that it must have.
        names: of the channels that it must have, in their order; by default the target and all other numbers.
        source: which rows of the source there are, where some were left out.

    Raises:
        DataError: there is no row; a column is not there, or is of no numbers; times are none.
    """
    if not len(table):
        raise DataError(f"{name} has no row; a series has one a step")
    if time is None and every is None:
        time = next(iter(dated(table)), None)
    times = None if time is None else _full(table, time, name, source)
    if time is None or times is None:
        stamps = no_stamps(len(table), name, source)
    else:
        stamps = stamps_of(times, time, name, every, source)
    others = table.drop_columns([time]) if time is not None else table
    known = numbered(others)
    target = tuple(target) or (_only(known, others, name),)
    for column in names or target:
        _require(others, column, name)
    chosen = tuple(names) or (*target, *(column for column in known if column not in target))
    values, gaps = _values(others, chosen, stamps, name, source)
    left = [column for column in others.column_names if column not in chosen] if not names else []
    notes = [stamps.every.said + (f" by {time!r}" if time is not None else "")]
    beside = chosen[len(target) :]
    notes += [f"forecasts {_listed(target)}" + (f", and looks at {_listed(beside)}" if beside else "")]
    notes += [f"not used, as they hold no numbers: {_listed(left)}"] if left else []
    moved = (np.diff(stamps.rows) < 0).any()
    notes += ["rows are put in the order of time"] if moved else []
    return Channels(
        values=values,
        names=chosen,
        targets=len(target),
        time=time,
        forms={name: form for name, form in forms_of(table.schema).items() if name in (time, *chosen)},
        stamps=stamps,
        amiss=(*stamps.amiss, *gaps),
        notes=tuple(notes),
        times=times,
    )


def dated(table: pa.Table) -> list[str]:
    """The columns of dates."""
    return [field.name for field in table.schema if pa.types.is_timestamp(field.type) or pa.types.is_date(field.type)]


def numbered(table: pa.Table) -> list[str]:
    """The columns of numbers, truth values among them."""
    return [field.name for field in table.schema if _is_number(field.type)]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _full(table: pa.Table, column: str, name: str, source: Places | None) -> pa.ChunkedArray:
    if column not in table.column_names:
        raise DataError(f"{name} has no column {column!r} of its time; {absent(column, table.column_names)}")
    found = table[column]
    if found.null_count:
        first = row_number(source, int(np.argmax(found.is_null().to_numpy())))
        raise DataError(f"{name}: the time {column!r} is missing in {found.null_count} rows, first in row {first}")
    return found


def _only(known: Sequence[str], table: pa.Table, name: str) -> str:
    if len(known) == 1:
        return known[0]
    listed = ", ".join((known or table.column_names)[:40])
    raise DataError(f"task.target is missing: name the column to forecast; {name} has: {listed}")


def _require(table: pa.Table, column: str, name: str) -> None:
    if column not in table.column_names:
        raise DataError(f"{name}: column {column!r} is missing; {absent(column, table.column_names)}")
    if not _is_number(table[column].type):
        raise DataError(f"{name}: {column!r} must hold numbers to be forecast, or to forecast by")


def _values(
    table: pa.Table, names: Sequence[str], stamps: Stamps, name: str, source: Places | None
) -> tuple[Floats, list[str]]:
    """(channels, steps), and a line for each channel with gaps."""
    steps = int(stamps.places[-1]) + 1
    found, amiss = np.full((len(names), steps), np.nan), []
    for index, column in enumerate(names):
        cells = table[column].cast(pa.float64()).to_numpy()
        if gaps := int(np.isnan(cells).sum()):
            first = row_number(source, int(np.argmax(np.isnan(cells))))
            amiss.append(f"{name}: {column!r} is missing in {gaps:,} of {len(cells):,} rows, first in row {first}")
        found[index, stamps.places] = cells[stamps.rows]
    return found, amiss


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:6])) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
