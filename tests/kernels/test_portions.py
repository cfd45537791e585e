"""Growing portions of rows, and that stopping at any look is no more often wrong than looking once."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.ranking.differences import differences
from concours.kernels.ranking.portions import drawn, portions
from concours.kernels.ranking.ranks import certainly_better
from concours.kernels.ranking.sequential import watched
from concours.kernels.scoring.intervals import intervals
from concours.kernels.scoring.scores import row_means

SETTINGS = settings(max_examples=60)


@SETTINGS
@given(st.integers(1, 100_000))
def test_portions_grow_to_all_rows(rows):
    """Each is greater than the one before, and the last is everything."""
    found = portions(rows)
    assert found[-1] == rows
    assert all(one < other for one, other in pairwise(found))
    assert len(found) <= 20


@SETTINGS
@given(st.integers(1, 60), st.integers(1, 12), st.booleans(), st.integers(0, 99))
def test_a_smaller_portion_is_part_of_a_greater_one(rows, most, grouped, seed):
    """Of single rows as many as are wanted; groups are whole."""
    groups = np.random.default_rng(seed).permutation(np.arange(rows) // 4) if grouped else None
    small, great = (drawn(rows, min(size, rows), groups, seed=seed) for size in (most, 3 * most))
    assert set(small) <= set(great)
    assert (np.diff(small) > 0).all()
    if groups is None:
        assert len(small) == min(most, rows)
    else:
        assert min(most, rows) <= len(small) < min(most, rows) + 4
        assert not np.isin(groups[np.setdiff1d(np.arange(rows), small)], groups[small]).any()
    assert len(drawn(rows, rows, groups, seed=seed)) == rows


@pytest.mark.parametrize(("models", "often"), [(2, 0.5), (2, 0.95), (4, 0.7)])
def test_equals_are_called_apart_by_few_wherever_one_stops(models, often):
    """300 contests of equal models, looked at after each portion of 1,000 questions: any pair at any look, 5% at most."""
    rng, looks, wrong, once = np.random.default_rng(2), portions(1000), 0, 0
    for _ in range(300):
        hard = rng.random((1000, 1)) < 0.5  # questions that all get right, so that answers go together
        rows = np.where(hard, 1.0, rng.random((1000, models)) < often).astype(float)
        seen = [row_means(rows[:count]) for count in looks]
        wrong += any(certainly_better(replace(one, sought=0.1), greater_is_better=True).any() for one in seen)
        once += any(certainly_better(one, greater_is_better=True).any() for one in seen)
    assert once > 0.08 * 300  # what looking again and again does to a test of one look
    assert wrong <= 0.05 * 300


def test_who_is_better_is_found_before_the_end():
    """A difference of twenty points takes a part of the rows; one of two points all, and is not found."""
    rng, looks = np.random.default_rng(3), portions(1000)

    def stopped(gain: float) -> int | None:
        rows = np.stack([rng.random(1000) < 0.6 + gain, rng.random(1000) < 0.6], axis=1).astype(float)
        seen = ((count, replace(row_means(rows[:count]), sought=0.1)) for count in looks)
        return next((n for n, one in seen if certainly_better(one, greater_is_better=True).any()), None)

    assert np.median([stopped(0.2) or 1001 for _ in range(40)]) <= 400
    assert sum(stopped(0.02) is None for _ in range(40)) >= 35


def test_intervals_over_looks_hold_those_of_one_look():
    """Wider, within the bounds, finite where all are right; and a difference's leaves 0 out just where it is certain."""
    rows = np.stack([np.ones(80), np.arange(80) % 4 > 0, np.arange(80) % 3 > 0], axis=1).astype(float)
    once = row_means(rows)
    seen = replace(once, sought=0.1)
    narrow = intervals(once, low=0.0, high=1.0)
    wide = watched(narrow, seen, low=0.0, high=1.0)
    assert (wide[:, 0] < narrow[:, 0]).all()
    assert (wide[1:, 1] > narrow[1:, 1]).all()
    assert ((wide >= 0) & (wide <= 1)).all()
    assert wide[0, 0] > 0.5
    told, plain = (differences(each, [(0, 1), (0, 2)]) for each in (seen, once))
    assert (told.low < plain.low).all()
    (pair,) = differences(seen, [(0, 2)]).certain
    assert pair == (differences(seen, [(0, 2)]).low[0] > 0)


def test_intervals_of_all_looks_together_hold_the_truth():
    """In 300 series of looks, the truth is outside at any look in 5% at most."""
    rng, missed = np.random.default_rng(5), 0
    for _ in range(300):
        rows = (rng.random((500, 1)) < 0.7).astype(float)
        for count in portions(500):
            means = replace(row_means(rows[:count]), sought=0.1)
            low, high = watched(intervals(means, low=0.0, high=1.0), means, low=0.0, high=1.0)[0]
            if not low <= 0.7 <= high:
                missed += 1
                break
    assert missed <= 0.05 * 300
