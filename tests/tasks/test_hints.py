"""Hints: what a table may be that is proposed as rows with a class or a number."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from concours.tasks.hints import hints

UNITS = np.repeat(["M0", "M1", "M2", "M3"], 10)
NOISE = np.random.default_rng(0).standard_normal(40)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"machine": UNITS, "cycle": np.tile(np.arange(1, 11), 4), "heat": NOISE}, "remaining-useful-life"),
        ({"nr": np.repeat(np.arange(4), 10), "k": np.tile(np.arange(10), 4), "heat": NOISE}, "sequence-classification"),
        ({"row": np.arange(40), "heat": NOISE, "machine": UNITS}, None),
        ({"machine": UNITS, "cycle": np.tile(np.arange(3, 13), 4), "heat": NOISE}, None),
        ({"machine": UNITS, "cycle": np.random.default_rng(1).integers(0, 9, 40), "heat": NOISE}, None),
    ],
)
def test_a_table_that_may_be_of_another_kind_is_said_to_be(columns, said):
    """One line with the command, and none where a column only looks like a counter."""
    found = hints(pa.table(columns), "a b.csv")
    assert len(found) == (said is not None)
    if said is not None:
        assert f"concours new 'a b.csv' --kind {said}" in found[0]
