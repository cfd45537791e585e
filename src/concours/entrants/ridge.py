"""Ridge regression for classes, with probabilities from the rows that each fit leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

Floats = NDArray[np.float64]

PENALTIES: Final = (1e-1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5)


class RidgeProbabilities(ClassifierMixin, BaseEstimator):
    """Ridge regression of one column of ones a class; probabilities are the softmax of `sharpness_` times what it says.

    What it would say of each row without that row follows from one decomposition (Cook and Weisberg 1982); penalty and
    sharpness are those of the least log loss of that, so that no rows are set apart and one fit is enough.

    Fitted: `classes_`; `coef_` (features, classes), `intercept_` (classes,), `penalty_`, `sharpness_`.
    """

    def __init__(self, *, penalties: Sequence[float] = PENALTIES) -> None:
        self.penalties = penalties

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to a matrix `X` (n, features) and labels `y` (n,), by weights (n,)."""
        rows = np.asarray(X, dtype=np.float64)
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        self.n_features_in_ = rows.shape[1]
        weights = np.ones(len(rows)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        ones = np.eye(len(self.classes_))[codes]
        share = weights / weights.sum()
        centre, mean = share @ rows, share @ ones
        root = np.sqrt(weights)[:, None]
        left, targets = (rows - centre) * root, (ones - mean) * root
        values, vectors = eigh(left @ left.T) if len(left) <= left.shape[1] else _of_columns(left)
        known = values > 1e-10 * max(float(values.max(initial=0.0)), 1e-300)
        values, vectors = values[known], vectors[:, known]
        inner = vectors.T @ targets
        tried = []
        for place, penalty in enumerate(self.penalties):
            kept = values / (values + penalty)
            hat = (np.square(vectors) @ kept)[:, None] + share[:, None]
            said = vectors @ (kept[:, None] * inner)
            without = (targets - (targets - said) / np.maximum(1 - hat, 1e-6)) / np.maximum(root, 1e-12) + mean
            sharpness, loss = _sharpened(without, codes, share)
            tried.append((loss, place, sharpness))
        _, place, self.sharpness_ = min(tried)
        self.penalty_ = float(self.penalties[place])
        self.coef_ = left.T @ (vectors @ (inner / (values + self.penalty_)[:, None]))
        self.intercept_ = mean - centre @ self.coef_
        return self

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Probabilities (n, classes)."""
        check_is_fitted(self, "coef_")
        said = np.asarray(X, dtype=np.float64) @ self.coef_ + self.intercept_
        return np.asarray(softmax(self.sharpness_ * said, axis=1))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each row, (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def get_tensors(self) -> dict[str, NDArray[Any]]:
        """Everything learned, by name."""
        check_is_fitted(self, "coef_")
        return {"coef": self.coef_, "intercept": self.intercept_}

    def get_state(self) -> dict[str, Any]:
        """Everything else that was fitted, as JSON can hold it."""
        return {"classes": self.classes_.tolist(), "penalty": self.penalty_, "sharpness": self.sharpness_}

    def set_tensors(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> Self:
        """Become fitted as the estimator was whose `get_tensors()` and `get_state()` these are; returns self."""
        self.coef_, self.intercept_ = np.asarray(tensors["coef"]), np.asarray(tensors["intercept"])
        self.classes_, self.n_features_in_ = np.asarray(state["classes"]), len(self.coef_)
        self.penalty_, self.sharpness_ = float(state["penalty"]), float(state["sharpness"])
        return self


def _of_columns(left: Floats) -> tuple[Floats, Floats]:
    """The eigenvalues of `left @ left.T` that are not 0, with their vectors, from the smaller product."""
    values, vectors = eigh(left.T @ left)
    values = np.maximum(values, 0.0)
    lengths = np.sqrt(np.where(values > 0, values, 1.0))
    return values, (left @ vectors) / lengths


def _sharpened(said: Floats, codes: NDArray[np.int64], share: Floats) -> tuple[float, float]:
    """The sharpness with the least log loss, and that loss."""

    def loss(log: float) -> float:
        return -float(share @ log_softmax(np.exp(log) * said, axis=1)[np.arange(len(said)), codes])

    found = minimize_scalar(loss, bounds=(-3.0, 6.0), method="bounded")
    return float(np.exp(found.x)), float(found.fun)
