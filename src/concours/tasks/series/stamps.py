"""The times of a series: how far one step is from the next, and on which step each row lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.tasks.places import Places, row_number

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
_UNEVEN: Final = 1e-3
_NAMES: Final = {_SECOND: "second", 60 * _SECOND: "minute", 3600 * _SECOND: "hour", _DAY: "day", 7 * _DAY: "week"}
_SEASONS: Final = {7 * _DAY: 52, _DAY: 7}
_OF_MONTHS: Final = {1: 12, 2: 6, 3: 4, 4: 3, 6: 2}


@dataclass(frozen=True, kw_only=True)
class Every:
    """The step of a series.

    Attributes:
        unit: `microseconds`, `months`, `numbers` (of a column of numbers), or `rows` (of a series without times).
        size: of a step, in that unit.
    """

    unit: str
    size: float

    @property
    def season(self) -> int:
        """After how many steps a series of such a step usually repeats itself; 1 where nothing is known."""
        if self.unit == "months":
            return _OF_MONTHS.get(int(self.size), 1)
        if self.unit != "microseconds":
            return 1
        if self.size in _SEASONS:
            return _SEASONS[int(self.size)]
        return int(_DAY // self.size) if self.size < _DAY and _DAY % self.size == 0 else 1

    @property
    def said(self) -> str:
        """In words: "a step an hour"."""
        if self.unit == "rows":
            return "a step a row"
        if self.unit == "numbers":
            return f"steps of {self.size:g}"
        if self.unit == "months":
            names = {1: "month", 3: "quarter", 12: "year"}
            return f"a step a {names[int(self.size)]}" if self.size in names else f"steps of {self.size:g} months"
        if (name := _NAMES.get(int(self.size))) is not None:
            return f"a step {'an' if name == 'hour' else 'a'} {name}"
        unit = max(each for each in (1, *_NAMES) if self.size % each == 0)
        return f"steps of {self.size / unit:g} {_NAMES.get(unit, 'microsecond')}s"


@dataclass(frozen=True, kw_only=True)
class Stamps:
    """Where rows lie in time.

    Attributes:
        every: the step.
        places: (kept rows,) the step of each from 0, rising.
        rows: (kept rows,) their numbers in the data as it was read, in the order of time.
        amiss: what is wrong, a line each with the first row; empty where nothing is. Rows that it tells of are not
            kept.
        uneven: whether some lie on no step, or two on one.
    """

    every: Every
    places: Codes
    rows: Codes
    amiss: tuple[str, ...] = ()
    uneven: bool = False


def no_stamps(rows: int, name: str, source: Places | None = None) -> Stamps:
    """Of a series without times: a row is a step, and one that was left out between others a gap."""
    places = np.arange(rows) if source is None else source - source[0]
    amiss = list[str]()
    if missing := int(places[-1]) + 1 - rows:
        before = int(np.argmax(np.diff(places) > 1))
        amiss.append(
            f"{name} has gaps: {missing:,} rows between others were left out, first after row "
            f"{row_number(source, before)}, and without a column of times each row is a step"
        )
    return Stamps(every=Every(unit="rows", size=1), places=places, rows=np.arange(rows), amiss=tuple(amiss))


def stamps_of(
    column: pa.ChunkedArray, called: str, name: str, every: Every | None = None, source: Places | None = None
) -> Stamps:
    """The steps of a column of dates or numbers without gaps.

    The step is the difference that is most frequent: of dates on one day of the month, or the last, in months. Steps
    are counted from where most values lie.

    Args:
        called: the column.
        name: of the data.
        every: the step of the data that models were fitted on, which this must have.
        source: which rows of the source there are, where some were left out.

    Raises:
        DataError: it holds neither, or no two different values, from which a step can be told where none is given.
    """
    dated = pa.types.is_temporal(column.type) and not pa.types.is_time(column.type)
    values = _values(column, called, name, dated=dated)
    order = np.argsort(values, kind="stable")
    values, again = values[order], np.flatnonzero(np.diff(values[order]) == 0) + 1
    if every is None and len(values) - len(again) < 2:
        raise DataError(
            f"{name}: a series of two moments at least was expected in {called!r}; drop it, or name another"
        )
    found, positions = _steps(np.delete(values, again), every, dated=dated)
    rows = np.delete(order, again)
    if every is not None and every != found:
        raise DataError(f"{name}: {called!r} has {found.said}; models were fitted on a series of {every.said}")
    places = np.rint(positions).astype(np.int64)
    odd = np.flatnonzero(np.abs(positions - places) > _UNEVEN)
    shown = column.to_pylist()
    amiss = []
    if len(again):
        first = int(order[again[0]])
        amiss.append(
            f"{name}: {called!r} has {shown[first]} twice ({len(again):,} such rows, first row "
            f"{row_number(source, first)}); a series has one row a moment: several series need a file each, and clocks "
            "that were set back need times in UTC"
        )
    if len(odd):
        first = int(rows[odd[0]])
        amiss.append(
            f"{name}: {called!r} has uneven steps: {shown[first]} in row {row_number(source, first)} ({len(odd):,} "
            f"such rows) is on no step of the others, which have {found.said}; leave {called!r} out by drop to count "
            "rows as steps"
        )
    places, rows = np.delete(places, odd), np.delete(rows, odd)
    apart = np.flatnonzero(np.diff(places) > 1)
    if len(apart):
        before = int(rows[apart[0]])
        missing = int((np.diff(places)[apart] - 1).sum())
        amiss.append(
            f"{name}: {called!r} has gaps: {missing:,} steps are missing, first after {shown[before]} in row "
            f"{row_number(source, before)} ({found.said})"
        )
    uneven = bool(len(again) or len(odd))
    return Stamps(every=found, places=places - places[0], rows=rows, amiss=tuple(amiss), uneven=uneven)


def following(times: pa.ChunkedArray, stamps: Stamps, steps: int) -> pa.Array:
    """(steps,) the moments of the steps that follow the last one of a series, as its column has moments; days as dates.

    Args:
        times: of all rows, those that are not kept among them.
    """
    kept = times.take(pa.array(stamps.rows))
    ahead, size = np.arange(1, steps + 1), stamps.every.size
    if stamps.every.unit == "numbers":
        numbers = kept[-1].as_py() + size * ahead
        return pa.array(numbers).cast(
            times.type if pa.types.is_floating(times.type) or size.is_integer() else pa.float64()
        )
    known = kept.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).to_numpy()
    if stamps.every.unit == "microseconds":
        found = known[-1] + int(size) * ahead
    else:
        moments = known.astype("datetime64[us]")
        months = moments.astype("datetime64[M]")
        into, later = moments - months, months[-1] + int(size) * ahead
        left = (months + 1).astype("datetime64[us]") - moments
        found = later + into[-1] if (into == into[0]).all() else (later + 1).astype("datetime64[us]") - left[-1]
    us = pa.array(found.astype("datetime64[us]").astype(np.int64)).cast(pa.timestamp("us"))
    days = (
        pa.types.is_timestamp(times.type)
        and times.type.tz is None
        and not (np.append(known, found.astype(np.int64)) % _DAY).any()
    )
    return us.cast(pa.date32() if days else times.type, safe=False)


def _values(column: pa.ChunkedArray, called: str, name: str, *, dated: bool) -> Floats:
    try:
        known = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()) if dated else column
        return np.asarray(known.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(
            f"{name}: {called!r} must hold dates like 2026-05-31 or numbers, got {str(column[0].as_py())[:40]!r}"
        ) from None


def _steps(values: Floats, every: Every | None, *, dated: bool) -> tuple[Every, Floats]:
    """The step of rising values, and on which step each lies, as far as it lies on one; of a single value the given."""
    if every is not None and len(values) < 2:
        return every, np.zeros(len(values))
    months = _months(values) if dated else None
    unit = "numbers" if not dated else "microseconds" if months is None else "months"
    values = values if months is None else months
    size = _most(np.diff(values))
    positions = (values - values[0]) / size
    phases = np.rint(positions % 1 / _UNEVEN) % round(1 / _UNEVEN)
    return Every(unit=unit, size=size), positions - positions[np.argmax(phases == _most(phases))]


def _most(differences: Floats) -> float:
    """The most frequent, of equally frequent ones the least."""
    sizes, counts = np.unique(differences, return_counts=True)
    return float(sizes[counts.argmax()])


def _months(values: Floats) -> Floats | None:
    """Months since 1970 of microseconds, where all are on one day of a month, or the last, at one time of the day."""
    moments = values.astype(np.int64).astype("datetime64[us]")
    months = moments.astype("datetime64[M]")
    into = moments - months
    left = (months + 1).astype("datetime64[us]") - moments
    alike = (into == into[0]).all() or (left == left[0]).all()
    found = months.astype(np.int64).astype(np.float64)
    return found if alike and (np.diff(found) > 0).all() else None
