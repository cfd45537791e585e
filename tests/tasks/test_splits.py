"""Splits: sizes, strata, groups, time, and rows that must not be where nothing can be learned of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.tasks.splits import fold_rows, last_rows, public_rows, time_folds
from concours.tasks.splits import test_rows as draw_test

SETTINGS = settings(max_examples=80)
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
    assert not draw_test(np.zeros(50, dtype=np.int64), 0.0, np.random.default_rng(0), groups=np.arange(50) // 2).any()
    assert not last_rows(np.arange(50.0), 0.0).any()


@SETTINGS
@given(STRATA, st.integers(2, 5), st.integers(0, 100))
def test_groups_are_never_divided(strata, folds, seed):
    """Rows of a group are in one fold, and on one side of the test part, whatever the groups."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 30, size=len(strata)) * 7 - 50
    fold = fold_rows(strata, folds, rng, groups=groups)
    chosen = draw_test(strata, 0.3, rng, groups=groups)
    assert set(fold) <= set(range(folds))
    for group in np.unique(groups):
        assert len(set(fold[groups == group])) == 1
        assert len(set(chosen[groups == group])) == 1


@SETTINGS
@given(st.lists(st.integers(1, 9), min_size=2, max_size=40), st.integers(1, 4), st.integers(2, 8), st.integers(0, 100))
def test_no_fold_is_empty_where_there_are_as_many_groups(sizes, classes, folds, seed):
    """Even where every row of a group is of one class, so that several folds lack as much of it."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    for strata in (groups % classes, np.arange(len(groups)) % classes):
        fold = fold_rows(strata, min(folds, len(sizes)), np.random.default_rng(seed), groups=groups)
        assert (np.bincount(fold, minlength=min(folds, len(sizes))) > 0).all()


@pytest.mark.parametrize("count", [60, 40_000])
def test_groups_are_dealt_evenly(count):
    """Folds of groups have nearly the same size and shares of the classes, with few groups and with very many."""
    rng = np.random.default_rng(0)
    groups = rng.integers(count, size=count * 3)
    strata = (rng.random(len(groups)) < np.where(groups % 3 == 0, 0.6, 0.05)).astype(np.int64)
    fold = fold_rows(strata, 5, rng, groups=groups)
    assert np.allclose(np.bincount(fold) / len(fold), 0.2, atol=0.02)
    assert np.allclose(np.bincount(fold, weights=strata) / strata.sum(), 0.2, atol=0.03)
    assert abs(draw_test(strata, 0.3, rng, groups=groups).mean() - 0.3) < 0.02


def test_one_large_group_does_not_spoil_the_folds():
    """A group as large as a fold has a fold for itself."""
    groups = np.concatenate([np.zeros(100, dtype=np.int64), np.arange(1, 301)])
    fold = fold_rows(np.zeros(400, dtype=np.int64), 4, np.random.default_rng(0), groups=groups)
    assert np.bincount(fold).tolist() == [100, 100, 100, 100]


def test_the_last_rows_judge():
    """By time the last share judges, and no row of one moment is on both sides."""
    time = np.random.default_rng(0).permutation(np.repeat(np.arange(50.0), 4))
    chosen = last_rows(time, 0.25)
    assert abs(chosen.mean() - 0.25) <= 0.02
    assert time[~chosen].max() < time[chosen].min()
    assert not last_rows(np.zeros(10), 0.3).any()


def test_folds_in_time():
    """Folds are stretches of time of nearly one size, in order."""
    time = np.random.default_rng(0).permutation(np.repeat(np.arange(60.0), 3))
    fold = time_folds(time, 5)
    assert np.bincount(fold).tolist() == [36] * 5
    assert (np.diff(fold[np.argsort(time, kind="stable")]) >= 0).all()


def test_repeats():
    """Each repeat is a division of its own, and a fold's number tells its repeat."""
    fold = fold_rows(np.arange(90) % 3, 5, np.random.default_rng(0), repeats=3)
    assert fold.shape == (90, 3)
    assert (fold // 5 == np.arange(3)).all()
    assert (fold[:, 0] != fold[:, 1] - 5).any()


@SETTINGS
@given(st.integers(0, 2**40), st.floats(0, 1))
def test_public_rows_stay_public(start, share):
    """Rows that are added change nothing for the others, and the share is about kept."""
    ids = np.arange(start, start + 2000)
    public = public_rows(ids, share)
    assert (public_rows(ids[:700], share) == public[:700]).all()
    assert abs(public.mean() - share) < 0.06
