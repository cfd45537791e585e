"""Equal rows, found by keys."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.tasks.readers.opened import Rows

_PIECE = 1 << 18
_ODD = np.uint64(0x9E3779B97F4A7C15)  # the golden ratio, as Knuth multiplies by it (1973)
_SHIFT = np.uint64(29)


def row_keys(x: Rows) -> NDArray[np.uint64]:
    """A key of each row, (rows,): equal rows have equal keys, others the same by chance once in 2^64.

    Computed a piece and a column at a time, so that memory does not grow with the data but for the keys.
    """
    keys = np.zeros(len(x), dtype=np.uint64)
    for start in range(0, len(x), _PIECE):
        piece, part = x[start : start + _PIECE], keys[start : start + _PIECE]
        if isinstance(piece, np.ndarray):
            part[:] = _array_keys(piece)
        else:
            for column in piece.columns if isinstance(piece, pa.Table) else [piece]:
                _mix(part, _column_keys(column))
    return keys


def _mix(keys: NDArray[np.uint64], other: NDArray[np.uint64]) -> None:
    """Joins the keys of another column into these; the order of columns counts."""
    keys ^= other
    keys *= _ODD
    keys ^= keys >> _SHIFT


def _column_keys(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    if pa.types.is_list(column.type):
        return _list_keys(pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type))
    if pa.types.is_string(column.type):
        coded = column.combine_chunks().dictionary_encode()
        known = pd.util.hash_array(np.asarray(coded.dictionary.to_pylist(), dtype=object))
        known = np.append(known, _ODD)
        return known[pc.fill_null(coded.indices, len(known) - 1).to_numpy()]
    if pa.types.is_floating(column.type):
        values = column.to_numpy().astype(np.float64)
        return (values + 0.0).view(np.uint64)  # -0 and 0 are equal
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())  # Arrow casts dates to no wider number
    numbers = column if pa.types.is_uint64(column.type) else column.cast(pa.int64())
    gaps = numbers.is_null().to_numpy() if numbers.null_count else None
    keys = pc.fill_null(numbers, 0).to_numpy().astype(np.int64).view(np.uint64)
    return keys if gaps is None else np.where(gaps, _ODD, keys)


def _list_keys(lists: pa.ListArray) -> NDArray[np.uint64]:
    """By how many items there are, and their keys, each multiplied by an odd number of its place."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    place = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    items = _column_keys(pa.chunked_array([lists.flatten()])) * (2 * place + 3).astype(np.uint64)
    items ^= items >> _SHIFT
    keys = lengths.astype(np.uint64) * _ODD
    np.add.at(keys, np.repeat(np.arange(len(lengths)), lengths), items * _ODD)
    return np.where(lists.is_null().to_numpy(zero_copy_only=False), ~_ODD, keys)


def _array_keys(piece: NDArray[np.generic]) -> NDArray[np.uint64]:
    """Keys of pictures: their bytes, eight at a time."""
    flat = np.ascontiguousarray(piece).reshape(len(piece), -1).view(np.uint8)
    padded = np.zeros((len(piece), -(-flat.shape[1] // 8) * 8), dtype=np.uint8)
    padded[:, : flat.shape[1]] = flat
    keys = np.zeros(len(piece), dtype=np.uint64)
    for word in np.ascontiguousarray(padded.view(np.uint64).T):
        _mix(keys, word)
    return keys
