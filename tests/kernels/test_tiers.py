"""Tiers against the words that define them, and their laws."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.ranking.ranks import certainly_better
from concours.kernels.ranking.tiers import tiers
from concours.kernels.scoring.scores import Means, row_means

SETTINGS = settings(max_examples=80)


def naive(scores, greater):
    """The best of those that are left heads a tier, with all of them that are not certainly worse."""
    better = certainly_better(scores, greater_is_better=greater)
    left, found, tier = set(range(len(scores.means))), {}, 0
    while left:
        tier += 1
        head = (max if greater else min)(sorted(left), key=lambda one: scores.means[one])
        members = {one for one in left if not better[head, one]}
        found |= dict.fromkeys(members, tier)
        left -= members
    return [found[one] for one in sorted(found)]


@SETTINGS
@given(st.integers(1, 8), st.integers(0, 10_000), st.booleans())
def test_as_defined(k, seed, greater):
    """The fast way gives what the words say; the first is of tier 1, no tier is empty, and permuting permutes."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(40, k)) + 0.6 * rng.normal(size=k)
    found = tiers(row_means(rows), greater_is_better=greater)
    assert found.tolist() == naive(row_means(rows), greater)
    assert set(found) == set(range(1, found.max() + 1))
    order = rng.permutation(k)
    assert (tiers(row_means(rows[:, order]), greater_is_better=greater) == found[order]).all()


def test_three_levels():
    """Three pairs that lie far apart are three tiers, whichever way the metric points."""
    rows = np.random.default_rng(1).normal(size=(500, 6)) + [0, 0, 5, 5, 9, 9]
    assert tiers(row_means(rows), greater_is_better=True).tolist() == [3, 3, 2, 2, 1, 1]
    assert tiers(row_means(rows), greater_is_better=False).tolist() == [1, 1, 2, 2, 3, 3]


def test_who_has_no_score_is_in_the_first_that_cannot_be_told():
    """An undefined score is certain of nothing."""
    rows = np.random.default_rng(0).normal(size=(50, 2)) + [0, 5]
    rows[:, 1] = np.nan
    assert tiers(row_means(rows), greater_is_better=True).tolist() == [1, 1]


def test_who_may_not_head_a_tier_heads_none():
    """One that nothing is known of, though it stands first, does not draw all others into its tier."""
    scores = Means(np.array([9.0, 2.0, 1.0]), np.diag([100.0, 1e-4, 1e-4]))
    assert tiers(scores, greater_is_better=True).tolist() == [1, 1, 1]
    assert tiers(scores, greater_is_better=True, heads=np.array([False, True, True])).tolist() == [1, 1, 2]
