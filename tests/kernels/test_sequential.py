"""Chances that hold at all looks: the likelihood ratio as it is defined, laws, and how often equals are called apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from scipy.stats import t as student

from concours.kernels.ranking.ranks import certain_pairs, pair_chances
from concours.kernels.ranking.sequential import always_valid, reach
from concours.kernels.scoring.scores import Means, row_means

SETTINGS = settings(max_examples=80)
CHANCES = st.floats(1e-12, 1.0)
VARIANCES = st.floats(1e-8, 1e4)
SCALES = st.floats(1e-2, 1e2)


@SETTINGS
@given(CHANCES, VARIANCES, SCALES)
def test_the_inverse_of_the_ratio_of_likelihoods(p, variance, scale):
    """The density of a difference where the true one is normal around 0, over that where there is none."""
    difference = norm.isf(p / 2) * variance**0.5
    logs = norm.logpdf(difference, scale=(variance + scale**2) ** 0.5) - norm.logpdf(difference, scale=variance**0.5)
    found = float(always_valid(np.array([p]), np.array([variance]), scale)[0])
    assert found == pytest.approx(min(np.exp(-logs), 1.0), rel=1e-6)


@SETTINGS
@given(CHANCES, VARIANCES, SCALES, st.floats(1e-6, 0.5))
def test_looking_often_is_never_surer_and_intervals_agree_with_tests(p, variance, scale, alpha):
    """Never below the chance of one look; below alpha exactly where 0 is outside the confidence sequence."""
    found = float(always_valid(np.array([p]), np.array([variance]), scale)[0])
    assert p * (1 - 1e-9) <= found <= 1
    away, width = norm.isf(p / 2), float(reach(alpha, np.array([variance]), scale)[0])
    if abs(away - width) > 1e-6 * width:
        assert (found <= alpha) == (away >= width)


def test_what_is_beyond_floats():
    """A chance of 0 stays 0; where nothing varies nothing is certain; few units make an interval wider."""
    assert always_valid(np.array([0.0]), np.array([0.1]), 1.0).tolist() == [0.0]
    assert always_valid(np.array([0.0, 1e-9]), np.array([0.0, 0.0]), 1.0).tolist() == [1.0, 1.0]
    assert np.isinf(reach(0.05, np.array([0.0]), 1.0)).all()
    wide, wider = (reach(0.05, np.array([0.1]), 1.0, units=units)[0] for units in (1e9, 5))
    assert wider == pytest.approx(student.isf(norm.sf(wide), 4), rel=1e-6)


def test_scores_that_are_watched_have_chances_of_all_looks():
    """`sought` is all that a caller says; certain pairs, and what rests on them, follow."""
    rows = np.random.default_rng(0).normal(size=(60, 2)) + [0.0, 0.3]
    once = row_means(rows)
    watched = Means(once.means, once.covariance, units=once.units, sought=0.5)
    first, second = np.array([0]), np.array([1])
    assert pair_chances(once, first, second)[0] < 0.05 < pair_chances(watched, first, second)[0]
    assert certain_pairs(once).any() and not certain_pairs(watched).any()


def test_what_always_points_one_way_becomes_certain():
    """Where all rows differ by the same their signs tell, of 8 rows at one look and of 10 over all: 11 / 2 ** 10."""
    first, second = np.array([0]), np.array([1])

    def chance(count: int, sought: float) -> float:
        means = replace(row_means(np.tile([1.0, 0.0], (count, 1))), sought=sought)
        return float(pair_chances(means, first, second)[0])

    assert chance(10, 0.0) == 2**-9
    assert chance(10, 0.1) == 11 / 2**10
    assert chance(1, 0.1) == 1.0
    equal = replace(row_means(np.ones((50, 2))), sought=0.1)
    assert pair_chances(equal, first, second)[0] == 1.0


@pytest.mark.parametrize("scale", [0.1, 1.0])
def test_equals_are_called_apart_by_few_whenever_one_stops(scale):
    """400 sequences of 40 looks: a test of each look errs in a third of them, one that counts all looks in 5% at most."""
    rng = np.random.default_rng(1)
    often = ever = 0
    for _ in range(400):
        sums = rng.normal(size=(40, 25)).sum(axis=1).cumsum()
        rows = 25 * np.arange(1, 41)
        p = 2 * norm.sf(np.abs(sums) / rows**0.5)
        often += bool((p <= 0.05).any())
        ever += bool((always_valid(p, 1 / rows, scale) <= 0.05).any())
    assert often / 400 > 0.25
    assert ever / 400 <= 0.05
