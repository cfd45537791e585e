"""Intervals of cross-validation: wider than those of rows that taught nothing, and why."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.scoring.crossing import WIDER, crossed
from concours.kernels.scoring.intervals import intervals
from concours.kernels.scoring.scores import row_means


@given(middle=st.floats(0, 1), below=st.floats(0, 1), above=st.floats(0, 1))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_wider_to_either_side_within_the_bounds(middle: float, below: float, above: float) -> None:
    """Both ends move from the score, and none across a bound."""
    low, high = max(middle - below, 0.0), min(middle + above, 1.0)
    ((first, last),) = crossed(np.array([[low, high]]), np.array([middle]), low=0.0, high=1.0)
    assert 0 <= first <= low + 1e-12 and high - 1e-12 <= last <= 1
    assert first == 0 or np.isclose(middle - first, WIDER * (middle - low))
    assert last == 1 or np.isclose(last - middle, WIDER * (high - middle))


def test_what_is_not_known_stays_so() -> None:
    """An interval that is undefined is not made up."""
    assert np.isnan(crossed(np.full((1, 2), np.nan), np.array([0.5]))).all()


def test_where_nothing_can_be_learned_it_holds_what_it_promises() -> None:
    """Nearest neighbours of noise: each pair of rows tells twice. The plain interval misses far too often.

    Each row is predicted by its nearest neighbour in the other fold, and 0.5 is the truth.
    """
    held = np.zeros(2)
    for seed in range(400):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(2, 60)), rng.integers(2, size=(2, 60))
        hits = np.concatenate([y[0] == y[1][_nearest(x[0], x[1])], y[1] == y[0][_nearest(x[1], x[0])]])
        means = row_means(hits[:, None].astype(float))
        plain = intervals(means, low=0.0, high=1.0)
        wider = crossed(plain, means.means, low=0.0, high=1.0)
        held += [plain[0, 0] <= 0.5 <= plain[0, 1], wider[0, 0] <= 0.5 <= wider[0, 1]]
    assert held[0] / 400 < 0.93
    assert held[1] / 400 > 0.95


def _nearest(of: np.ndarray, among: np.ndarray) -> np.ndarray:
    return np.abs(of[:, None] - among[None, :]).argmin(axis=1)
