"""Series in a long table, a row a series and step: spread out to a column a series, over the steps that they share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.tasks.places import Places, row_number
from concours.tasks.readers.header import absent

_MOST = 100
_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class Long:
    """Which column of a long table says what.

    Attributes:
        series: what the series of a row is called.
        value: of the series at the step.
    """

    series: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A long table as a wide one.

    Attributes:
        table: the moments, rising, and a column a series, with gaps where it has no row.
        amiss: what is wrong with it, a line each with the first row.
        left_out: rows of the long table that are not in it.
        notes: what was found out.
    """

    table: pa.Table
    amiss: tuple[str, ...]
    left_out: int
    notes: tuple[str, ...]


def spread_out(
    table: pa.Table,
    long: Long,
    time: str,
    name: str,
    *,
    known: tuple[str, ...] = (),
    source: Places | None = None,
) -> Spread:
    """A column a series, in the order in which they begin in the table, or, of `known` ones, in theirs.

    Of two rows of a series and moment the first is kept, and a series that has not half of the moments is left out:
    both are told as amiss.

    Args:
        source: which rows of the source there are, where some were left out.

    Raises:
        DataError: a column is missing or has gaps, there are more than 100 series, a known one is not there, or none
            is left.
    """
    for column in (long.series, long.value, time):
        if column not in table.column_names:
            raise DataError(f"{name} has no column {column!r}; {absent(column, table.column_names)}")
    for column in (long.series, time):
        if table[column].null_count:
            first = row_number(source, int(np.argmax(table[column].is_null().to_numpy())))
            raise DataError(
                f"{name}: column {column!r} is missing in {table[column].null_count} rows, first in row {first}"
            )
    if not (pa.types.is_integer(table[long.value].type) or pa.types.is_floating(table[long.value].type)):
        raise DataError(f"{name}: {long.value!r} must hold numbers to be forecast")
    called = table[long.series].cast(pa.string()).to_numpy(zero_copy_only=False)
    names, first_rows, code = np.unique(called, return_index=True, return_inverse=True)
    moments, place = _moments(table[time])
    again = _again(code * len(moments) + place)
    amiss = _twice(again, called, table[time], name, source)
    kept = np.setdiff1d(np.arange(len(table)), again)
    counts = np.bincount(code[kept], minlength=len(names))
    order = _order(names, first_rows, known, name)
    short = [which for which in order.tolist() if counts[which] < _SHARE * len(moments)] if not known else []
    amiss += _short(short, names, counts, first_rows if source is None else source[first_rows], len(moments), name)
    chosen = [which for which in order.tolist() if which not in short]
    if not chosen:
        raise DataError(f"{name}: no series of {long.series!r} has half of the {len(moments):,} moments of {time!r}")
    if len(chosen) > _MOST:
        raise DataError(
            f"{name}: {len(chosen):,} series of {long.series!r} are more than the {_MOST} that are forecast at once; "
            "hold a contest for some of them, or for what they sum up to"
        )
    cells = np.full((len(names), len(moments)), np.nan)
    cells[code[kept], place[kept]] = table[long.value].cast(pa.float64()).to_numpy()[kept]
    wide = {str(names[which]): pa.array(cells[which], from_pandas=True) for which in chosen}
    if time in wide:
        raise DataError(f"{name}: a series of {long.series!r} is called {time!r}, as the column of the time; rename it")
    left = len(again) + int(counts[short].sum())
    others = [column for column in table.column_names if column not in (long.series, long.value, time)]
    notes = [f"{len(chosen):,} series by {long.series!r}"]
    notes += (
        [f"not used, as series of a long table have no others beside them: {', '.join(others[:6])}"] if others else []
    )
    return Spread(table=pa.table({time: moments, **wide}), amiss=tuple(amiss), left_out=left, notes=tuple(notes))


def _moments(column: pa.ChunkedArray) -> tuple[pa.Array, NDArray[np.int64]]:
    """The different moments, rising, and the place of each row among them."""
    coded = column.dictionary_encode().combine_chunks()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    order = pa.compute.array_sort_indices(coded.dictionary)
    places = np.empty(len(order), dtype=np.int64)
    places[order.to_numpy()] = np.arange(len(order))
    return coded.dictionary.take(order), places[coded.indices.to_numpy()]


def _again(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows whose key an earlier row has."""
    first = np.unique(keys, return_index=True)[1]
    return np.setdiff1d(np.arange(len(keys)), first)


def _twice(
    again: NDArray[np.int64], called: NDArray[np.object_], times: pa.ChunkedArray, name: str, source: Places | None
) -> list[str]:
    if not len(again):
        return []
    row = int(again[0])
    said = (
        f"{name}: series {called[row]!r} has {times[row].as_py()} twice ({len(again):,} such rows, first row "
        f"{row_number(source, row)}); a series has one row a moment, and clocks that were set back need times in UTC"
    )
    return [said]


def _short(
    short: list[int],
    names: NDArray[np.object_],
    counts: NDArray[np.int64],
    first_rows: NDArray[np.int64],
    moments: int,
    name: str,
) -> list[str]:
    if not short:
        return []
    which = short[0]
    rows = f"{counts[which]:,} row" + ("s" if counts[which] != 1 else "")
    said = (
        f"{name}: series {names[which]!r} has {rows} of {moments:,} moments ({len(short):,} such series, first row "
        f"{first_rows[which] + 1}); a series has half of them at least"
    )
    return [said]


def _order(
    names: NDArray[np.object_], first_rows: NDArray[np.int64], known: tuple[str, ...], name: str
) -> NDArray[np.int64]:
    if not known:
        return np.argsort(first_rows)
    places = {called: place for place, called in enumerate(names.tolist())}
    if missing := [called for called in known if called not in places]:
        raise DataError(f"{name} has no series {missing[0]!r}; {absent(missing[0], list(places))}")
    return np.asarray([places[called] for called in known], dtype=np.int64)
