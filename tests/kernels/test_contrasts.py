"""Groups against the rest: Welch's test, group by group, and no more false alarms than promised."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t, ttest_ind

from concours.kernels.contrasts import contrasts
from concours.kernels.ranks import holm


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_as_welch_says():
    """Means, p-values and bounds of each group are those of scipy's test of its rows against all others."""
    rng = np.random.default_rng(0)
    values, codes = rng.exponential(size=400), rng.integers(-1, 5, 400)
    found = contrasts(values, codes, 5)
    for group in range(5):
        inside = codes == group
        naive = ttest_ind(values[inside], values[~inside], equal_var=False, alternative="greater")
        assert np.isclose(found.p[group], naive.pvalue)
        assert np.isclose(found.mean[group], values[inside].mean())
        assert np.isclose(found.rest[group], values[~inside].mean())
        assert np.isclose(found.excess[group], naive.confidence_interval(0.95).low)
        assert found.rows[group] == inside.sum()


@pytest.mark.parametrize("clustered", [False, True])
def test_wider_standard_errors(clustered):
    """The same means; intervals and bounds reach further, and p is Welch's of a difference as many errors away."""
    rng = np.random.default_rng(0)
    values, codes = rng.exponential(size=300), rng.integers(0, 3, 300)
    clusters = np.arange(300) // 2 if clustered else None
    plain, wide = (contrasts(values, codes, 3, clusters, wider=wider) for wider in (1.0, 2.0))
    assert np.allclose(wide.mean, plain.mean)
    assert np.allclose(wide.high - wide.mean, 2 * (plain.high - plain.mean))
    away = wide.mean - wide.rest
    assert np.allclose(away - wide.excess, 2 * (away - plain.excess))
    if not clustered:
        for group in range(3):
            naive = ttest_ind(values[codes == group], values[codes != group], equal_var=False)
            assert np.isclose(wide.p[group], t.sf(naive.statistic / 2, naive.df))


def test_values_without_spread():
    """A difference without any spread is certain; no difference says nothing; a group of one row is undefined."""
    codes = np.repeat([0, 1], 50)
    assert contrasts(codes.astype(float), codes, 2).p.tolist() == [1.0, 0.0]
    assert contrasts(np.ones(100), codes, 2).p.tolist() == [0.5, 0.5]
    assert np.isnan(contrasts(np.ones(3), np.array([0, 1, 1]), 2).p).all()


def test_false_alarms_are_rare():
    """Skewed losses, groups that have nothing to do with them: some group is called worse in 5% of trials at most."""
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(300):
        values = rng.lognormal(sigma=1.5, size=600)
        p = np.concatenate([contrasts(values, rng.integers(0, 8, 600), 8).p for _ in range(4)])
        alarms += holm(p, 0.05).any()
    assert alarms <= 0.05 * 300


def test_rows_that_belong_together_count_once():
    """Each row told ten times is no more certain; rows that stand alone are as by White's (1980) variances."""
    rng = np.random.default_rng(0)
    values, codes = rng.normal(size=120), np.arange(120) % 3
    alone = contrasts(values, codes, 3, np.arange(120))
    often = contrasts(np.repeat(values, 10), np.repeat(codes, 10), 3, np.repeat(np.arange(120), 10))
    plain = contrasts(values, codes, 3)
    assert np.allclose(alone.p, often.p)
    assert np.allclose(alone.high - alone.low, often.high - often.low)
    assert np.allclose(alone.p, plain.p, atol=0.01)
    assert contrasts(np.repeat(values, 10), np.repeat(codes, 10), 3).p.min() < often.p.min()
