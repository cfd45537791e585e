"""Scorers of scikit-learn, on predictions that are there already."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer

Floats = NDArray[np.float64]


class _Told(BaseEstimator):
    """An estimator that has its predictions already; `X` is numbers of rows. So scorers are used as they are meant."""

    def __init__(self, p: Floats) -> None:
        self.p = p

    def fit(self, X: object, y: object = None) -> _Told:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True


class _ToldClassifier(ClassifierMixin, _Told):
    @property
    def classes_(self) -> NDArray[np.int64]:
        return np.arange(self.p.shape[1])

    def predict_proba(self, X: NDArray[np.int64]) -> Floats:
        return self.p[X]

    def predict(self, X: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray(self.p[X].argmax(axis=1))


class _ToldRegressor(RegressorMixin, _Told):
    def predict(self, X: NDArray[np.int64]) -> Floats:
        return self.p[X, 0]


def scorer_value(name: str, target: str, y: NDArray[Any], p: Floats, weights: Floats | None = None) -> float:
    """The value of a scorer, greater is better, of predictions (rows, outputs) against targets (rows,).

    Args:
        target: `classes` or `number`.
        weights: of the rows, (rows,).

    Raises whatever the scorer raises for what it does not suit.
    """
    told = _ToldClassifier(p) if target == "classes" else _ToldRegressor(p)
    further = {} if weights is None else {"sample_weight": weights}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(get_scorer(name)(told, np.arange(len(y)), y, **further))
