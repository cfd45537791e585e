"""Rows of different lengths."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from concours.kernels.rows.ragged import taken


@given(st.data())
def test_rows_are_taken_as_lists_are(data):
    """Protects the items of every row, whichever are taken and how often, empty ones too."""
    lengths = data.draw(st.lists(st.integers(0, 4), max_size=6))
    rows = data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=8)) if lengths else []
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    places, ends = taken(offsets, np.asarray(rows, dtype=np.int64))
    lists = [list(range(start, end)) for start, end in pairwise(offsets)]
    assert places.tolist() == [item for row in rows for item in lists[row]]
    assert [places[start:end].tolist() for start, end in pairwise(ends)] == [lists[r] for r in rows]
