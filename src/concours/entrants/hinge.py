"""A linear support vector machine, fitted in the primal by descent on the hinge loss."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

Floats = NDArray[np.float64]

_FARTHEST = 1.0
"""The largest step of an offset: nothing pulls it back from where the first steps, of up to n / 10, would throw it."""


class PrimalSVC(ClassifierMixin, BaseEstimator):
    """Pegasos (Shalev-Shwartz et al. 2007): stochastic subgradient descent on hinge loss plus half of `alpha` ‖w‖².

    One machine a class against the rest. Steps of 1 / (alpha · t); the weights are the average over the second half of
    the steps. Takes matrices (n, features), sparse ones too.
    """

    def __init__(
        self, *, alpha: float | None = None, epochs: int = 20, batch_size: int = 64, random_state: int | None = None
    ) -> None:
        self.alpha = alpha
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fits to rows (n, features), labels (n,), and weights (n,), 1 on average. `alpha` is 10 / n unless given."""
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y must have two classes or more; got {len(self.classes_)} class")
        sides = np.where(codes[:, None] == np.arange(len(self.classes_)), 1.0, -1.0)
        sides = sides[:, 1:] if len(self.classes_) == 2 else sides
        n = len(codes)
        alpha = self.alpha or 10 / n
        each = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)[:, None]
        rng = np.random.default_rng(self.random_state)
        weights, offset = np.zeros((X.shape[1], sides.shape[1])), np.zeros(sides.shape[1])
        total, shift = np.zeros_like(weights), np.zeros_like(offset)
        batches = [
            rng.permutation(n)[i : i + self.batch_size]
            for _ in range(self.epochs)
            for i in range(0, n, self.batch_size)
        ]
        for step, rows in enumerate(batches, 1):
            chosen, side = X[rows], sides[rows]
            wrong = np.where(side * (chosen @ weights + offset) < 1, side, 0.0) / len(rows)
            wrong = wrong if each is None else wrong * each[rows]
            rate = 1 / (alpha * (step + len(batches) / self.epochs))
            weights *= 1 - rate * alpha
            weights += rate * (chosen.T @ wrong)
            offset += min(rate, _FARTHEST) * wrong.sum(axis=0)
            if 2 * step > len(batches):
                total += weights
                shift += offset
        averaged = len(batches) - len(batches) // 2
        self.coef_, self.intercept_ = total.T / averaged, shift / averaged
        self.n_features_in_ = X.shape[1]
        return self

    def decision_function(self, X: Any) -> Floats:
        """Signed margins: (n,) for two classes, else (n, classes)."""
        margins = np.asarray(X @ self.coef_.T + self.intercept_)
        return margins[:, 0] if len(self.classes_) == 2 else margins

    def predict(self, X: Any) -> NDArray[Any]:
        """The class on whose side each row lies farthest, (n,)."""
        margins = self.decision_function(X)
        return np.asarray(self.classes_[(margins > 0).astype(int) if margins.ndim == 1 else margins.argmax(axis=1)])
