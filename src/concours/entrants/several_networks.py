"""A network with a head for each of several targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from torch import Tensor
from torch.nn import functional

from concours.entrants import networks
from concours.entrants.estimator import NeuralEstimator
from concours.entrants.inputs import table_or_images, weights_of
from concours.entrants.losses import Loss
from concours.entrants.training import Settings
from concours.kernels.scoring.several import blocks

Array = NDArray[Any]


class DenseSeveral(NeuralEstimator):
    """A multilayer perceptron whose last layer has a part for each target: logits of labels, or a standardised number.

    It is trained on the sum over targets of cross-entropies and squared errors. Targets and predictions as of
    `entrants.several`. `outputs`: of each target how many labels it has, 0 of a number; None: all are numbers.
    `hidden`: widths of the hidden layers.

    Fitted besides what `NeuralEstimator` says: `means_`, `deviations_` (targets,), 0 and 1 of labels; `outputs_`.
    """

    _build = staticmethod(networks.dense)
    _learning_rate = 2e-3
    _effort = 400.0

    def __init__(
        self,
        *,
        hidden: Sequence[int] = (256, 128),
        dropout: float = 0.1,
        outputs: Sequence[int] | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden = hidden
        self.dropout = dropout
        self.outputs = outputs
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows `X`, targets `y` (n, targets), by weights, (n,) and 1 on average."""
        rows, targets = self._read(X), np.asarray(y, dtype=np.float64)
        if targets.ndim != 2:
            raise ValueError(f"y must be several targets a row; got shape {targets.shape}")
        self.outputs_ = [int(width) for width in self.outputs or [0] * targets.shape[1]]
        labels = np.asarray(self.outputs_) > 0
        deviations = targets.std(axis=0)
        self.means_ = np.where(labels, 0.0, targets.mean(axis=0))
        self.deviations_ = np.where(labels | (deviations == 0), 1.0, deviations)
        scaled = ((targets - self.means_) / self.deviations_).astype(np.float32)
        self._fit(rows, scaled, sum(max(width, 1) for width in self.outputs_), weights_of(sample_weight))
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Predictions (n, columns)."""
        said, found = self._outputs(X), []
        for place, block in enumerate(blocks(self.outputs_)):
            own = said[:, block]
            number = own * self.deviations_[place] + self.means_[place]
            found.append(softmax(own, axis=1) if self.outputs_[place] else number)
        return np.concatenate(found, axis=1)

    def get_tensors(self) -> dict[str, Array]:
        target = {"target.means": np.array(self.means_), "target.deviations": np.array(self.deviations_)}
        return {**super().get_tensors(), **target}

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "outputs_": self.outputs_}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.outputs_ = list(state["outputs_"])
        self.means_, self.deviations_ = tensors["target.means"], tensors["target.deviations"]
        return super().set_tensors({k: v for k, v in tensors.items() if not k.startswith("target.")}, state)

    def _read(self, X: ArrayLike) -> Array:
        return table_or_images(X)

    def _shape_network(self) -> dict[str, Any]:
        return {"hidden": list(self.hidden), "dropout": self.dropout, "norm": "none"}

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        del targets, settings, weights
        loss = of_targets(self.outputs_)
        return loss, loss


def of_targets(widths: Sequence[int]) -> Loss:
    """The sum over targets of their losses, of outputs (n, columns) and targets (n, targets)."""

    def loss(outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        each = torch.zeros(len(outputs), device=outputs.device)
        for place, (width, block) in enumerate(zip(widths, blocks(widths), strict=True)):
            own = outputs[:, block]
            each = each + (
                functional.cross_entropy(own, targets[:, place].long(), reduction="none")
                if width
                else (own[:, 0] - targets[:, place]).square() / 2
            )
        return (each if weights is None else weights * each).mean()

    return loss
