"""Confident learning and portfolios: which labels are doubted, and whom a record names first."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.ranking.portfolio import greedy_portfolio, places
from concours.kernels.rows.confident import doubted

QUICK = settings(max_examples=40, deadline=None, derandomize=True)


def told(y, wrong, classes=3, sure=0.9):
    """Probabilities of who knows the truth, of labels some of which are wrong."""
    truth = np.where(wrong, (y + 1) % classes, y)
    p = np.full((len(y), classes), (1 - sure) / (classes - 1))
    p[np.arange(len(y)), truth] = sure
    return p, truth


def test_wrong_labels_are_found():
    """Those that were changed, with what they were, and their share."""
    rng = np.random.default_rng(0)
    y, wrong = rng.integers(0, 3, 400), np.zeros(400, dtype=bool)
    wrong[rng.permutation(400)[:40]] = True
    p, truth = told(y, wrong)
    p = np.clip(p + rng.normal(scale=0.02, size=p.shape), 0.001, 1)
    found = doubted(p / p.sum(axis=1, keepdims=True), y)
    assert set(found.rows) == set(np.flatnonzero(wrong))
    assert (found.instead == truth[found.rows]).all()
    assert found.share == pytest.approx(0.1, abs=0.03)
    assert found.joint.sum() == pytest.approx(1)


@QUICK
@given(st.integers(0, 99), st.integers(2, 5))
def test_who_is_right_and_sure_doubts_nothing(seed, classes):
    """And each class has its share."""
    y = np.random.default_rng(seed).integers(0, classes, 60)
    p, _ = told(y, np.zeros(60, dtype=bool), classes, sure=1.0)
    found = doubted(p, y)
    assert len(found.rows) == 0
    assert found.share == pytest.approx(0)
    assert np.diag(found.joint) == pytest.approx(np.bincount(y, minlength=classes) / 60)


def naive(regret, count):
    """The greedy choices, each by all means."""
    chosen = []
    for _ in range(count):
        left = [model for model in range(regret.shape[1]) if model not in chosen]
        means = [
            (round(regret[:, [*chosen, model]].min(axis=1).mean(), 12), round(regret[:, model].mean(), 12), model)
            for model in left
        ]
        chosen.append(min(means)[2])
    return chosen


@QUICK
@given(st.integers(0, 999), st.integers(1, 6), st.integers(1, 6))
def test_a_portfolio_is_its_naive_twin(seed, sets, models):
    """All models once; sets in any order; a constant regret is nobody's gain."""
    regret = np.random.default_rng(seed).integers(0, 5, (sets, models)) / 4
    order = greedy_portfolio(regret)
    assert order == naive(regret, models)
    assert sorted(order) == list(range(models))
    assert greedy_portfolio(regret[::-1]) == order


def test_the_first_two_of_three_complement_one_another():
    """Who is second everywhere comes after those who are best somewhere, once the first is chosen."""
    regret = np.array([[0.0, 1.0, 0.6], [0.0, 1.0, 0.6], [1.0, 0.0, 0.6]])
    assert greedy_portfolio(regret)[:2] == [0, 1]
    best = {pair: regret[:, pair].min(axis=1).mean() for pair in itertools.combinations(range(3), 2)}
    assert min(best, key=best.get) == (0, 1)


def test_places_are_ranks_within_a_set():
    """From the best, 0, to the last, 1; equals share; who failed is last; how far apart scores lie does not matter."""
    found = places(np.array([[0.2, 0.6, np.nan], [0.9, 0.5, 2.0], [7.0, 7.0, 90.0]]))
    assert found.tolist() == [[0.0, 0.5, 1.0], [0.5, 0.0, 1.0], [0.25, 0.25, 1.0]]
    assert places(np.array([[3.0]])).tolist() == [[0.0]]
