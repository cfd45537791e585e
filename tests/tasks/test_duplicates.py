"""Equal rows have equal keys, in tables, texts and pictures."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from concours.tasks.duplicates import row_keys

CELLS = st.tuples(
    st.integers(-3, 3) | st.none(),
    st.sampled_from([0.0, -0.0, 0.5]) | st.none(),
    st.sampled_from(["", "a", "b"]) | st.none(),
    st.booleans() | st.none(),
    st.dates(datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)) | st.none(),
)


@given(st.lists(CELLS, min_size=1))
def test_keys_are_equal_where_rows_are(rows):
    """Law: keys are equal just where rows are, gaps included, however the table is cut into chunks."""
    types = [pa.int64(), pa.float64(), pa.string(), pa.bool_(), pa.date32()]
    columns = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), types, strict=True)]
    table = pa.table(columns, names=list("abcde"))
    keys = row_keys(table)
    assert len(np.unique(keys)) == len({(a, b, c, d, e) for a, b, c, d, e in rows})
    chunked = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    assert (row_keys(chunked) == keys).all()


def test_columns_are_not_mixed_up():
    """The same values in other columns are another row."""
    keys = row_keys(pa.table({"a": [1, 2], "b": [2, 1]}))
    assert keys[0] != keys[1]


def test_texts_and_pictures():
    """Texts and pictures of any size, also of bytes that are no multiple of eight."""
    keys = row_keys(pa.chunked_array([["x", "y"], ["x"]]))
    assert (keys[0] == keys[2], keys[0] == keys[1]) == (True, False)
    pictures = np.zeros((3, 3, 3), np.uint8)
    pictures[1, 2, 2] = 1
    keys = row_keys(pictures)
    assert (keys[0] == keys[2], keys[0] == keys[1]) == (True, False)


@given(st.lists(st.none() | st.lists(st.sampled_from(["", "a", "b"]) | st.none(), max_size=4), min_size=1, max_size=12))
def test_keys_of_lists(rows):
    """Law: lists have equal keys just where they have the same items in the same order, whatever chunks they lie in."""
    lists = pa.array(rows, pa.list_(pa.string()))
    keys = row_keys(pa.table({"a": lists}))
    assert len(np.unique(keys)) == len({row if row is None else tuple(row) for row in rows})
    parts = pa.chunked_array([lists[:1], lists[1:]], pa.list_(pa.string()))
    assert (row_keys(pa.table({"a": parts})) == keys).all()
