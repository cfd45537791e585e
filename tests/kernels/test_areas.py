"""Areas under curves against scikit-learn's, and their covariance against rows left out one by one and DeLong's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from concours.kernels.areas import area_means, average_precision, roc_area

SETTINGS = settings(derandomize=True, max_examples=60, deadline=None)
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
