"""From a table with a row a step to sequences: which rows are one, in which order, and what is wrong with which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import counted, number_in, written
from concours.tasks.cells import Form, forms_of
from concours.tasks.places import Places, row_number
from concours.tasks.readers.header import absent

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_FEWEST: Final = 2
_UNEVEN: Final = 0.01
"""Of the usual step, by which another may differ from it and still be as long."""
_MOST_VALUES: Final = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """Sequences of some channels.

    Attributes:
        values: of each, (channels, steps), NaN where nothing is known.
        channels: their names.
        table: a row a sequence: what it is called, and the columns that are the same in all of its rows.
        rows: of each, (steps,), where its steps lie in the data as it was read, from 0; none where these are no table.
        source: which rows of the source that data has, where some were left out.
        name: of the data, for people.
        forms: of the columns that they were cut from: the channels, and behind them that of time, if there is one.
        left_out: how many sequences were left out.
        notes, warnings: what was found out, and what a person should know.
    """

    values: tuple[Floats, ...]
    channels: tuple[str, ...]
    table: pa.Table
    name: str
    rows: tuple[Codes, ...] = ()
    source: Places | None = None
    forms: Mapping[str, Form] = field(default_factory=dict)
    left_out: int = 0
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def some(self, rows: Sequence[int] | Codes) -> Sequences:
        """Some of them, in that order; those that are not are left out."""
        return replace(
            self,
            values=tuple(self.values[row] for row in rows),
            rows=tuple(self.rows[row] for row in rows) if self.rows else (),
            table=self.table.take(pa.array(rows, pa.int64())),
            left_out=self.left_out + len(self) - len(rows),
        )


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What the columns of a table are.

    Attributes:
        id: says to which sequence a row belongs.
        time: in whose order rows follow; none: they stand in it.
        apart: those that are no channels besides.
        channels: the names that these must have, in their order; none: all others.
    """

    id: str
    time: str | None = None
    apart: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


def gathered(
    table: pa.Table,
    name: str,
    columns: Columns,
    *,
    skip: bool,
    called: str = "sequence",
    rows: Places | None = None,
) -> Sequences:
    """The sequences of a table, in the order of their first rows.

    Channels that never change are left out where `channels` does not name them, which is said.

    Args:
        skip: whether sequences with faults are left out, and said; else the first fault is raised.
        called: what one of them is, for people.
        rows: which rows of the source the table has, where some were left out.

    Raises:
        DataError: a column is missing or holds no numbers, or a sequence has a fault: its steps are uneven, come twice,
            or are fewer than two, or a value is infinite.
    """
    for column in (columns.id, *([columns.time] if columns.time else []), *columns.channels):
        if column not in table.column_names:
            raise DataError(f"{name}: column {column!r} is missing; {absent(column, table.column_names)}")
    table, places, warnings = _of_some(table, columns.id, name, rows, skip=skip, called=called)
    numbers = 1 + (places if rows is None else rows[places])
    codes, names = _coded(table[columns.id])
    times = np.zeros(len(table)) if columns.time is None else _numbers(table, columns.time, name, numbers)
    order = np.lexsort((times, codes))
    parts = np.split(order, np.searchsorted(codes[order], np.arange(1, len(names))))
    channels = columns.channels or _channels(table, columns, name)
    matrix = np.stack([_numbers(table, column, name, numbers) for column in channels])
    constant = [] if columns.channels else _constant(matrix, channels)
    if len(constant) == len(channels):
        raise DataError(f"{name}: no column of numbers changes besides {columns.id!r}; there is nothing to learn from")
    kept = [place for place in range(len(channels)) if channels[place] not in constant]
    steps = _Steps(name=name, called=called, time=columns.time, numbers=numbers, usual=_usual(times, parts))
    faults = {at: fault for at, part in enumerate(parts) if (fault := steps.fault(names[at], times, part, matrix))}
    if faults and (not skip or len(faults) == len(parts)):
        raise DataError(f"{_first(list(faults.values()), called)}; {leave_out(called)}")
    gaps = int(np.isnan(matrix).sum())
    warnings += [f"{name}: {gaps:,} of {matrix.size:,} cells of channels are missing, and stay so"] if gaps else []
    notes = [f"{counted(len(parts), called)} by {columns.id!r}", f"channels: {_listed([channels[at] for at in kept])}"]
    notes += [f"left out, as they never change: {_listed(constant)}"] if constant else []
    notes += [f"rows are put in the order of {columns.time!r}"] if (np.diff(order) < 0).any() and columns.time else []
    forms = forms_of(table.schema)
    apart = [column for column in columns.apart if column in table.column_names]
    found = Sequences(
        values=tuple(matrix[kept][:, part] for part in parts),
        channels=tuple(channels[at] for at in kept),
        table=table.select(list(dict.fromkeys((columns.id, *apart)))).take(pa.array([int(part[0]) for part in parts])),
        name=name,
        rows=tuple(places[part] for part in parts),
        source=rows,
        forms={one: forms[one] for one in (*(channels[at] for at in kept), *([columns.time] if columns.time else []))},
        notes=tuple(notes),
        warnings=tuple(warnings),
    )
    return without(found, faults, called) if faults else found


