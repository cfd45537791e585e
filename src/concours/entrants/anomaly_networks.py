"""A small network that tells strange rows by how badly it can repeat them. It looks at no label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from torch import Tensor, nn

from concours.entrants.anomaly_scores import matrix, ranked, shares_of, some
from concours.entrants.estimator import NeuralEstimator
from concours.entrants.losses import Loss
from concours.entrants.networks import Network, Standardise
from concours.entrants.training import Settings

Array = NDArray[Any]


def bottleneck(*, shape: Sequence[int], outputs: int, hidden: int, code: int) -> Network:
    """A network that repeats rows of (features,) through a narrow place."""
    body = nn.Sequential(
        nn.Linear(shape[0], hidden),
        nn.ReLU(),
        nn.Linear(hidden, code),
        nn.ReLU(),
        nn.Linear(code, hidden),
        nn.ReLU(),
        nn.Linear(hidden, outputs),
    )
    return Network(Standardise(shape[0]), body)


class AutoencoderDetector(NeuralEstimator):
    """An autoencoder (Hawkins et al. 2002): what it cannot repeat, it has seldom seen.

    The score is the mean squared error of the columns, or of the values of a window, in deviations. `hidden`: width of
    its layers; `code`: of the narrow place; None: an eighth of the columns, two at least. Of many rows `most` are drawn
    to learn from. Rows, targets and predictions as of `entrants.anomaly_scores`.
    """

    _build = staticmethod(bottleneck)
    _learning_rate = 2e-3
    _effort = 200.0

    def __init__(
        self,
        *,
        hidden: int = 64,
        code: int | None = None,
        most: int = 10_000,
        window: int | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden = hidden
        self.code = code
        self.most = most
        self.window = window
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to rows `X`; targets `y` are not looked at."""
        del y
        rows = self._read(X)
        self.mean_, deviation = rows.mean(axis=0), rows.std(axis=0)
        self.deviation_ = np.where(deviation > 0, deviation, 1.0).astype(np.float32)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        drawn = some(len(rows), self.most, seed)
        self._told_kin()  # which rows belong together is of all of them
        self._fit(rows[drawn], self._scaled(rows[drawn]), rows.shape[1])
        self.knots_, self.shares_ = shares_of(self._strange(X))
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Ranks (n, 1), greater where a row is stranger."""
        return ranked(self._strange(X), self.knots_, self.shares_)[:, None]

    def get_tensors(self) -> dict[str, Array]:
        more = {name: np.asarray(getattr(self, f"{name}_")) for name in _MORE}
        return {**super().get_tensors(), **{f"rows.{name}": value for name, value in more.items()}}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        for name in _MORE:
            setattr(self, f"{name}_", np.asarray(tensors[f"rows.{name}"]))
        return super().set_tensors({k: v for k, v in tensors.items() if not k.startswith("rows.")}, state)

    def _strange(self, X: ArrayLike) -> Array:
        return np.asarray(((self._outputs(X) - self._scaled(self._read(X))) ** 2).mean(axis=1))

    def _scaled(self, rows: Array) -> Array:
        return np.asarray((rows - self.mean_) / self.deviation_, dtype=np.float32)

    def _read(self, X: ArrayLike) -> Array:
        rows = matrix(X).astype(np.float32)
        return rows[:, : self.window] if self.window else rows

    def _shape_network(self) -> dict[str, Any]:
        return {"hidden": self.hidden, "code": self.code or max(self.input_shape_[0] // 8, 2)}

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        del targets, settings, weights
        return _repeated, _repeated


_MORE = ("mean", "deviation", "knots", "shares")


def _repeated(outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """The mean squared error over rows and columns."""
    each = torch.square(outputs - targets).mean(dim=1)
    return each.mean() if weights is None else (weights * each).mean()
