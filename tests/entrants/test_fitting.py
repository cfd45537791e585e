"""Fitting and predicting: alignment to the problem's classes, and predictions that are no predictions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from concours.entrants.fitting import fit

X, Y = load_iris(return_X_y=True)


class Given:
    """An estimator that predicts what it is given."""

    def __init__(self, labels=None, proba=None):
        self.labels = labels
        if proba is not None:
            self.predict_proba = lambda x: proba

    def fit(self, x, y):
        return self

    def predict(self, x):
        return self.labels


def test_a_class_that_was_not_there():
    """Columns stay those of the problem; a class that no training row had gets as much as one row among them says."""
    rows = Y != 1
    p = fit(GaussianNB(), X[rows], Y[rows], 3, calibrate=False).predict(X)
    assert p.shape == (150, 3)
    assert np.allclose(p[:, 1], 1 / 103)
    assert np.allclose(p.sum(axis=1), 1)


def test_one_class_only():
    """With one class there is nothing to fit, and something to predict."""
    found = fit(GaussianNB(), X[:10], np.full(10, 2), 3, calibrate=False).predict(X[:2])
    assert np.allclose(found, [[1 / 13, 1 / 13, 11 / 13]] * 2)


def test_one_value_only():
    """A fold of a target that is nearly always nought may hold noughts only; some libraries refuse these."""
    assert fit(Given(), X[:10], np.full(10, 2.5), 0, calibrate=False).predict(X[:2]).tolist() == [[2.5], [2.5]]


def test_decision_functions_are_calibrated():
    """A library's classifier without probabilities gets them; a user's own is taken as it is."""
    calibrated = fit(SVC(), X, Y, 3, calibrate=True).predict(X)
    hard = fit(SVC(), X, Y, 3, calibrate=False).predict(X)
    assert 0 < calibrated.min() < 0.5 < calibrated.max() < 1
    assert set(np.unique(hard)) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("estimator", "classes", "words"),
    [
        (Given(labels=np.zeros((2, 2))), 0, r"expected shape \(2,\), got \(2, 2\)"),
        (Given(labels=np.array([1.0, np.nan])), 0, "finite; row 1"),
        (Given(labels=np.zeros(3)), 3, "one label a row"),
        (Given(labels=np.array([0, 7])), 3, "labels it was fitted on, 0 to 2"),
        (Given(proba=np.ones((2, 2)) / 2), 3, r"expected \(2, 3\), got \(2, 2\)"),
        (Given(proba=np.ones((2, 3))), 3, "row 0 has .* sums to 3"),
        (Given(proba=np.array([[1, 0, 0], [2, -1, 0]])), 3, "row 1"),
        (Given(proba=np.array([[1, 0, 0], [np.inf, 0, 0]])), 3, "finite; row 1"),
    ],
)
def test_what_is_no_prediction(estimator, classes, words):
    """Wrong shapes, values that are not finite and rows that are no distribution are refused with the row."""
    with pytest.raises(ValueError, match=words):
        fit(estimator, X[:6], Y[[0, 60, 110, 1, 61, 111]], classes, calibrate=False).predict(X[:2])
