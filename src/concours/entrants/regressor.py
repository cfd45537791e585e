"""Networks of the zoo that tell a number, as scikit-learn estimators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from torch import Tensor

from concours.entrants.estimator import NeuralEstimator
from concours.entrants.inputs import numbers, weights_of
from concours.entrants.knowing import Scaling
from concours.entrants.losses import Loss, squared_error
from concours.entrants.training import Settings

Array = NDArray[Any]


class NeuralRegressor(RegressorMixin, NeuralEstimator):
    """A network for one number a row, trained on the squared error of the standardised target.

    `target_mean_` and `target_deviation_` are in the unit of the target.
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows `X` and numbers `y`, shape (n,), by weights, shape (n,) and 1 on average."""
        rows, values = self._read(X), numbers(y)
        self.target_mean_ = float(values.mean())
        self.target_deviation_ = float(values.std()) or 1.0
        self._fit(
            rows,
            ((values - self.target_mean_) / self.target_deviation_).astype(np.float32),
            1,
            weights_of(sample_weight),
        )
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Predicted numbers: float64, shape (n,), in the unit of the target."""
        return self._outputs(X)[:, 0] * self.target_deviation_ + self.target_mean_

    def get_tensors(self) -> dict[str, Array]:
        target = {"target.mean": np.array(self.target_mean_), "target.deviation": np.array(self.target_deviation_)}
        return {**super().get_tensors(), **target}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        if missing := sorted({"target.mean", "target.deviation"} - set(tensors)):
            raise ValueError(f"tensor {missing[0]!r} must be given; got {', '.join(sorted(tensors))}")
        self.target_mean_ = float(tensors["target.mean"])
        self.target_deviation_ = float(tensors["target.deviation"])
        return super().set_tensors({k: v for k, v in tensors.items() if not k.startswith("target.")}, state)

    def _begin_targets(self, classes: int, scaling: Scaling) -> None:
        self.target_mean_, self.target_deviation_ = scaling.target_mean, scaling.target_deviation

    def _targets(self, y: ArrayLike) -> Array:
        return ((numbers(y) - self.target_mean_) / self.target_deviation_).astype(np.float32)

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        return squared_error, squared_error
