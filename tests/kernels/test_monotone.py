"""Spearman's correlation, against scipy's, and by weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from concours.kernels.scoring.monotone import spearman

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 3)), min_size=3, max_size=20)


@settings(max_examples=60)
@given(ROWS)
def test_it_is_scipys_and_a_weight_is_so_many_rows(rows):
    """Ties share the mean of their ranks; a row of weight k is k rows."""
    y, p, weights = (np.array(side, dtype=float) for side in zip(*rows, strict=True))
    if not np.ptp(y) or not np.ptp(p):
        return
    assert spearman(y, p[:, None]) == pytest.approx(spearmanr(y, p).statistic)
    times = weights.astype(int)
    assert spearman(y, p, weights) == pytest.approx(spearman(np.repeat(y, times), np.repeat(p, times)))


def test_what_tells_no_order_is_worth_nothing():
    """A constant prediction scores 0, so that a baseline has a score; constant targets leave it undefined."""
    y = np.array([1.0, 2.0, 3.0])
    assert spearman(y, np.ones(3)) == 0.0
    assert np.isnan(spearman(np.ones(3), y))
