"""Rows made of near rows, and members that leave, against their naive twins."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.engine.mixing import mixed
from concours.kernels.joining.elimination import eliminated
from concours.kernels.rows.mixing import between, exchanged, nearest

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(2, 30), st.integers(1, 4))
@settings(max_examples=40)
def test_the_nearest_other_point_is_found(seed: int, count: int, dimensions: int) -> None:
    """As by looking at each pair; never a point itself, and never one that is not among those looked at."""
    random = np.random.default_rng(seed)
    points = random.normal(size=(count, dimensions))
    among = np.sort(random.permutation(count)[: max(2, count // 2)])
    for row, found in enumerate(nearest(points, among)):
        away = {other: np.square(points[row] - points[other]).sum() for other in among if other != row}
        assert found in away and np.isclose(away[found], min(away.values()))


@given(SEEDS)
@settings(max_examples=30)
def test_made_cells_are_of_a_row_or_near_its_neighbour(seed: int) -> None:
    """Each row takes a cell at least; equal numbers give the same number; nothing leaves the range of all."""
    random = np.random.default_rng(seed)
    assert exchanged(20, 3, 0.1, random).any(axis=1).all()
    own, other = random.normal(size=20), random.normal(size=20)
    made = between(own, other, 1.0, random)
    assert (made >= own.min()).all() and (made <= own.max()).all()
    np.testing.assert_array_equal(between(own, own, 1.0, random), own)


def test_made_rows_keep_the_types_of_columns() -> None:
    """Whole numbers stay whole, words are words that there are, gaps may stay; as many rows as were asked for."""
    random = np.random.default_rng(0)
    x = pd.DataFrame(
        {"a": random.normal(size=40), "n": random.integers(0, 5, 40), "w": random.choice(["x", "y", None], 40)}
    )
    made = mixed(x, 2, seed=3)
    assert len(made) == 80 and made.dtypes.tolist() == x.dtypes.tolist()
    assert set(made["n"]) <= set(range(5)) and set(made["w"].dropna()) <= {"x", "y"}
    assert (made["a"] != pd.concat([x["a"]] * 2, ignore_index=True)).any()
    pd.testing.assert_frame_equal(made, mixed(x, 2, seed=3))


@given(SEEDS, st.integers(1, 6))
@settings(max_examples=60)
def test_who_adds_nothing_leaves(seed: int, members: int) -> None:
    """Those that stay lose no more than all, and without any of them they would, unless one is left."""
    random = np.random.default_rng(seed)
    predictions, y = random.normal(size=(members, 12)), random.normal(size=12)
    weights = random.integers(0, 3, members) + np.eye(members)[0]

    def loss(shares: np.ndarray) -> float:
        return float(np.square(shares @ predictions - y).mean())

    def of(some: list[int]) -> float:
        shares = np.where(np.isin(np.arange(members), some), weights, 0.0)
        return loss(shares / shares.sum())

    stay, everybody = eliminated(weights.tolist(), loss), np.flatnonzero(weights).tolist()
    assert stay and set(stay) <= set(everybody) and of(stay) <= of(everybody) + 1e-12
    if len(stay) > 1:
        assert all(of([one for one in stay if one != gone]) > of(everybody) for gone in stay)
