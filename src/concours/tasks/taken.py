"""What preparation takes a column for. `entrants.tables` decides; a test holds the two together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.tasks.columns import Column

Floats = NDArray[np.float64]
Taken = Literal["number", "category", "date", "text", "boolean"]

_TEXT_SHARE = 0.3
_TEXT_DISTINCT = 30


def taken_as(column: Column, values: pa.ChunkedArray) -> Taken:
    """What a column is for an entrant: words that hardly come again are text, others a category."""
    if column.holds == "truth":
        return "boolean"
    if column.is_number:
        return "number"
    if not pa.types.is_string(values.type):
        return "date"
    return "text" if column.distinct > max(_TEXT_DISTINCT, _TEXT_SHARE * (column.rows - column.gaps)) else "category"


def days_of(values: pa.ChunkedArray) -> Floats:
    """Dates as whole days since 1970, (rows,), NaN where missing."""
    days = pc.floor_temporal(values, unit="day").cast(pa.timestamp("s"), safe=False).cast(pa.int64())
    return np.asarray(pc.divide(days.cast(pa.float64()), 86400.0).fill_null(np.nan).to_numpy(), dtype=np.float64)


NUMBERS: Final[Mapping[Taken, Callable[[pa.ChunkedArray], Floats]]] = {
    "number": lambda values: np.asarray(values.cast(pa.float64()).to_numpy(), dtype=np.float64),
    "text": lambda values: np.asarray(pc.utf8_length(values).cast(pa.float64()).to_numpy(), dtype=np.float64),
    "date": days_of,
}
"""What of a column is spread as numbers (rows,), NaN where missing; others are counted by their values."""


def known_values(table: pa.Table) -> pa.Table:
    """The table with what is no number, or not finite, in columns of such as missing, as preparation takes it; and with
    lists of texts as texts.
    """
    for place, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            table = table.set_column(place, field.name, pc.binary_join(table[place], " | "))
        if pa.types.is_floating(field.type):
            column = table[place]
            table = table.set_column(place, field.name, pc.if_else(pc.is_finite(column), column, None))
    return table
