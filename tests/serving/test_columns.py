"""Rows of requests: the quick way gives the very frame that `predict` makes of them, or leaves them to it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours import Result
from concours.serving.columns import columns_of
from concours.serving.doors.plain import source_of
from concours.serving.model import Served

CELLS = {
    "length": st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**40), 2**40), st.none()),
    "petals": st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(-9, 9), st.booleans(), st.just("7")),
    "colour": st.one_of(st.text(max_size=5), st.none(), st.sampled_from(["red", "NA", "", " green "])),
    "wild": st.one_of(st.booleans(), st.integers(0, 1), st.just("true")),
}


@pytest.fixture(scope="module")
def model(result: Result) -> Served:
    return Served.of(result, "tree")


@settings(max_examples=150)
@given(rows=st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=4))
def test_the_quick_frame_is_that_of_predict(model: Served, rows: list[dict]) -> None:
    """In types, gaps and values, for whatever cells JSON can hold; where it is not sure it gives none."""
    quick = model.quickly([[row[name] for name in model.like.column_names] for row in rows])
    if quick is None:
        return
    slow = model.read(source_of(model, rows), lambda text: None)
    pd.testing.assert_frame_equal(quick, slow)


def test_ordinary_rows_go_the_quick_way(model: Served) -> None:
    """So that the test above compares something."""
    row = {"length": 1, "petals": 4, "colour": "red", "wild": False}
    assert model.quickly([[row[name] for name in model.like.column_names]]) is not None


def test_columns_tell_types_ranges_and_no_row() -> None:
    """Lowest and highest, the words of a column of few, and a middle value for an example; gaps count as nothing."""
    words = [f"w{number}" for number in range(60)]
    table = pa.table({"n": [1, 5, None, 3], "f": [0.5, None, None, 2.0], "w": ["b", "a", "a", None]})
    number, fraction, word = columns_of(table)
    assert (number.lowest, number.highest, number.example) == (1, 5, 3)
    assert (fraction.lowest, fraction.highest) == (0.5, 2.0)
    assert word.values == ("a", "b") and word.example == "a"
    (many,) = columns_of(pa.table({"w": words}))
    assert many.values == ()
    (empty,) = columns_of(pa.table({"e": pa.nulls(3, pa.float64())}))
    assert empty.lowest is None and empty.example is None
    assert columns_of(np.zeros((3, 2, 2))) == ()
