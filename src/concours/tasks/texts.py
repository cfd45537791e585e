"""Texts out of the columns of a table, and which of them are none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.tasks.readers.header import absent


def text_columns(table: pa.Table, name: str) -> tuple[str, ...]:
    """The column of texts, or the one with the longest."""
    lengths = {
        field.name: pc.mean(pc.utf8_length(table[field.name])).as_py() or 0.0
        for field in table.schema
        if pa.types.is_string(field.type)
    }
    if not lengths:
        raise DataError(f"{name} has no column of texts; it has: {', '.join(table.column_names[:40])}")
    return (max(lengths, key=lambda column: lengths[column]),)


def text_of(table: pa.Table, columns: Sequence[str], name: str) -> pa.ChunkedArray:
    """The texts of the columns, joined by a blank line; what is missing is an empty text."""
    for column in columns:
        if column not in table.column_names:
            raise DataError(f"task.text: {name} has no column {column!r}; {absent(column, table.column_names)}")
    texts = [strings(table[column]) for column in columns]
    return texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, "\n\n")


def blank(texts: pa.Array | pa.ChunkedArray) -> NDArray[np.bool_]:
    """Whether each text, (rows,), is missing, or has nothing but blanks."""
    empty = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(texts)), 0)
    found: NDArray[np.bool_] = pc.fill_null(empty, True).to_numpy(zero_copy_only=False)
    return found


def strings(column: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as texts (rows,) without gaps; null bytes, which estimators refuse, are left out.

    Lists of texts, as the sentences of a document, become texts with a line each.
    """
    chunked = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    if pa.types.is_list(chunked.type):
        lists = chunked.cast(pa.list_(pa.string())).to_pylist()
        joined = ["\n".join(" ".join(text.split()) for text in texts or () if text) for texts in lists]
        chunked = pa.chunked_array([pa.array(joined, pa.string())])
    return pc.replace_substring(pc.fill_null(chunked.cast(pa.string()), ""), "\0", "")
