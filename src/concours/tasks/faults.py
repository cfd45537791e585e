"""Faults of the rows of a file, told so that whoever wrote it finds them: where each is, and what was given there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from concours.core.errors import DataError
from concours.core.written import written
from concours.tasks.places import Places

MOST: Final = 5
"""How many faults are told one by one."""

_COLUMNS: Final = 8

LINE: Final = "line of the file"
"""The column that says in which line of its file a row stands, where it stands in one."""


def with_lines(table: pa.Table, first: int | None, rows: Places | None = None) -> pa.Table:
    """The table of a file of text, whose rows stand in a line each, the first of them in that one; none where they do
    not, nor where a cell goes over several lines.

    Args:
        rows: which rows of the file there are, where some were left out.
    """
    texts = (column for column in table.columns if pa.types.is_string(column.type))
    if first is None or LINE in table.column_names or any(pc.any(pc.match_substring(t, "\n")).as_py() for t in texts):
        return table
    return table.append_column(LINE, pa.array(first + (np.arange(len(table)) if rows is None else rows), pa.int64()))


def told(table: pa.Table) -> str:
    """The first columns that a file has, as a person reads them."""
    names = [repr(name) for name in table.column_names if name != LINE]
    return ", ".join(names[:_COLUMNS]) + f" and {len(names) - _COLUMNS:,} more" * (len(names) > _COLUMNS)


def likely(table: pa.Table, wanted: Iterable[str]) -> str:
    """Which columns of a file are called as is wanted but for capitals and blanks, in words that go on; nothing where
    there are none. They are not taken for what is wanted: a file may well have both.
    """
    folded = {name.strip().casefold() for name in wanted}
    found = [repr(name) for name in table.column_names if name.strip().casefold() in folded]
    if not found:
        return ""
    said = ("differs", "it") if len(found) == 1 else ("differ", "them")
    return f"{', '.join(found[:_COLUMNS])} {said[0]} from what is asked in capitals or blanks alone: rename {said[1]}; "


def row_of(table: pa.Table, index: int) -> str:
    """A row as a person finds it: by its line and its id, where it has these, else by its number among the rows."""
    line = f"line {table[LINE][index].as_py()}" if LINE in table.column_names else ""
    if "id" not in table.column_names:
        return line or f"row {index + 1}"
    known = f"id {written(table['id'][index].as_py())!r}"
    return f"{line}, {known}" if line else f"the row with {known}"


def listed(faults: Sequence[str], count: int | None = None) -> str:
    """The first of so many faults, in words: `first …, then …, and 3 more`."""
    first, *others = islice(faults, MOST)
    left = (len(faults) if count is None else count) - MOST
    return f"first {first}" + "".join(f", then {other}" for other in others) + (f", and {left:,} more" * (left > 0))


def refuse_rows(
    table: pa.Table, rows: Sequence[int], said: str, given: Callable[[int], str] = lambda _: "", cure: str = ""
) -> NoReturn:
    """Refuses a file for some of its rows.

    Args:
        rows: their places in the table.
        said: the file, how many they are, and what is wrong with them.
        given: what stands in one of them, by its place.
        cure: what was expected instead.

    Raises:
        DataError: always, with the first rows one by one.
    """
    told = [f"{given(row)} in {row_of(table, row)}".strip() for row in rows[:MOST]]
    raise DataError(f"{said}, {listed(told, len(rows))}" + (f"; {cure}" if cure else ""))
