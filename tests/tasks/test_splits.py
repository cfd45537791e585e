"""Splits: sizes, strata, and rows that must not be where nothing can be learned of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.tasks.splits import fold_rows
from concours.tasks.splits import test_rows as draw_test

SETTINGS = settings(derandomize=True, max_examples=80, deadline=None)
STRATA = st.lists(st.integers(0, 5), min_size=4, max_size=200).map(np.asarray)


@SETTINGS
@given(STRATA, st.integers(2, 6), st.integers(0, 100))
def test_folds_are_even(strata, folds, seed):
    """Folds differ by one row at most, as a whole and in every class."""
    fold = fold_rows(strata, folds, np.random.default_rng(seed))
    assert np.ptp(np.bincount(fold, minlength=folds)) <= 1
    for stratum in np.unique(strata):
        assert np.ptp(np.bincount(fold[strata == stratum], minlength=folds)) <= 1


@SETTINGS
@given(STRATA, st.floats(0.05, 0.9), st.integers(0, 100))
def test_test_part_has_its_share_of_every_class(strata, share, seed):
    """Every class gives its share to one row up or down; a class of one row gives none."""
    chosen = draw_test(strata, share, np.random.default_rng(seed))
    for stratum in np.unique(strata):
        rows = (strata == stratum).sum()
        expected = 0 if rows == 1 else share * rows
        assert abs(chosen[strata == stratum].sum() - expected) <= 1


def test_seeds_differ():
    """Another seed draws other rows; the same seed the same."""
    strata = np.zeros(100, dtype=np.int64)
    draws = [fold_rows(strata, 5, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert (draws[0] == draws[1]).all()
    assert (draws[0] != draws[2]).any()


def test_no_test_part():
    """A share of nothing is nothing."""
    assert not draw_test(np.zeros(50, dtype=np.int64), 0.0, np.random.default_rng(0)).any()