def without(found: Sequences, faults: Mapping[int, str], called: str = "sequence") -> Sequences:
    """Sequences but those with faults, by their places, which is said."""
    kept = [place for place in range(len(found)) if place not in faults]
    said = f"{found.name}: {len(faults):,} of {counted(len(found), called)} left out; first: "
    rest = found.some(kept)
    return replace(rest, warnings=(*rest.warnings, said + next(iter(faults.values())).partition(": ")[2]))


def _first(faults: Sequence[str], called: str) -> str:
    """The first of some faults, and how many more there are."""
    more = f"; and {counted(len(faults) - 1, f'more such {called}')}" if len(faults) > 1 else ""
    return f"{faults[0]}{more}"


def _of_some(
    table: pa.Table, id: str, name: str, rows: Places | None, *, skip: bool, called: str
) -> tuple[pa.Table, Codes, list[str]]:
    """The rows that are of a sequence, where they lie in the data as it was read, and what is said of others."""
    places = np.arange(len(table))
    known = table[id].is_valid().to_numpy()
    if known.all() and len(table):
        return table, places, []
    if not known.any():
        raise DataError(f"{name} has no row with {id!r}; a row a step was expected, with the {called} that it is of")
    lost, first = int((~known).sum()), row_number(rows, int(np.argmin(known)))
    if not skip:
        raise DataError(
            f"{name}: {id!r}, the {called} that a row is of, is missing in {counted(lost, 'row')}, first in row "
            f'{first}; mend it, or leave such rows out by on_bad_row = "skip" in [task]'
        )
    said = [f"{name}: {counted(lost, 'row')} without {id!r} left out; first: row {first}"]
    return table.filter(pa.array(known)), places[known], said


def differing(found: Sequences, table: pa.Table, column: str, called: str = "sequence") -> dict[int, str]:
    """The sequences whose rows do not all have the same value of a column, by their places, with what to say."""
    coded = table[column].combine_chunks().dictionary_encode()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    codes = coded.indices.fill_null(-1).to_numpy()
    names, values = found.table.column(0), [*coded.dictionary.to_pylist(), None]
    faults = {}
    for place, rows in enumerate(found.rows):
        other = codes[rows] != codes[rows[0]]
        if other.any():
            row = rows[int(np.argmax(other))]
            faults[place] = (
                f"{found.name}: {called} {written(names[place].as_py())}: {column} = {values[codes[rows[0]]]!r} and, "
                f"in row {row_number(found.source, row)}, {values[codes[row]]!r}; one value for all of its rows was "
                "expected"
            )
    return faults


def padded(values: Sequence[Floats], steps: int) -> NDArray[np.float32]:
    """Sequences (channels, steps) of any lengths as one array (sequences, channels, steps) float32, NaN behind their
    ends; what is longer loses its end.

    Raises:
        DataError: so many values are not taken.
    """
    channels = values[0].shape[0] if values else 0
    if len(values) * channels * steps > _MOST_VALUES:
        raise DataError(
            f"{len(values):,} sequences of {channels:,} channels and up to {steps:,} steps are more than "
            f"{_MOST_VALUES:,} values: make them shorter, or drop channels"
        )
    found = np.full((len(values), channels, steps), np.nan, dtype=np.float32)
    for row, one in zip(found, values, strict=True):
        most = min(one.shape[1], steps)
        row[:, :most] = one[:, :most]
    return found


def leave_out(called: str) -> str:
    """What to do about sequences with faults, where they need not be mended."""
    return f'mend it, or leave such {called}s out by on_bad_row = "skip" in [task]'


