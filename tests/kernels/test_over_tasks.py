"""Ranks over tasks: the numbers of the paper, and what is known by symmetry."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import friedmanchisquare

from concours.kernels.over_tasks import over_tasks


def test_critical_differences_of_the_paper():
    """Demšar (2006): four models on fourteen tasks have a critical difference of 1.25; q for five models is 2.728."""
    ranks = np.tile([1.0, 2.0, 3.0, 4.0], (14, 1))
    assert over_tasks(ranks).critical == pytest.approx(1.25, abs=0.005)
    assert over_tasks(np.tile(np.arange(1.0, 6), (10, 1))).critical == pytest.approx(
        2.728 * (30 / 60) ** 0.5, abs=0.001
    )


def test_friedman_is_that_of_scipy():
    """The chi² behind p is SciPy's, ties included."""
    ranks = np.array([[1, 2, 3], [1.5, 1.5, 3], [2, 1, 3], [1, 3, 2], [1, 2, 3]])
    chi = friedmanchisquare(*ranks.T).statistic
    f = 4 * chi / (5 * 2 - chi)
    from scipy.stats import f as fisher

    assert over_tasks(ranks).p == pytest.approx(fisher.sf(f, 2, 8))


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
    assert over_tasks(np.tile(np.arange(1.0, 4), (6, 1))).p == 0.0


def test_groups():
    """The largest groups within the critical difference; none inside another."""
    ranks = np.array([[1.0, 2, 3, 4]] * 20 + [[2.0, 1, 4, 3]] * 12)
    found = over_tasks(ranks)
    assert found.groups() == [[0, 1], [2, 3]]
    assert over_tasks(ranks[:2]).groups() == [[0, 1, 2, 3]]
