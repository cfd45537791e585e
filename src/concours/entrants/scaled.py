"""A support vector machine for numbers whose unit does not matter."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.svm import SVR

Floats = NDArray[np.float64]


class ScaledSVR(SVR):
    """scikit-learn's `SVR` on the target less its mean, in units of its deviation; predictions are scaled back.

    `C` and `epsilon` are in the target's unit, so that a price in the thousands, or a share of a hundredth, would be
    predicted by little more than one constant. Here they are in its deviations. Law: moving the target by a and
    scaling it by b moves and scales the predictions alike, up to rounding.
    """

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fits to rows (n, features) and numbers (n,), with weights (n,) where there are any."""
        values = np.asarray(y, dtype=np.float64)
        weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        self.target_mean_ = float(np.average(values, weights=weights))
        spread = float(np.average(np.square(values - self.target_mean_), weights=weights))
        self.target_deviation_ = spread**0.5 or 1.0
        super().fit(X, (values - self.target_mean_) / self.target_deviation_, weights)
        return self

    def predict(self, X: Any) -> Floats:
        """Numbers (n,), in the unit of the target."""
        return np.asarray(super().predict(X) * self.target_deviation_ + self.target_mean_)
