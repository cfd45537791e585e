"""Columns that name rows."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def ids_of(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Identifiers (rows,) as they are written (`concours.core.written`), of a type that has them so.

    Texts lose the blanks around; floating numbers that are all whole become whole ones. Gaps stay.
    """
    if pa.types.is_string(column.type):
        return pc.utf8_trim_whitespace(column)
    if not pa.types.is_floating(column.type):
        return column
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column
