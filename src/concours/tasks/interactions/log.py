"""A log of interactions as it was read: users, items, perhaps ratings and times, with what is wrong named by row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import counted
from concours.tasks.given import given_rows
from concours.tasks.ids import ids_of
from concours.tasks.readers.header import absent
from concours.tasks.readers.opened import LEAVE_OUT, Opened, Options
from concours.tasks.readers.settled import settled
from concours.tasks.readers.source import open_source

Floats = NDArray[np.float64]


DOUBLE: Final = "::"
"""What stands between the cells of older sets of MovieLens."""


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The columns of a log."""

    user: str
    item: str
    rating: str | None = None
    time: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Those that there are."""
        return tuple(name for name in (self.user, self.item, self.rating, self.time) if name is not None)


@dataclass(frozen=True, kw_only=True)
class Log:
    """Interactions, one behind the other, as they stood.

    Attributes:
        users, items: (interactions,) strings, as they are written; none is blank.
        ratings: (interactions,) of at least 0, where the log has them.
        times: (interactions,) numbers that grow with the time, where it has them.
        rows: (interactions,) their numbers in the source, from 0.
        left_out: how many rows of the source are not there.
    """

    users: pa.Array
    items: pa.Array
    ratings: Floats | None
    times: Floats | None
    rows: NDArray[np.int64]
    name: str
    left_out: int = 0
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def some(self, kept: NDArray[Any]) -> Log:
        """Those at some places, in that order, or where a mask is true."""
        at = np.flatnonzero(kept) if kept.dtype == np.bool_ else kept
        return replace(
            self,
            users=self.users.take(pa.array(at)),
            items=self.items.take(pa.array(at)),
            ratings=None if self.ratings is None else self.ratings[at],
            times=None if self.times is None else self.times[at],
            rows=self.rows[at],
        )


def joined(earlier: Log, later: Log) -> Log:
    """One behind the other, under the name of the later."""

    def both(one: Floats | None, other: Floats | None) -> Floats | None:
        return None if one is None or other is None else np.concatenate([one, other])

    return replace(
        later,
        users=pa.concat_arrays([earlier.users, later.users]),
        items=pa.concat_arrays([earlier.items, later.items]),
        ratings=both(earlier.ratings, later.ratings),
        times=both(earlier.times, later.times),
        rows=np.concatenate([earlier.rows, later.rows]),
    )


def open_log(source: Any, folder: Path, options: Options, name: str) -> Opened:
    """A source that holds a table; rows of one cell with `::` in it are parted there.

    Args:
        name: of rows that are given in Python.

    Raises:
        DataError: it cannot be read, or holds no table.
    """
    if not isinstance(source, (str, Path)):
        return settled(given_rows(source, "table", name), options)
    return parted(open_source(source, folder, replace(options, input="table")), options)


def parted(opened: Opened, options: Options) -> Opened:
    """A table whose rows are of one cell with `::` in it as one of several columns; any other as it is.

    Raises:
        DataError: it is no table, or its rows have another number of cells.
    """
    if not isinstance(opened.x, pa.Table):
        raise DataError(f"{opened.name} holds no table; one of users and items was expected, a row an interaction")
    cells = opened.x.column(0)
    if opened.x.num_columns > 1 or not pa.types.is_string(cells.type) or DOUBLE not in (cells[0].as_py() or ""):
        return opened
    return settled(replace(opened, x=_parted(cells, opened.name), cells=True, notes=(f"delimiter {DOUBLE}",)), options)


def log_of(opened: Opened, roles: Roles, *, on_bad_row: Literal["fail", "skip"] = "fail") -> Log:
    """The interactions of a table.

    Rows with a blank user or item, without a rating or time where there is a column of these, and with a rating below 0
    are refused, or left out. So is one more rating of the same item by the same user; without ratings, interactions
    that repeat are one, which is said.

    Raises:
        DataError: a column is missing, or holds something else; or a row is wrong.
    """
    table = opened.x
    assert isinstance(table, pa.Table)  # noqa: S101 (for the type checker)
    for column in roles.names:
        if column not in table.column_names:
            raise DataError(f"{opened.name} has no column {column!r}; {absent(column, table.column_names)}")
    log = Log(
        users=named(table[roles.user]),
        items=named(table[roles.item]),
        ratings=None
        if roles.rating is None
        else _numbers(table, roles.rating, "ratings, which are numbers", opened.name),
        times=None if roles.time is None else _times(table, roles.time, opened.name),
        rows=np.arange(len(table)) if opened.rows is None else opened.rows,
        name=opened.name,
        left_out=opened.left_out,
        notes=opened.notes,
        warnings=opened.warnings,
    )
    return _without_faults(log, roles, on_bad_row)


def named(column: pa.ChunkedArray) -> pa.Array:
    """Users or items (rows,) as strings, without blanks around; gaps where nothing is left."""
    texts = ids_of(column)
    texts = texts if pa.types.is_string(texts.type) else texts.cast(pa.string())
    trimmed = pc.utf8_trim_whitespace(texts)
    whole = pa.chunked_array([pc.if_else(pc.equal(trimmed, ""), None, trimmed)]).combine_chunks()
    return whole if isinstance(whole, pa.StringArray) else whole.cast(pa.string())


def repeated(users: pa.Array, items: pa.Array) -> NDArray[np.bool_]:
    """(rows,) whether the same user and item stand in an earlier row."""
    pairs = codes(users) * (len(items) + 1) + codes(items)
    first = np.unique(pairs, return_index=True)[1]
    again = np.ones(len(pairs), dtype=np.bool_)
    again[first] = False
    return again


def codes(names: pa.Array) -> NDArray[np.int64]:
    """(rows,) of names, the same of the same, from 0 in the order in which they come; -1 of gaps."""
    coded = names.dictionary_encode()
    return np.asarray(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _faults(log: Log, roles: Roles) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """What is wrong with rows by themselves, and with which of them."""
    yield f"the user {roles.user!r} is blank", _gaps(log.users)
    yield f"the item {roles.item!r} is blank", _gaps(log.items)
    if log.ratings is not None:
        yield f"the rating {roles.rating!r} is missing, or no finite number", ~np.isfinite(log.ratings)
        yield f"the rating {roles.rating!r} is negative, and ratings begin at 0", log.ratings < 0
    if log.times is not None:
        yield f"the time {roles.time!r} is missing", ~np.isfinite(log.times)


def _without_faults(log: Log, roles: Roles, on_bad_row: str) -> Log:
    kept, said = np.ones(len(log), dtype=np.bool_), []
    for what, wrong in _faults(log, roles):
        if (bad := wrong & kept).any():
            said.append(fault(log, what, bad, on_bad_row))
            kept &= ~bad
    again = np.zeros(len(log), dtype=np.bool_)
    again[kept] = repeated(log.users.filter(pa.array(kept)), log.items.filter(pa.array(kept)))
    notes = log.notes
    if again.any() and log.ratings is None:
        notes = (*notes, f"{counted(int(again.sum()), 'row')} that repeat a user and item count once")
    elif again.any():
        said.append(fault(log, "the user has rated the item in an earlier row", again, on_bad_row))
    if not (kept & ~again).any():
        raise DataError(f"{log.name}: no row is left that has a user and an item")
    left = log.left_out + len(log) - int(kept.sum()) + (0 if log.ratings is None else int(again.sum()))
    return replace(log.some(kept & ~again), notes=notes, warnings=(*log.warnings, *said), left_out=left)


def fault(log: Log, what: str, bad: NDArray[np.bool_], on_bad_row: str) -> str:
    """What is said of rows that are left out. Raises DataError where none may be."""
    first, count = int(log.rows[np.argmax(bad)]) + 1, int(bad.sum())
    if on_bad_row == "fail":
        raise DataError(
            f"{log.name}: row {first}: {what}; {count:,} such rows of {len(log):,}; mend them, or {LEAVE_OUT}"
        )
    return f"{log.name}: {counted(count, 'row')} left out, as {what}; first: row {first}"


def _parted(cells: pa.ChunkedArray, name: str) -> pa.Table:
    """Columns 0, 1, … of cells that `::` sets apart. Raises DataError where a row has another number of them."""
    parts = pc.split_pattern(cells.combine_chunks(), DOUBLE)
    counts = pc.list_value_length(parts).fill_null(0).to_numpy()
    if (counts != counts[0]).any():
        row = int(np.argmax(counts != counts[0]))
        raise DataError(f"{name}: row {row + 1} has {counts[row]} cells between {DOUBLE}; {counts[0]} were expected")
    return pa.table({str(place): pc.list_element(parts, place) for place in range(int(counts[0]))})


def _gaps(names: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(names.is_null().to_numpy(zero_copy_only=False))


def _numbers(table: pa.Table, column: str, what: str, name: str) -> Floats:
    """A column of numbers, NaN where there is none."""
    found = table[column]
    if not (pa.types.is_integer(found.type) or pa.types.is_floating(found.type) or pa.types.is_null(found.type)):
        shown = next((str(value)[:40] for value in found.to_pylist() if value is not None), "")
        raise DataError(f"{name}: {column!r} must hold {what}, got {shown!r}")
    return np.asarray(found.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)


def _times(table: pa.Table, column: str, name: str) -> Floats:
    """A column of dates or numbers as numbers, NaN where there is none."""
    found = table[column]
    if pa.types.is_temporal(found.type) and not pa.types.is_time(found.type):
        moments = found.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        return np.asarray(moments.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    return _numbers(table, column, "times, dates like 2026-05-31 or numbers", name)
