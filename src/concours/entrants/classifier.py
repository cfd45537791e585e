"""Networks of the zoo that tell classes, as scikit-learn estimators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from torch import Tensor
from torch.nn import functional

from concours.entrants.estimator import NeuralEstimator
from concours.entrants.inputs import encode, weights_of
from concours.entrants.knowing import Scaling
from concours.entrants.losses import Loss, cross_entropy, surprise
from concours.entrants.training import Settings

Array = NDArray[Any]


class NeuralClassifier(ClassifierMixin, NeuralEstimator):
    """A network whose outputs are the logits of `classes_`, trained with smoothed labels, calibrated on held-out rows.

    Labels are integers, strings or booleans, shape (n,).
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows `X` and labels `y`; both are copied where they have to be changed.

        `sample_weight`: how much each row counts, (n,), 1 on average.
        """
        rows = self._read(X)
        self.classes_, codes = encode(y)
        self._fit(rows, codes, len(self.classes_), weights_of(sample_weight))
        return self

    @property
    def learns_shares(self) -> bool:
        """Whether it has `fit_shares`: those that train in the usual way."""
        kind = type(self)
        usual = (NeuralClassifier.fit, NeuralEstimator._fit, NeuralClassifier._losses)
        return (kind.fit, kind._fit, kind._losses) == usual

    def fit_shares(self, X: ArrayLike, shares: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows `X` and shares of the classes 0, 1, …, shape (n, classes), rows adding to one.

        The loss is the cross-entropy of the shares. Labels are not smoothed, as shares are that already.
        """
        rows, told = self._read(X), np.asarray(shares, dtype=np.float32)
        self.classes_ = np.arange(told.shape[1])
        self._fit(rows, told, told.shape[1], weights_of(sample_weight))
        return self

    def predict_proba(self, X: ArrayLike) -> Array:
        """Probabilities of `classes_`: float64, shape (n, classes), rows add to one."""
        logits = self._outputs(X)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def predict(self, X: ArrayLike) -> Array:
        """The most probable class of each row, shape (n,)."""
        best = self._outputs(X).argmax(axis=1)
        labels: Array = self.classes_[best]
        return labels

    def get_state(self) -> dict[str, Any]:
        classes = {"classes": self.classes_.tolist(), "classes_dtype": self.classes_.dtype.str}
        return {**super().get_state(), **classes}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.classes_ = np.array(state["classes"], dtype=np.dtype(state["classes_dtype"]))
        return super().set_tensors(tensors, state)

    def _begin_targets(self, classes: int, scaling: Scaling) -> None:
        self.classes_ = np.arange(classes)

    def _targets(self, y: ArrayLike) -> Array:
        codes = np.asarray(y, dtype=np.int64)
        if len(codes) and not 0 <= codes.min() <= codes.max() < len(self.classes_):
            raise ValueError(
                f"y must hold codes of the {len(self.classes_)} classes; got {codes.min()} to {codes.max()}"
            )
        return codes

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        if targets.ndim == 2:
            return surprise, surprise
        return cross_entropy(targets, settings.label_smoothing, weights), surprise

    def _calibrate(self, said: Tensor, targets: Tensor, weights: Tensor | None = None) -> None:
        own = None if weights is None else weights.cpu()
        self.network_.sharpness.fill_(sharpness_of(said.cpu(), targets.cpu(), own))


def sharpness_of(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> float:
    """The factor of the logits that explains the targets best: temperature scaling (Guo et al. 2017).

    Few rows, all of them right, would ask for an infinite factor: hence a prior, log-normal around 1 of deviation 0.5.
    """

    def lost(factor: float) -> float:
        each = functional.cross_entropy(logits * factor, targets, reduction="sum" if weights is None else "none")
        return float(each if weights is None else weights @ each) + 2 * np.log(factor) ** 2

    return float(min(np.geomspace(0.2, 10, 80), key=lost))
