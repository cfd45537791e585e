"""Kernels of survival against naive twins, and against scikit-survival."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.scoring.survival import (
    brier_terms,
    concordance,
    concordance_means,
    kaplan_meier,
    lifetimes,
    medians,
    pairs,
    rounded_lifetimes,
    uncensored,
)

needs_library = pytest.mark.skipif(importlib.util.find_spec("sksurv") is None, reason="scikit-survival is not there")


@st.composite
def followed(draw):
    """Targets with many ties, lifetimes with ties, and weights."""
    rows = draw(st.integers(2, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y = np.stack([rng.integers(1, 8, rows), rng.integers(0, 2, rows)], axis=1).astype(np.float64)
    return y, rng.integers(0, 6, rows).astype(np.float64), rng.integers(1, 4, rows).astype(np.float64)


def naive_pairs(y, life, weights):
    """Each pair by itself."""
    right, everything = np.zeros(len(y)), np.zeros(len(y))
    for i, (time, came) in enumerate(y):
        for j, (other, event) in enumerate(y):
            if came and (time < other or (time == other and not event)):
                won = weights[i] * weights[j] * (1.0 if life[i] < life[j] else 0.5 if life[i] == life[j] else 0.0)
                right[[i, j]] += won
                everything[[i, j]] += weights[i] * weights[j]
    return right, everything


@given(followed())
@settings(max_examples=60, deadline=None)
def test_pairs_are_counted_as_one_by_one(case):
    y, life, weights = case
    found, (right, everything) = pairs(y, life, weights), naive_pairs(y, life, weights)
    np.testing.assert_allclose(found.right, right)
    np.testing.assert_allclose(found.all, everything)
    whole = naive_pairs(y, life, np.ones(len(y)))
    known = whole[0].sum() / whole[1].sum() if whole[1].sum() else np.nan
    np.testing.assert_allclose(concordance(y, life), known)


@given(followed())
@settings(max_examples=30, deadline=None)
def test_a_row_of_weight_two_counts_as_two(case):
    y, life, weights = case
    often = np.repeat(np.arange(len(y)), weights.astype(int))
    own = concordance(y, life, weights)
    apart = naive_pairs(y[often], life[often], np.ones(len(often)))
    np.testing.assert_allclose(own, apart[0].sum() / apart[1].sum() if apart[1].sum() else np.nan)


def test_how_sure_a_concordance_is_is_what_it_is_without_each_row():
    """The jackknife, by leaving each row out indeed."""
    rng = np.random.default_rng(1)
    y = np.stack([rng.exponential(1.0, 40), rng.integers(0, 2, 40)], axis=1).astype(np.float64)
    lives = [rng.normal(size=40), -y[:, 0] + rng.normal(size=40)]
    found = concordance_means(y, lives)
    without = np.array([[concordance(np.delete(y, i, 0), np.delete(life, i)) for life in lives] for i in range(40)])
    covariance = (39 / 40) * (without - without.mean(axis=0)).T @ (without - without.mean(axis=0))
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-9)
    np.testing.assert_allclose(found.means, [concordance(y, life) for life in lives])


def test_rows_of_a_group_are_one_observation():
    """All rows twice, in groups of two, tell as much as all rows once."""
    rng = np.random.default_rng(2)
    y = np.stack([rng.exponential(1.0, 60), rng.integers(0, 2, 60)], axis=1).astype(np.float64)
    life = rng.normal(size=60)
    twice = np.repeat(np.arange(60), 2)
    once, both = concordance_means(y, [life]), concordance_means(y[twice], [life[twice]], groups=twice)
    assert abs(both.stderr[0] / once.stderr[0] - 1) < 0.1


def test_where_no_pair_can_be_compared_nothing_is_said():
    y = np.array([[3.0, 0.0], [5.0, 0.0]])
    assert np.isnan(concordance(y, np.array([1.0, 2.0])))
    assert np.isnan(concordance_means(y, [np.array([1.0, 2.0])]).means[0])


def test_a_lifetime_is_the_area_below_a_curve():
    times = np.array([1.0, 3.0])
    curves = np.array([[1.0, 1.0], [0.5, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(lifetimes(curves, times), [3.0, 0.75 + 0.5, 0.5])
    np.testing.assert_allclose(lifetimes(curves.mean(axis=0)[None], times), lifetimes(curves, times).mean())
    np.testing.assert_array_equal(medians(curves, times), [np.inf, 1.0, 1.0])


def test_kaplan_meier_of_all_events_is_the_share_that_is_left():
    y = np.stack([np.array([1.0, 2.0, 2.0, 5.0]), np.ones(4)], axis=1)
    curve = kaplan_meier(y)
    np.testing.assert_allclose(curve.at(np.array([0.5, 1.0, 2.0, 4.0, 5.0])), [1.0, 0.75, 0.25, 0.25, 0.0])
    weighed = kaplan_meier(y[[0, 1, 3]], np.array([1.0, 2.0, 1.0]))
    np.testing.assert_allclose(weighed.values, curve.values)


@needs_library
def test_scores_are_those_of_the_library():
    """Concordance, integrated Brier score and Kaplan–Meier as scikit-survival has them."""
    from sksurv.metrics import concordance_index_censored, integrated_brier_score
    from sksurv.nonparametric import kaplan_meier_estimator
    from sksurv.util import Surv

    rng = np.random.default_rng(3)
    time, lost = rng.exponential(10, 300), rng.exponential(20, 300)
    y = np.stack([np.minimum(time, lost).round(1) + 0.1, time <= lost], axis=1).astype(np.float64)
    train, test = y[:150], y[150:][y[150:, 0] < y[:150, 0].max()]
    times = np.quantile(train[train[:, 1] > 0, 0], np.linspace(0.05, 0.9, 12))
    curves = np.exp(-times / rng.uniform(5, 20, (len(test), 1)))
    known = uncensored(train)
    written = [Surv.from_arrays(part[:, 1] > 0, part[:, 0]) for part in (train, test)]
    own = brier_terms(test, curves, times=times, known=known).mean()
    np.testing.assert_allclose(own, integrated_brier_score(*written, curves, times), rtol=1e-9)
    life = rounded_lifetimes(curves, times)
    np.testing.assert_allclose(
        concordance(test, life), concordance_index_censored(test[:, 1] > 0, test[:, 0], -life)[0], rtol=1e-9
    )
    at, values = kaplan_meier_estimator(train[:, 1] > 0, train[:, 0])
    np.testing.assert_allclose(kaplan_meier(train).at(at), values)
