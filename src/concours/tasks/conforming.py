"""Rows in the columns, order and forms of those that models were fitted on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from concours.core.errors import DataError, nearest
from concours.tasks.forms import settle
from concours.tasks.readers.header import are_places
from concours.tasks.readers.opened import Rows

HOLDS = {"table": "a table", "text": "texts", "image": "pictures"}
"""What a source holds, for people."""

_WORDS = {
    "int64": "whole numbers",
    "double": "numbers",
    "string": "words",
    "bool": "true or false",
    "timestamp[us]": "dates",
}


def conform(x: Rows, like: Rows, name: str, *, told: Callable[[str], None] = lambda text: None) -> Rows:
    """The columns of `like`, in its order and forms; texts and pictures as they are.

    Whole numbers become fractions where rows have these or gaps; no number is cut. Cells that do not fit are missing,
    and `told`.

    Raises:
        DataError: rows are something else, or of another form, than those of `like`.
    """
    if isinstance(x, pa.Table) and isinstance(like, pa.Table):
        missing = [column for column in like.column_names if column not in x.column_names]
        if missing:
            raise DataError(f"{name}: column {missing[0]!r} is missing; {_why_missing(missing[0], x, like)}")
        found = settle(x.select(like.column_names), name, written=False, like=like.schema)
        columns = [_alike(found.table[field.name], field, name) for field in like.schema]
        fields = [field.with_type(column.type) for field, column in zip(like.schema, columns, strict=True)]
        for warning in (*found.warnings, *_now_words(found.table, columns, name)):
            told(warning)
        return pa.table(columns, schema=pa.schema(fields))
    if isinstance(x, np.ndarray) or isinstance(like, np.ndarray):
        if not (isinstance(like, np.ndarray) and isinstance(x, np.ndarray)) or x.shape[1:] != like.shape[1:]:
            given = f"shape {x.shape}" if isinstance(x, np.ndarray) else HOLDS[input_of(x)]
            expected = f"rows of shape {like.shape[1:]}" if isinstance(like, np.ndarray) else HOLDS[input_of(like)]
            raise DataError(f"{name}: expected {expected}, got {given}")
        return x
    if isinstance(x, pa.Table) or isinstance(like, pa.Table):
        raise DataError(f"{name}: expected {HOLDS[input_of(like)]}, got {HOLDS[input_of(x)]}")
    return x


def input_of(x: Rows) -> Any:
    """Which of `HOLDS` rows are."""
    return "table" if isinstance(x, pa.Table) else "text" if isinstance(x, pa.ChunkedArray) else "image"


def _why_missing(column: str, x: pa.Table, like: pa.Table) -> str:
    if are_places(x.column_names) and not column.isdecimal():
        names = ", ".join(like.column_names[:8])
        return f"no header was seen: its first line must have the names that the data had: {names}"
    return nearest(column, x.column_names)


def _now_words(x: pa.Table, columns: Sequence[pa.ChunkedArray], name: str) -> list[str]:
    """What to say of columns of other types that are read as words: a zero before a number, say, is lost to them."""
    said = []
    for column, given in zip(x.column_names, columns, strict=True):
        if pa.types.is_string(given.type) and given.type != x[column].type and given.null_count < len(given):
            kind = _WORDS.get(str(x[column].type), x[column].type)
            said.append(
                f"{name}: column {column!r} held words when models were fitted, and holds {kind} here: they are read "
                f"as {given.drop_null()[0].as_py()!r} and the like; if it was written otherwise there, write it so"
            )
    return said


def _alike(column: pa.ChunkedArray, field: pa.Field, name: str) -> pa.ChunkedArray:
    """A column as the type that it had, without loss."""
    kind, wanted = column.type, field.type
    if kind == wanted or (pa.types.is_integer(wanted) and pa.types.is_float64(kind)):
        return column
    if column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(column), wanted)])
    if pa.types.is_string(wanted) and pa.types.is_boolean(kind):
        return pc.if_else(column, "True", "False")
    if pa.types.is_integer(wanted) and pa.types.is_floating(kind):
        wanted = pa.float64()
    try:
        if not pa.types.is_temporal(kind) or pa.types.is_string(wanted):
            return column.cast(wanted, safe=not pa.types.is_floating(wanted))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass
    was, is_now = (_WORDS.get(str(one), one) for one in (field.type, kind))
    raise DataError(
        f"{name}: column {field.name!r} was {was} in the data that models were fitted on, and is {is_now} here"
    )
