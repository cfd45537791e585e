"""An estimator: each class is where the mean of its rows is."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from pond.numbers import WARMTH


class Centroid(ClassifierMixin, BaseEstimator):
    """Probabilities fall with the squared distance from the mean of a class."""

    def __init__(self, warmth: float = WARMTH):
        self.warmth = warmth

    def fit(self, X, y):
        X, y = np.asarray(X, dtype=float), np.asarray(y)
        self.classes_ = np.unique(y)
        self.means_ = np.stack([X[y == label].mean(axis=0) for label in self.classes_])
        return self

    def predict_proba(self, X):
        apart = ((np.asarray(X, dtype=float)[:, None] - self.means_) ** 2).sum(axis=2)
        near = np.exp(-(apart - apart.min(axis=1, keepdims=True)) / self.warmth)
        return near / near.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class Unlisted(Centroid):
    """Beside it, but in no row."""
