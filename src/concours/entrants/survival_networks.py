"""A small network for survival: the hazard of each step of the grid (Gensheimer and Narasimhan 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional

from concours.entrants import networks
from concours.entrants.estimator import NeuralEstimator
from concours.entrants.inputs import weights_of
from concours.entrants.losses import Loss
from concours.entrants.survival import Survivor
from concours.entrants.training import Settings

Array = NDArray[Any]


class HazardNetwork(Survivor, NeuralEstimator):
    """A multilayer perceptron that says, for each step of the grid, how likely the event comes in it if not before.

    `hidden`: widths of the hidden layers. Targets and curves as of `entrants.survival`.
    """

    _build = staticmethod(networks.dense)
    _learning_rate = 2e-3
    _effort = 400.0

    def __init__(
        self,
        *,
        hidden: Sequence[int] = (64, 64),
        dropout: float = 0.1,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        times: Sequence[float] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden = hidden
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.times = times
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows `X` and targets `y`, by weights, (n,) and 1 on average."""
        rows, targets = self._followed(X, y)
        steps = np.searchsorted(self.times_, targets[:, 0])
        told = np.stack([steps, targets[:, 1]], axis=1).astype(np.float32)
        self._fit(rows, told, len(self.times_), weights_of(sample_weight))
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Curves (n, times)."""
        lives = -np.logaddexp(0.0, self._outputs(X))  # the logarithm of living through a step
        return np.exp(np.cumsum(lives, axis=1))

    def get_tensors(self) -> dict[str, Array]:
        return {**super().get_tensors(), "grid.times": self.times_}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.times_ = np.asarray(tensors["grid.times"], dtype=np.float64)
        own = {name: tensor for name, tensor in tensors.items() if name != "grid.times"}
        return super().set_tensors(own, state)

    def _read(self, X: ArrayLike) -> Array:
        return self._rows(X)

    def _shape_network(self) -> dict[str, Any]:
        return {"hidden": list(self.hidden), "dropout": self.dropout, "norm": "none"}

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        return hazard_loss, hazard_loss


def hazard_loss(outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Minus the log-likelihood of hazards, as logits (n, steps), mean over rows.

    Args:
        targets: (n, 2) the step in which the row was last seen, and whether the event came then; one that was censored
            in a step is not asked about it.
    """
    steps = torch.arange(outputs.shape[1], device=outputs.device)
    step, event = targets[:, :1], targets[:, 1:]
    lived, came = (steps < step).to(outputs.dtype), (steps == step).to(outputs.dtype) * event
    each = (lived * functional.softplus(outputs) + came * functional.softplus(-outputs)).sum(dim=1)
    return each.mean() if weights is None else (weights * each).mean()
