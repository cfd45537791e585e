"""Shorter ways through estimators of scikit-learn, for few rows at a time.

What a library does around its arithmetic, looking at its arguments and handing trees to workers, is done for each call,
and for one row takes longer than the arithmetic. Each way here is the same arithmetic in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.pipeline import Pipeline

from concours.entrants.fitting import Fitted
from concours.entrants.tables import Codes, Matrix, TableColumns

Floats = NDArray[np.float64]


def shortened(fitted: Fitted) -> Fitted:
    """The same model, asked by a shorter way where there is one. Law: its answers are the same to the last bit."""
    way = WAYS.get(type(fitted.estimator).__name__)
    if way is None or not type(fitted.estimator).__module__.startswith("sklearn."):
        return fitted
    return replace(fitted, estimator=_Short(fitted.estimator, *way))


def through(preparation: Any, x: Any) -> Any:
    """Rows through a preparation.

    Those of a pipeline go through its steps, as it does itself; of a table of numbers, without a frame between them.
    """
    if type(preparation) is not Pipeline:
        return preparation.transform(x)
    first, *others = (step for _, step in preparation.steps)
    numbers = type(first) is TableColumns and first.has_only_numbers and others and type(others[0]) in (Codes, Matrix)
    x = first.numbers(x) if numbers else first.transform(x)
    for step in others:
        x = step.transform(x)
    return x


class _Short:
    """An estimator with a shorter way, which stands for its method of that name.

    The first rows are sent both ways. Where answers differ in a bit, as they might with another version of the library,
    the shorter way is not gone again; nor for rows that the estimator might refuse.
    """

    def __init__(self, estimator: Any, method: str, way: Callable[[Any, Floats], Floats]) -> None:
        self._estimator, self._method, self._way = estimator, method, way
        self._same: bool | None = None

    def __getattr__(self, name: str) -> Any:
        return self._ask if name == self._method else getattr(self._estimator, name)

    def _ask(self, x: Any) -> Any:
        if self._same is False or not self._suits(x):
            return getattr(self._estimator, self._method)(x)
        found = self._way(self._estimator, x)
        if self._same is None:
            own = getattr(self._estimator, self._method)(x)
            self._same = found.dtype == own.dtype and found.shape == own.shape and found.tobytes() == own.tobytes()
            return own
        return found

    def _suits(self, x: Any) -> bool:
        if not isinstance(x, np.ndarray) or x.ndim != 2 or x.shape[1] != self._estimator.n_features_in_:
            return False
        return x.dtype.kind == "f" and bool((np.abs(x) < _LARGE).all())


_LARGE: Final = 1e30
"""Well within single precision, in which trees look at rows. Nothing is less than it that is no number."""


def _forest_shares(forest: Any, x: Floats) -> Floats:
    x = np.ascontiguousarray(x, dtype=np.float32)
    total = np.zeros((len(x), forest.n_classes_))
    for tree in forest.estimators_:
        total += tree.tree_.predict(x)[:, : forest.n_classes_]
    total /= len(forest.estimators_)
    return total


def _forest_mean(forest: Any, x: Floats) -> Floats:
    x = np.ascontiguousarray(x, dtype=np.float32)
    total = np.zeros(len(x))
    for tree in forest.estimators_:
        total += tree.tree_.predict(x)[:, 0]
    total /= len(forest.estimators_)
    return total


def _logistic(model: Any, x: Floats) -> Floats:
    scores = x @ model.coef_.T + model.intercept_
    if scores.shape[1] == 1:
        p = expit(scores.ravel())
        return np.vstack([1 - p, p]).T
    scores -= scores.max(axis=1).reshape(-1, 1)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1).reshape(-1, 1)
    return scores


def _linear(model: Any, x: Floats) -> Floats:
    return np.asarray(x @ model.coef_ + model.intercept_)


WAYS: Final[Mapping[str, tuple[str, Callable[[Any, Floats], Floats]]]] = {
    **dict.fromkeys(("RandomForestClassifier", "ExtraTreesClassifier"), ("predict_proba", _forest_shares)),
    **dict.fromkeys(("RandomForestRegressor", "ExtraTreesRegressor"), ("predict", _forest_mean)),
    "LogisticRegression": ("predict_proba", _logistic),
    **dict.fromkeys(
        ("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "HuberRegressor"),
        ("predict", _linear),
    ),
}
"""By the name of an estimator of scikit-learn, which of its methods has a shorter way, and that."""
