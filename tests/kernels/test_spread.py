"""How numbers are spread, and items of rows that lie one behind the other."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from concours.kernels.rows.taken import taken
from concours.kernels.scoring.spread import spread

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60).map(np.array)


@given(NUMBERS, st.none() | NUMBERS)
def test_every_number_is_counted_once(values, others):
    """Between edges that rise, in at most twenty bins; all of it is JSON."""
    found = json.loads(json.dumps(spread(values, others)))
    assert len(found["counts"]) == len(found["edges"]) - 1 <= 20
    assert sum(found["counts"]) == len(values)
    assert (found["test"] is None) if others is None else (sum(found["test"]) == len(others))
    np.testing.assert_allclose([found["low"], found["high"]], [values.min(), values.max()], rtol=1e-5)
    assert found["low"] <= found["middle"] <= found["high"]


@given(st.lists(st.lists(st.integers(), max_size=4), min_size=1, max_size=6), st.data())
def test_items_of_some_rows(rows, data):
    """In the order of the rows, each as often as it is asked for."""
    which = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8))
    places, offsets = taken(np.cumsum([0, *map(len, rows)]), np.array(which, dtype=np.int64))
    flat = [item for row in rows for item in row]
    parts = [places[begin:end].tolist() for begin, end in pairwise(offsets)]
    assert [[flat[place] for place in part] for part in parts] == [rows[row] for row in which]
