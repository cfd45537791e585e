"""Tests over several tasks: Demsar's own example, scipy's, and laws."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import f as fisher
from scipy.stats import friedmanchisquare

from concours.kernels.ranking.demsar import (
    critical_difference,
    friedman,
    over_tasks,
    permuted_p,
    rank_intervals,
    task_ranks,
)

SETTINGS = settings(max_examples=50)


def test_demsars_example():
    """Mean ranks of four models on 14 data sets, as printed in the paper (2006, section 3.2.2)."""
    found = friedman(np.array([3.143, 2.000, 2.893, 1.964]), 14)
    assert found.chi2 == pytest.approx(9.28, abs=0.01)
    assert found.f == pytest.approx(3.69, abs=0.01)
    assert found.p_f == pytest.approx(fisher.sf(3.69, 3, 39), abs=0.005)
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)


@SETTINGS
@given(st.integers(2, 20), st.integers(3, 8), st.integers(0, 1000))
def test_friedman_is_scipys(tasks, models, seed):
    """The same statistic and p-value where no scores are equal."""
    scores = np.random.default_rng(seed).normal(size=(tasks, models))
    found = friedman(task_ranks(scores, greater_is_better=True).mean(axis=0), tasks)
    theirs = friedmanchisquare(*scores.T)
    assert np.isclose(found.chi2, theirs.statistic)
    assert np.isclose(found.p_chi2, theirs.pvalue)


def test_equal_scores_share_a_rank():
    """The first is best whichever way the metric points; equal ones get the mean of their ranks."""
    assert task_ranks(np.array([[0.9, 0.8, 0.9, 0.1]]), greater_is_better=True).tolist() == [[1.5, 3, 1.5, 4]]
    assert task_ranks(np.array([[0.9, 0.8, 0.9, 0.1]]), greater_is_better=False).tolist() == [[3.5, 2, 3.5, 1]]


@SETTINGS
@given(st.integers(1, 20), st.integers(2, 6), st.integers(0, 1000))
def test_intervals_of_mean_ranks(tasks, models, seed):
    """They lie within the ranks that were seen, and a model of one rank everywhere has no doubt."""
    ranks = task_ranks(np.random.default_rng(seed).normal(size=(tasks, models)), greater_is_better=True)
    found = rank_intervals(ranks, rng=np.random.default_rng(0), rounds=200)
    assert (ranks.min(axis=0) - 1e-9 <= found[:, 0]).all()
    assert (found[:, 0] <= found[:, 1]).all()
    assert (found[:, 1] <= ranks.max(axis=0) + 1e-9).all()


def test_all_agree():
    """Where every task has the same order, the test is as sure as so many tasks allow: one of all other orders each."""
    assert friedman(np.array([1.0, 2.0, 3.0]), 5).p_f == pytest.approx(6**-4)
    assert friedman(np.array([1.0, 2.0]), 3).p_f == pytest.approx(0.25)
    assert friedman(np.array([1.0, 2.0, 3.0]), 25).p_f == 0


@SETTINGS
@given(st.integers(2, 5), st.integers(2, 4), st.integers(0, 10_000))
def test_the_law_for_few_tasks(tasks, models, seed):
    """The p-value is the share of all ways to rank, ties kept, that differ as much: counted one way after the other."""
    rng = np.random.default_rng(seed)
    if models**tasks > 300:
        tasks = 3
    ranks = task_ranks(rng.integers(0, 3, (tasks, models)).astype(float), greater_is_better=True)
    seen = np.square(ranks.sum(axis=0) - ranks.sum() / models).sum()
    ways = [
        np.square(np.sum(way, axis=0) - ranks.sum() / models).sum() >= seen - 1e-9
        for way in product(*(permutations(row) for row in ranks.tolist()))
    ]
    assert over_tasks(ranks).p == pytest.approx(np.mean(ways))


def test_drawn_ways():
    """Where there are too many ways to count, drawn ones give nearly the same p."""
    ranks = task_ranks(np.random.default_rng(1).normal(size=(4, 4)) + np.arange(4), greater_is_better=True)
    between = np.square(ranks.sum(axis=0) - 10).sum()
    exact = permuted_p(ranks, between)
    drawn = permuted_p(np.concatenate([ranks, np.full((6, 4), 2.5)]), between)
    assert drawn == pytest.approx(exact, abs=0.01)


@pytest.mark.parametrize(("tasks", "models", "rounds"), [(3, 2, 400), (3, 3, 400), (5, 4, 400), (3, 8, 100)])
def test_equal_models_are_seldom_told_apart(tasks, models, rounds):
    """At most 5% of the time, and what the draws add to that."""
    rng = np.random.default_rng(0)
    drawn = (rng.permuted(np.tile(np.arange(1.0, models + 1), (tasks, 1)), axis=1) for _ in range(rounds))
    told = [friedman(ranks.mean(axis=0), tasks).p_f <= 0.05 for ranks in drawn]
    assert np.mean(told) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / rounds)


def test_critical_differences_of_the_paper():
    """Demšar (2006): four models on fourteen tasks have a critical difference of 1.25; q for five models is 2.728."""
    ranks = np.tile([1.0, 2.0, 3.0, 4.0], (14, 1))
    assert over_tasks(ranks).critical == pytest.approx(1.25, abs=0.005)
    assert over_tasks(np.tile(np.arange(1.0, 6), (10, 1))).critical == pytest.approx(
        2.728 * (30 / 60) ** 0.5, abs=0.001
    )


def test_friedman_is_that_of_scipy():
    """For many tasks p is that of Iman and Davenport, from SciPy's chi², ties included."""
    ranks = np.tile(np.array([[1, 2, 3], [1.5, 1.5, 3], [2, 1, 3], [1, 3, 2], [3, 2, 1]]), (5, 1))
    chi = friedmanchisquare(*ranks.T).statistic
    f = 24 * chi / (25 * 2 - chi)
    assert over_tasks(ranks).p == pytest.approx(fisher.sf(f, 2, 48))


def test_symmetry():
    """Permuted models have permuted ranks and intervals; equal ones have no difference; perfect order is no chance."""
    ranks = np.random.default_rng(0).permuted(np.tile(np.arange(1.0, 6), (7, 1)), axis=1)
    order = [3, 1, 0, 4, 2]
    one, other = over_tasks(ranks), over_tasks(ranks[:, order])
    assert np.allclose(one.mean[order], other.mean)
    assert np.allclose(one.low[order], other.low)
    assert one.p == pytest.approx(other.p)
    assert (one.low <= one.mean).all()
    assert (one.mean <= one.high).all()
    assert over_tasks(np.full((6, 3), 2.0)).p == 1.0
    assert over_tasks(np.tile(np.arange(1.0, 4), (6, 1))).p == pytest.approx(6**-5)


def test_groups():
    """The largest groups within the critical difference; none inside another."""
    ranks = np.array([[1.0, 2, 3, 4]] * 20 + [[2.0, 1, 4, 3]] * 12)
    found = over_tasks(ranks)
    assert found.groups() == [[0, 1], [2, 3]]
    assert over_tasks(ranks[:2]).groups() == [[0, 1, 2, 3]]
