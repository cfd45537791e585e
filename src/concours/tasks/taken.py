"""What preparation takes a column for. `entrants.tables` decides; a test holds the two together."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.tasks.columns import Column

Floats = NDArray[np.float64]
Taken = Literal["number", "category", "date", "text", "boolean"]

_TEXT_SHARE = 0.3
_TEXT_DISTINCT = 30
_DATE = r"^\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}.*)?\s*$"
_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "ISO8601")


def taken_as(column: Column, values: pa.ChunkedArray) -> Taken:
    """What a column is for an entrant: words that hardly come again are text, others a category."""
    if column.holds == "truth":
        return "boolean"
    if column.is_number:
        return "number"
    if not pa.types.is_string(values.type) or days_of(values) is not None:
        return "date"
    return "text" if column.distinct > max(_TEXT_DISTINCT, _TEXT_SHARE * (column.rows - column.gaps)) else "category"


def days_of(values: pa.ChunkedArray) -> Floats | None:
    """Dates as whole days since 1970, (rows,), NaN where missing; none where strings are no dates."""
    if not pa.types.is_string(values.type):
        return _days(pd.to_datetime(pd.Series(values.to_pandas()), utc=True))
    known = values.drop_null()
    first = pc.match_substring_regex(known.slice(0, 100), _DATE)
    if not len(known) or not pc.all(first).as_py():
        return None
    words = pd.Series(values.to_numpy(zero_copy_only=False), dtype="str")
    for known_format in _FORMATS:
        days = _days(pd.to_datetime(words, format=known_format, errors="coerce", utc=True))
        if np.isfinite(days).sum() > 0.95 * len(known):
            return days
    return None


def known_values(table: pa.Table) -> pa.Table:
    """The table with what is no number, or not finite, in columns of such as missing, as preparation takes it."""
    for place, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            column = table[place]
            table = table.set_column(place, field.name, pc.if_else(pc.is_finite(column), column, None))
    return table


def _days(moments: pd.Series) -> Floats:
    days = moments.dt.tz_localize(None).dt.as_unit("s").to_numpy().astype("datetime64[D]")
    return np.where(np.isnat(days), np.nan, days.astype(np.int64).astype(np.float64))
