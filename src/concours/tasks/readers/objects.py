"""Objects of Python as tables: frames, matrices, Arrow; and what every table goes through."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from concours.core.errors import DataError
from concours.tasks.letters import may_hold
from concours.tasks.moments import MOMENT


def as_table(x: Any, *, lists: bool = False) -> pa.Table:
    """A frame (pandas, polars), an Arrow table, or a matrix (rows, columns), its columns called 0, 1, …, as a table.

    Args:
        lists: whether columns may hold lists of texts, numbers or truth values.

    Raises:
        DataError: it is none of these, or a column holds what is no number, text, date or truth value.
    """
    if isinstance(x, pa.Table):
        table = x
    elif isinstance(x, pa.RecordBatch):
        table = pa.Table.from_batches([x])
    elif hasattr(x, "to_arrow"):
        table = x.to_arrow()
    elif isinstance(x, Mapping):
        table = pa.table(dict(x))
    elif hasattr(x, "columns"):
        table = _of_frame(x)
    else:
        matrix = np.asarray(x)
        if matrix.ndim != 2:
            raise DataError(f"rows of a table must be a matrix (rows, columns), got shape {matrix.shape}")
        try:
            table = pa.table({str(i): column for i, column in enumerate(matrix.T)})
        except pa.ArrowException:
            raise DataError(
                f"a matrix of type {matrix.dtype}; expected numbers, texts, dates or truth values"
            ) from None
    return tidy(table.rename_columns([str(name) for name in table.column_names]), lists=lists)[0]


def tidy(table: pa.Table, *, lists: bool = False) -> tuple[pa.Table, list[str]]:
    """A table of the types that entrants know, and what was cleaned away; with `lists`, lists of these stay.

    Columns that are missing throughout have no type: they count as numbers. Whole numbers beyond 64 bits, which are
    identifiers rather than amounts, become texts. Infinities count as missing. Texts of
    every width and dictionaries become plain texts; NUL bytes in them are removed, because no tool downstream takes
    them.
    """
    cleaned, columns = [], []
    for field, raw in zip(table.schema, table.columns, strict=True):
        column = _plain_lists(raw) if lists and _are_lists(raw.type) else _plain_type(raw, field.name)
        if pa.types.is_floating(column.type) and pc.any(pc.is_inf(column)).as_py():
            column = pc.if_else(pc.is_inf(column), None, column)
        elif pa.types.is_string(column.type) and may_hold(column, "\0") and _any_nul(column):
            column = pc.replace_substring(column, "\0", "")
            cleaned.append(f"NUL bytes were removed from column {field.name!r}")
        columns.append(column)
    return pa.table(columns, names=table.column_names), cleaned


def _any_nul(column: pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.match_substring(column, "\0")).as_py())


def _of_frame(frame: Any) -> pa.Table:
    """Ranges become words, periods the moment at which they begin."""
    odd = {name: _plain_series(frame[name]) for name in frame.columns if _is_odd(frame.dtypes[name])}
    if odd:
        frame = frame.copy(deep=False)
        for name, series in odd.items():
            frame[name] = series
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        # A column of objects of several types: its values count as texts.
        mixed = frame.select_dtypes("object").columns
        texts = frame[mixed].map(lambda value: value if value is None or value != value else str(value))
        return pa.Table.from_pandas(frame.assign(**{str(c): texts[c] for c in mixed}), preserve_index=False)


def _is_odd(dtype: Any) -> bool:
    """Whether pandas has values that Arrow has not, perhaps as categories; of two columns of a name it is not told."""
    inner = getattr(getattr(dtype, "categories", None), "dtype", dtype)
    return isinstance(inner, (pd.IntervalDtype, pd.PeriodDtype))


def _plain_series(series: Any) -> Any:
    inner = series.cat.categories.dtype if isinstance(series.dtype, pd.CategoricalDtype) else series.dtype
    if isinstance(inner, pd.PeriodDtype):
        return series.astype(inner).dt.to_timestamp()
    return series.astype(object).map(str, na_action="ignore")


def _whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whole decimals as whole numbers, or, where 64 bits do not hold them, as texts with all their digits."""
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        texts = [None if value is None else str(int(value)) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])


def _plain_type(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        series = column.to_pandas()
        plain = _plain_series(series) if _is_odd(series.dtype) else series
        return _plain_type(pa.chunked_array([pa.array(plain, from_pandas=True)]), name)
    if pa.types.is_dictionary(kind) and not pa.types.is_nested(kind.value_type):
        return _plain_type(column.cast(kind.value_type), name)
    if pa.types.is_decimal(kind) and kind.scale == 0:
        return _whole(column)
    if pa.types.is_null(kind) or pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        return column.cast(pa.float64())
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return column if kind == MOMENT else _moments(column, name)
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        return column.cast(pa.int64() if kind.bit_width == 64 else pa.int32())
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind):
        return column
    raise _no_cells(name, kind)


def refuse_lists(table: pa.Table) -> None:
    """Refuses a table with columns of lists. Raises DataError with the first."""
    for field in table.schema:
        if pa.types.is_list(field.type):
            raise _no_cells(field.name, field.type)


def _are_lists(kind: pa.DataType) -> bool:
    forms = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(form(kind) for form in forms) and not pa.types.is_nested(kind.value_type)


def _plain_lists(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lists of texts, numbers or truth values, of one width."""
    inner = column.type.value_type
    plain = pa.float64() if pa.types.is_null(inner) else inner
    text = any(form(inner) for form in (pa.types.is_large_string, pa.types.is_string_view, pa.types.is_dictionary))
    return column.cast(pa.list_(pa.string() if text else plain))


def _no_cells(name: str, kind: pa.DataType) -> DataError:
    return DataError(
        f"column {name!r} holds {str(kind)[:80]}; expected numbers, texts, dates or truth values; "
        "write what is in it as columns of their own, or as one text"
    )


def _moments(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Dates and times in microseconds; the rest of a finer unit is left off."""
    zone = getattr(column.type, "tz", None)
    zones = available_timezones()  # none where the machine has no list of them
    if zone and zones and zone not in zones and not re.fullmatch(r"[+-]\d\d:?\d\d", zone):
        raise DataError(f"column {name!r} holds times of the zone {zone[:80]!r}, which is none")
    try:
        return column.cast(options=pc.CastOptions(MOMENT, allow_time_truncate=True))
    except pa.ArrowInvalid:
        raise DataError(f"column {name!r} holds dates that lie further away than a calendar reaches") from None
