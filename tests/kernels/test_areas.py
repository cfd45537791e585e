"""Areas under curves against scikit-learn's, and their covariance against rows left out one by one and DeLong's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t
from sklearn import metrics as sk

from concours.kernels.ranking.differences import differences
from concours.kernels.ranking.ranks import certain_pairs
from concours.kernels.scoring.area_intervals import of_roc, of_share
from concours.kernels.scoring.areas import area_means, average_precision, roc_area
from concours.kernels.scoring.intervals import intervals

SETTINGS = settings(max_examples=60)
AREAS = {roc_area: sk.roc_auc_score, average_precision: sk.average_precision_score}


@st.composite
def scored(draw):
    """Whether rows are of the class, two and more of each, and scores with ties among them."""
    rows = draw(st.integers(4, 30))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    return rng.permutation(np.arange(rows) % draw(st.integers(2, max(2, rows // 2))) == 0), rng.integers(6, size=rows)


@pytest.mark.parametrize("area", AREAS)
@SETTINGS
@given(scored())
def test_left_out_row_by_row(area, sample):
    """Area and pseudo-values are those of scikit-learn's function, every row left out in turn."""
    positive, score = sample
    n, theirs = len(score), AREAS[area](positive, score)
    value, pseudo = area(positive, score.astype(float), np.ones(n))
    assert np.isclose(value, theirs)
    rows = np.arange(n)
    each = [AREAS[area](positive[rows != row], score[rows != row]) for row in rows]
    assert np.allclose(pseudo, n * theirs - (n - 1) * np.array(each))


def delong(positive, scores):
    """Covariance of areas under ROC curves by placements, pair by pair (DeLong et al. 1988)."""
    won = [[np.mean((a > s[~positive]) + 0.5 * (a == s[~positive])) for a in s[positive]] for s in scores]
    lost = [[np.mean((s[positive] > b) + 0.5 * (s[positive] == b)) for b in s[~positive]] for s in scores]
    return np.cov(won) / positive.sum() + np.cov(lost) / (~positive).sum()


def test_covariance_is_delongs():
    """Of two models on the same rows, but for a share of one in the rows of a class."""
    rng = np.random.default_rng(0)
    positive = rng.random(300) < 0.3
    first = np.round(rng.normal(size=300) + positive, 1)
    scores = [first, first + rng.normal(size=300)]
    found = area_means(positive.astype(int), [np.stack([-s, s], axis=1) for s in scores], roc_area)
    assert np.allclose(found.covariance, delong(positive, scores), rtol=2 / positive.sum())


@pytest.mark.parametrize("area", AREAS)
def test_many_classes(area):
    """The mean over the classes, each against the rest; classes that do not occur do not count."""
    rng = np.random.default_rng(0)
    y, p = rng.integers(3, size=80), rng.dirichlet(np.ones(3), size=80)
    theirs = np.mean([AREAS[area](y == code, p[:, code]) for code in range(3)])
    assert np.isclose(area_means(y, [p], area).means[0], theirs)
    assert np.isclose(area_means(y, [np.hstack([p, np.zeros((80, 1))])], area).means[0], theirs)


def columns(scores):
    return [np.stack([-s, s], axis=1) for s in scores]


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("few", [1, 3, 40])
def test_intervals_are_the_areas_not_too_far_away(area, few):
    """The ends are where the area found is just as many standard errors of theirs away, or the bounds."""
    rng = np.random.default_rng(few)
    positive = np.arange(300) < few
    found = area_means(positive.astype(int), columns([rng.normal(size=300) + 1.5 * positive]), area)
    variance = {roc_area: of_roc, average_precision: of_share}[area]
    inner = (found.means[0] * few + 0.5) / (few + 1)
    scale = (few * found.covariance[0, 0] / variance(inner, few, 300 - few) + 10) / (few + 10)
    ((low, high),) = intervals(found, low=0, high=1)
    assert low < found.means[0] < high
    for end in (low, high):
        away = abs(end - found.means[0]) / (scale * variance(end, few, 300 - few)) ** 0.5
        assert np.isclose(away, t.isf(0.025, few + 9), rtol=1e-6) or end > 1 - 1e-9


def test_few_that_all_rank_first_are_not_certain():
    """Three rows of a class before all others show no variance; the interval reaches far below one all the same."""
    positive = np.arange(200) < 3
    first, second = np.linspace(1, 0, 200), np.linspace(1, 0, 200)
    second[positive] = [0.95, 0.9, 0.85]
    found = area_means(positive.astype(int), columns([first, second, first]), roc_area)
    assert found.means[0] == 1
    low, high = intervals(found, low=0, high=1)[0]
    assert high == 1
    assert low < 0.85
    assert not certain_pairs(found).any()
    told = differences(found, [(0, 1), (0, 2)])
    assert (told.low < 0).all()
    assert np.isclose(told.value[1], 0)


def test_a_class_without_rows_makes_a_mean_less_sure():
    """What is not known of it could be anything."""
    rng = np.random.default_rng(0)
    y, p = rng.integers(3, size=80), rng.dirichlet(np.ones(3), size=80)
    known, less = (intervals(area_means(y, [q], roc_area))[0] for q in (p, np.hstack([p, np.zeros((80, 1))])))
    assert less[0] < known[0] - 0.05
    assert less[1] > known[1] + 0.05


def test_groups_and_weights_make_areas_less_sure():
    """Rows that come twice in groups of two tell as much as once; a group alone nothing."""
    rng = np.random.default_rng(0)
    y, p = np.arange(120) % 4 == 0, rng.dirichlet(np.ones(2), size=120)
    once, codes = intervals(area_means(y.astype(int), [p], roc_area)), np.repeat(np.arange(120), 2)
    twice = intervals(area_means(y[codes].astype(int), [p[codes]], roc_area, groups=codes))
    assert np.allclose(once, twice, atol=0.01)
    even = intervals(area_means(y.astype(int), [p], roc_area, weights=np.ones(120)))
    assert np.allclose(once, even)
    assert np.isnan(intervals(area_means(y.astype(int), [p], roc_area, groups=np.zeros(120, int)))).all()