@dataclass(frozen=True, kw_only=True)
class _Steps:
    """What is said of the steps of a sequence.

    Attributes:
        numbers: of the rows in the data as it was read, from 1.
        usual: how far one step is from the next.
    """

    name: str
    called: str
    time: str | None
    numbers: Codes
    usual: float

    def fault(self, one: str, times: Floats, rows: Codes, matrix: Floats) -> str:
        """What is wrong with a sequence, or nothing."""
        where = f"{self.name}: {self.called} {one}"
        if len(rows) < _FEWEST:
            return f"{where} has one row, {self.numbers[rows[0]]}; two steps at least were expected"
        if np.isinf(matrix[:, rows]).any():
            row = rows[int(np.argmax(np.isinf(matrix[:, rows]).any(axis=0)))]
            return f"{where} has an infinite value in row {self.numbers[row]}; finite numbers were expected"
        if self.time is None:
            return ""
        own = times[rows]
        if np.isnan(own).any():
            row = rows[int(np.argmax(np.isnan(own)))]
            return f"{where} has no {self.time!r} in row {self.numbers[row]}"
        apart = np.diff(own)
        if (apart == 0).any():
            row = rows[int(np.argmax(apart == 0)) + 1]
            return f"{where} has {self.time} = {written(times[row])} twice, again in row {self.numbers[row]}"
        odd = np.abs(apart - self.usual) > _UNEVEN * self.usual
        if odd.any():
            at = int(np.argmax(odd))
            return (
                f"{where} has uneven steps: {self.time} goes from {written(own[at])} to {written(own[at + 1])} in row "
                f"{self.numbers[rows[at + 1]]}, where the usual step is {self.usual:g} (without `time` in task.options "
                "rows count as steps)"
            )
        return ""


def _usual(times: Floats, parts: Sequence[Codes]) -> float:
    """The most frequent step, to six digits; 0 where there is none."""
    apart = np.concatenate([np.diff(times[part]) for part in parts]) if parts else np.empty(0)
    apart = apart[apart > 0]
    if not len(apart):
        return 0.0
    rounded, first, counts = np.unique([f"{step:.6g}" for step in apart], return_index=True, return_counts=True)
    del rounded
    return float(apart[first[counts.argmax()]])


def _coded(column: pa.ChunkedArray) -> tuple[Codes, list[str]]:
    """(rows,) codes in the order of their first rows, and what each is called."""
    coded = column.combine_chunks().dictionary_encode()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    return coded.indices.to_numpy().astype(np.int64), [written(one) for one in coded.dictionary.to_pylist()]


def _channels(table: pa.Table, columns: Columns, name: str) -> tuple[str, ...]:
    others = {columns.id, columns.time, *columns.apart}
    found = tuple(column for column in table.column_names if column not in others)
    if not found:
        raise DataError(f"{name} has no column of a channel besides {', '.join(map(repr, filter(None, others)))}")
    return found


def _constant(matrix: Floats, channels: Sequence[str]) -> list[str]:
    """The channels that have one value wherever they have one."""
    with np.errstate(invalid="ignore"):
        return [name for name, row in zip(channels, matrix, strict=True) if not (row[1:] != row[:1]).any()]


def _numbers(table: pa.Table, column: str, name: str, numbers: Codes) -> Floats:
    """A column as numbers (rows,), dates as seconds; NaN where it has gaps. Raises DataError where it holds others."""
    found = table[column]
    if pa.types.is_timestamp(found.type) or pa.types.is_date(found.type):
        seconds = pc.cast(found.cast(pa.timestamp("us"), safe=False), pa.int64()).cast(pa.float64(), safe=False)
        return np.asarray(seconds.to_numpy(), dtype=np.float64) / 1e6
    kind = found.type
    if pa.types.is_null(kind):
        return np.full(len(found), np.nan)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        row, cell = next(
            (
                (row, cell)
                for row, cell in zip(numbers.tolist(), found.to_pylist(), strict=True)
                if cell is not None and number_in(cell) is None
            ),
            (int(numbers[0]), found[0].as_py()),
        )
        raise DataError(
            f"{name}: column {column!r} must hold numbers, got {str(cell)[:40]!r} in row {row}; mend it, or leave the "
            f"column out by drop = [{column!r}] in [task]"
        )
    return np.asarray(found.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(str, names[:6])) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
