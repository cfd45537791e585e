"""What each column of a row adds: Shapley's law, and by a formula where there is one."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.insights.attribution import of_row


def frame(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    return pd.DataFrame({"a": rng.normal(size=rows), "b": rng.integers(0, 5, rows), "c": rng.choice(["x", "y"], rows)})


def said(x: pd.DataFrame) -> np.ndarray:
    return 2 * x["a"].to_numpy() + x["b"].to_numpy() * (x["c"] == "x").to_numpy()


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_effects_add_up(seed: int) -> None:
    """To what the model says of the row; what it is compared with is the rest."""
    rng = np.random.default_rng(seed)
    found = of_row(said, frame(rng, 1), frame(rng, 20), orders=8, seed=seed)
    assert np.isclose(found.base + found.effects.sum(), found.value)
    assert found.effects.shape == found.errors.shape == (3,)


def test_with_one_other_row_it_is_the_average_over_all_orders() -> None:
    """As many orders come near to what all six give, within a few errors."""
    rng = np.random.default_rng(1)
    row, other = frame(rng, 1), frame(rng, 1)
    exact = np.zeros(3)
    for order in permutations(range(3)):
        now = other.copy()
        for place in order:
            before = said(now)[0]
            now[now.columns[place]] = row[row.columns[place]].to_numpy()
            exact[place] += (said(now)[0] - before) / 6
    found = of_row(said, row, other, orders=400, seed=0)
    assert np.all(np.abs(found.effects - exact) <= 4 * found.errors + 1e-12)


def test_a_column_that_nothing_hangs_on_adds_nothing() -> None:
    """Exactly; and a sum is taken apart exactly, whatever the orders, given one row to compare with."""
    rng = np.random.default_rng(2)
    row, other = frame(rng, 1), frame(rng, 1)
    found = of_row(lambda x: 3 * x["a"].to_numpy(), row, other, orders=4, seed=0)
    assert np.allclose(found.effects, [3 * (row["a"][0] - other["a"][0]), 0, 0])
    assert np.allclose(found.errors, 0)


@pytest.mark.parametrize("orders", [0, 2, 5])
def test_too_few_orders_are_refused(orders: int) -> None:
    """Errors need two pairs."""
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="even number"):
        of_row(said, frame(rng, 1), frame(rng, 3), orders=orders, seed=0)
