"""Rows that belong together: no group is divided, time keeps its order, and every class is left to learn from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from concours.kernels.rows.kin import Kin, crossed

SETTINGS = settings(max_examples=60)


@st.composite
def families(draw):
    """Groups of unlike sizes with codes that have gaps, in any order of rows, and two to four classes or none."""
    rows, seed = draw(st.integers(2, 120)), draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    groups = 3 * rng.integers(draw(st.integers(1, 30)), size=rows) + 1
    classes = draw(st.integers(0, 4))
    strata = rng.integers(classes, size=rows) if classes > 1 else None
    return Kin(groups=groups, in_time=draw(st.booleans())), strata, seed


def divided(groups, parts):
    """Codes of groups that have rows in more than one part."""
    return [code for code in np.unique(groups) if len(np.unique(parts[groups == code])) > 1]


@SETTINGS
@example((Kin(groups=np.array([1, 4]), in_time=False), None, 0), 5e-324)
@given(families(), st.floats(0.0, 0.6))
def test_whole_groups_are_set_apart_and_the_last_in_time(family, share):
    """And some rows are left; nobody of a single group, or for a share of nothing."""
    kin, _, seed = family
    held = kin.held_out(share, seed=seed)
    assert held.dtype == bool and not held.all()
    assert not divided(kin.groups, held)
    if share == 0 or np.ptp(kin.groups) == 0:
        assert not held.any()
    else:
        assert held.any()
    if kin.in_time and held.any():
        assert kin.groups[held].min() > kin.groups[~held].max()
    assert (kin.held_out(share, seed=seed) == held).all()


@SETTINGS
@given(families(), st.floats(0.01, 0.6))
def test_every_class_is_left_to_learn_from(family, share):
    """With classes, what is set apart is of classes that stay; of a class that would go as a whole nothing goes."""
    kin, strata, seed = family
    if strata is None:
        return
    held = kin.held_out(share, seed=seed, strata=strata)
    assert set(strata[held]) <= set(strata[~held])


@SETTINGS
@given(families(), st.integers(2, 6))
def test_folds_keep_groups_and_time(family, count):
    """Folds are of whole groups, none is empty, and in time they are stretches; there are as many as groups allow."""
    kin, _, seed = family
    folds = kin.folds(count, seed=seed)
    assert set(folds) == set(range(folds.max() + 1))
    assert folds.max() < min(count, len(np.unique(kin.groups)))
    assert not divided(kin.groups, folds)
    if kin.in_time:
        order = np.argsort(kin.groups, kind="stable")
        assert (np.diff(folds[order]) >= 0).all()


@SETTINGS
@given(families(), st.integers(2, 6))
def test_no_fold_takes_a_class_away(family, count):
    """A class of two rows or more is in the rest of every fold."""
    kin, strata, seed = family
    if strata is None:
        return
    folds = kin.folds(count, seed=seed, strata=strata)
    twice = np.flatnonzero(np.bincount(strata) > 1)
    for rest, _ in crossed(folds):
        assert set(twice) <= set(strata[rest])


@pytest.mark.parametrize("in_time", [False, True])
@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_about_the_share_is_set_apart(in_time, share):
    """Of many small groups, to within a hundredth; of both classes alike, where groups are not of time."""
    rng = np.random.default_rng(0)
    groups, strata = np.repeat(np.arange(500), 4), rng.integers(2, size=2000)
    held = Kin(groups=groups, in_time=in_time).held_out(share, seed=3, strata=strata)
    assert held.mean() == pytest.approx(share, abs=0.01)
    if not in_time:
        assert strata[held].mean() == pytest.approx(strata.mean(), abs=0.02)


def test_crossing_is_a_partition():
    """Each row is held out once; a single fold is none."""
    folds = np.array([0, 2, 1, 0, 2])
    inside = np.concatenate([held for _, held in crossed(folds)])
    assert sorted(inside.tolist()) == [0, 1, 2, 3, 4]
    assert all(not set(rest) & set(held) and len(rest) + len(held) == 5 for rest, held in crossed(folds))
    assert crossed(np.zeros(4, dtype=np.int64)) == []
