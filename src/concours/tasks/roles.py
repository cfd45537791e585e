"""What the columns of a table are for, besides being inputs: names of rows, groups, times, leaks, of no use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.tasks.columns import Column, Note
from concours.tasks.readers.opened import Opened
from concours.tasks.relations import agreeing, as_numbers, leaks

_GROUPS = 20  # fewer are kinds of rows rather than persons
_SINGLE = 0.9
_CALENDAR = ("year", "month", "day", "hour", "minute", "second")
_SECONDS = (10**8, 10**10)  # since 1970, from 1973 to 2286
_THOUSANDTHS = (10**11, 10**13)


@dataclass(frozen=True, kw_only=True)
class Roles:
    """What columns are for.

    Attributes:
        id: a column that names the rows.
        drop: columns of no use.
        group, time: columns to split by.
        maybe_groups, maybe_times: columns that may be either, with what speaks for it.
        maybe_weights: columns that may say how much each row counts.
        follows: the columns in whose order the rows stand in time, where `time` is none.
        leaks: columns that tell the target nearly alone; never all that there are.
        gaps: columns that are mostly missing.
    """

    id: Note | None = None
    drop: tuple[Note, ...] = ()
    group: Note | None = None
    time: Note | None = None
    maybe_groups: tuple[Note, ...] = ()
    maybe_times: tuple[Note, ...] = ()
    maybe_weights: tuple[Note, ...] = ()
    follows: tuple[str, ...] = ()
    leaks: tuple[Note, ...] = ()
    gaps: tuple[Note, ...] = ()


def roles(
    others: Sequence[Column],
    table: pa.Table,
    drop: Sequence[Note],
    y: NDArray[Any],
    *,
    numbers: bool,
    test: Opened | None,
    id: Note | None = None,
) -> Roles:
    """What the columns besides the target are for.

    Args:
        drop: those that say nothing of rows to come, by `useless`.
        y: (rows,) the target; `numbers` unless it is classes.
        test: a test part, which must have the identifier too.
        id: the column that names the rows, where a source tells it.
    """
    identifier = id or next((note for note in drop if _names_rows(note.name, others, test)), None)
    unused = {note.name for note in (*drop, *([identifier] if identifier else []))}
    used = [column for column in others if column.name not in unused]
    inputs = table.select([column.name for column in used])
    groups = [column for column in used if _is_group(column)]
    group = Note(name=groups[0].name, why=_many(groups[0])) if groups else None
    times = [column for column in used if is_moment(column) and not column.gaps]
    named = [Note(name=column.name, why=f"moments, {example(column)}") for column in times if column.named_moment]
    calendar = calendar_of(used, table)
    counter = next((c for c in others if calendar and c.counting and c.name in unused), None)
    if counter and not named:
        of = f"the number of the row, and rows follow in time by {', '.join(calendar)}"
        named = [Note(name=counter.name, why=of)]
    time = named[0] if named and group is None else None
    ordered = [column.name for column in times if column.distinct > 1 and rises([table[column.name]])]
    codes = y if numbers else pd.factorize(y, sort=False)[0]
    given = leaks(inputs, codes, numbers=numbers)
    given = given if len(given) < len(used) else {}
    maybe = [Note(name=c.name, why=why) for c in used if c not in times and (why := _maybe_group(c, inputs))]
    return Roles(
        id=identifier,
        drop=tuple(note for note in drop if identifier is None or note.name != identifier.name),
        group=group,
        time=time,
        maybe_groups=() if group else tuple(maybe),
        maybe_times=() if time else tuple(Note(name=c.name, why=example(c)) for c in times),
        maybe_weights=tuple(Note(name=c.name, why=example(c)) for c in used if c.maybe_weight),
        follows=() if time else tuple(ordered[:1]) or calendar,
        leaks=tuple(Note(name=name, why=why) for name, why in given.items()),
        gaps=tuple(
            Note(name=column.name, why=f"{100 * column.gaps / column.rows:.0f}% missing")
            for column in used
            if column.gaps > column.rows / 2
        ),
    )


def useless(columns: Sequence[Column]) -> tuple[Note, ...]:
    """Columns that say nothing of rows to come: constants and identifiers."""
    notes = []
    for column in columns:
        if column.role == "constant":
            value = f"{column.examples[0]!r} in every row" if column.examples else "missing in every row"
            why = value if not column.gaps or not column.examples else "one value only"
            notes.append(Note(name=column.name, why=why))
        elif column.role == "identifier":
            what = "the number of the row" if column.counting else f"another value in every row, {example(column)}"
            notes.append(Note(name=column.name, why=what))
    return tuple(notes)


def example(column: Column) -> str:
    """One of its values."""
    return f"e.g. {column.examples[0]}"


def _names_rows(name: str, columns: Sequence[Column], test: Opened | None) -> bool:
    """Whether a column is an identifier, and one of the test part too."""
    column = next(column for column in columns if column.name == name)
    if column.role != "identifier":
        return False
    if test is None or not isinstance(test.x, pa.Table):
        return True
    if name not in test.x.column_names:
        return False
    ids = test.x[name]
    return not ids.null_count and pc.count_distinct(ids).as_py() == len(ids)


def _is_group(column: Column) -> bool:
    """Whether a column that is called so tells persons or things apart that come again, however seldom."""
    seldom = column.named_id and _SINGLE * column.rows < column.distinct < column.rows
    return column.named_entity and (_repeats(column) or (seldom and _discrete(column)))


def _maybe_group(column: Column, inputs: pa.Table) -> str | None:
    """What speaks for a column being groups, if something does."""
    if not _repeats(column):
        return None
    if column.named_id:
        return _many(column)
    if column.distinct < column.rows / 100:
        return None
    alike = agreeing(inputs, column.name)
    if len(alike) < max(3, inputs.num_columns // 4):
        return None
    return f"rows that share a value agree in {', '.join(alike[:4])}"


def _repeats(column: Column) -> bool:
    return _discrete(column) and _GROUPS <= column.distinct <= _SINGLE * column.rows


def _discrete(column: Column) -> bool:
    return column.holds in ("whole", "label") and not column.gaps


def _many(column: Column) -> str:
    if column.distinct > _SINGLE * column.rows:
        return f"{column.distinct:,} different values in {column.rows:,} rows"
    return f"{column.distinct:,} different values, each in {column.rows / column.distinct:.1f} rows on average"


def is_moment(column: Column) -> bool:
    """Whether a column holds dates or times, or seconds since 1970 under a name that says so."""
    if column.role == "moment":
        return True
    if not column.named_moment or column.holds != "whole" or column.low is None or column.high is None:
        return False
    return any(low <= column.low and column.high < high for low, high in (_SECONDS, _THOUSANDTHS))


def calendar_of(columns: Sequence[Column], table: pa.Table) -> tuple[str, ...]:
    """Columns of years, months, … in whose order the rows stand; none unless there are years and months."""
    named = {column.tokens[-1]: column.name for column in columns if column.tokens and column.holds == "whole"}
    found = [named[word] for word in _CALENDAR if word in named]
    if not {"year", "month"} <= set(named):
        return ()
    return tuple(found) if rises([table[name] for name in found]) else ()


def rises(columns: Sequence[pa.ChunkedArray]) -> bool:
    """Whether rows stand in the order of columns, the first one first, and not all alike."""
    same = None
    for column in columns:
        if column.null_count:
            return False
        steps = np.diff(as_numbers(column))
        if (steps < 0).any() if same is None else (steps[same] < 0).any():
            return False
        same = steps == 0 if same is None else same & (steps == 0)
    return same is not None and not same.all()
