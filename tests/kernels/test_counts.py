"""Metrics of counts against scikit-learn's, and their standard errors against the bootstrap."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from concours.kernels.scoring.counts import OF_COUNTS, confusion, count_means, slopes

SETTINGS = settings(max_examples=80)
THEIRS = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "mcc": sk.matthews_corrcoef,
    "kappa": sk.cohen_kappa_score,
    "kappa_quadratic": lambda y, z, classes: sk.cohen_kappa_score(y, z, weights="quadratic", labels=np.arange(classes)),
} | {
    f"{name}{suffix}": lambda y, z, score=score, average=average: score(y, z, average=average, zero_division=0)
    for name, score in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score))
    for suffix, average in (("", "binary"), ("_macro", "macro"), ("_micro", "micro"), ("_weighted", "weighted"))
}


@st.composite
def labelled(draw, most=5):
    """True and named classes (rows,), classes that never occur and rows of one class alone among them."""
    classes = draw(st.integers(2, most))
    rows = draw(st.integers(1, 30))
    codes = st.lists(st.integers(0, classes - 1), min_size=rows, max_size=rows).map(np.asarray)
    return draw(codes), draw(codes), classes


def test_every_metric_is_compared():
    """No metric of counts is left without its twin."""
    assert OF_COUNTS.keys() == THEIRS.keys()


@pytest.mark.parametrize("name", OF_COUNTS)
@SETTINGS
@given(data=st.data())
def test_as_scikit_learn_has_it(name, data):
    """The value is scikit-learn's wherever that is defined, and 0 where it is not."""
    y, named, classes = data.draw(labelled(2 if name in ("f1", "precision", "recall") else 5))
    ours = float(OF_COUNTS[name](confusion(y, named, classes)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = THEIRS[name](y, named, classes) if name == "kappa_quadratic" else THEIRS[name](y, named)
    assert np.isclose(ours, theirs if np.isfinite(theirs) else 0.0, atol=1e-12)


@pytest.mark.parametrize("name", OF_COUNTS)
def test_many_at_once(name):
    """Scores of many tables are the scores of each."""
    tables = np.random.default_rng(0).integers(0, 4, size=(6, 5, 3, 3)).astype(float)
    each = [[float(OF_COUNTS[name](table)) for table in row] for row in tables]
    assert np.allclose(OF_COUNTS[name](tables), each)


@pytest.mark.parametrize("name", OF_COUNTS)
def test_slopes_are_derivatives(name):
    """A row more of a sort moves the metric by about its slope, and scaling all counts moves nothing."""
    counts = np.random.default_rng(1).integers(50, 400, size=(3, 3)).astype(float)
    found = slopes(counts, OF_COUNTS[name])
    for cell in np.ndindex(3, 3):
        more = counts.copy()
        more[cell] += 1
        assert np.isclose(OF_COUNTS[name](more) - OF_COUNTS[name](counts), found[cell], rtol=0.05, atol=1e-6)
    assert np.isclose((found * counts).sum(), 0, atol=1e-6)


@pytest.mark.parametrize("name", ["balanced_accuracy", "f1_macro", "mcc", "kappa_quadratic"])
def test_covariance_is_the_bootstraps(name):
    """Standard errors and correlations agree with those of resampled rows."""
    rng = np.random.default_rng(2)
    y = rng.choice(3, p=[0.6, 0.3, 0.1], size=600)
    first = np.where(rng.random(600) < 0.7, y, rng.integers(3, size=600))
    second = np.where(rng.random(600) < 0.6, first, rng.integers(3, size=600))
    means = count_means(y, [first, second], 3, OF_COUNTS[name])
    draws = [rng.integers(600, size=600) for _ in range(800)]
    again = [[OF_COUNTS[name](confusion(y[rows], z[rows], 3)) for z in (first, second)] for rows in draws]
    assert np.allclose(means.covariance, np.cov(np.transpose(again)), rtol=0.2)


@pytest.mark.parametrize("name", OF_COUNTS)
@SETTINGS
@given(data=st.data())
def test_left_out_row_by_row(name, data):
    """The variance is the jackknife's, every row left out in turn and the metric computed anew."""
    y, named, classes = data.draw(labelled(2 if name in ("f1", "precision", "recall") else 4))
    n = len(y)
    if n < 2:
        return
    each = [OF_COUNTS[name](confusion(np.delete(y, row), np.delete(named, row), classes)) for row in range(n)]
    found = count_means(y, [named], classes, OF_COUNTS[name])
    assert np.isclose(found.covariance[0, 0], (n - 1) / n * np.square(each - np.mean(each)).sum(), atol=1e-12)
