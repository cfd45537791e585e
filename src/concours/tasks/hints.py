"""What a table that is read as rows may be instead: units whose rows are counted through."""

from __future__ import annotations

import shlex
from typing import Final

import numpy as np
import pyarrow as pa

_FEWEST: Final = 3
"""Units that a counter begins anew for."""
_SHORTEST: Final = 5
"""Steps of a unit, on average."""


def counted_units(table: pa.Table) -> tuple[str, str, int] | None:
    """A column that counts the rows of each unit from 0 or 1, the column of the units, and how many these are."""
    rows = len(table)
    whole = [
        name for name in table.column_names if pa.types.is_integer(table[name].type) and not table[name].null_count
    ]
    for counter in whole:
        at = table[counter].to_numpy()
        begins = np.flatnonzero(np.diff(at, prepend=at[:1] - 2) != 1) if rows else np.empty(0, dtype=np.int64)
        units = len(begins)
        if units < _FEWEST or rows < _SHORTEST * units or at[0] not in (0, 1) or (at[begins] != at[0]).any():
            continue
        for unit in table.column_names:
            codes = _codes(table[unit])
            changes = np.flatnonzero(np.diff(codes, prepend=-1) != 0)
            if unit != counter and np.array_equal(changes, begins) and len(np.unique(codes)) == units:
                return counter, unit, units
    return None


def _codes(column: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    return np.asarray(coded.indices.to_numpy(), dtype=np.int64)


def hints(table: pa.Table, source: str) -> list[str]:
    """A line with the commands, where a table holds such units; else none."""
    found = counted_units(table)
    if found is None:
        return []
    counter, unit, units = found
    command = f"concours new {shlex.quote(source)} --kind"
    said = (
        f"{counter!r} begins anew for each of {units:,} values of {unit!r}: if each runs until it fails, {command} "
        f"remaining-useful-life; if each has one class, {command} sequence-classification --target COLUMN"
    )
    return [said]
