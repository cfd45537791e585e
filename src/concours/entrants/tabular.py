"""Networks for tables of numbers and categories, as scikit-learn estimators: dense, and a small transformer.

They take a data frame as it is: numbers with gaps, and columns of categories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from torch import Tensor

from concours.entrants import networks
from concours.entrants.classifier import NeuralClassifier
from concours.entrants.embeddings import learn_columns
from concours.entrants.estimator import NeuralEstimator
from concours.entrants.frames import columns_of, read_columns
from concours.entrants.inputs import numbers, weights_of
from concours.entrants.losses import Loss, cross_entropy, squared_error, surprise
from concours.entrants.training import Settings

Array = NDArray[Any]

_BUDGET = 1.2e5
"""What training costs at effort 1, in millions of multiplications: 12 to 15 seconds of one core."""

_OVERHEAD = 0.08
"""What a row of a batch costs besides its multiplications, as so many millions of them."""


class TabularEstimator(NeuralEstimator):
    """What networks for tables share: reading frames, and epochs that follow from the cost of a row.

    Rows come as a data frame, or as an array whose columns are 0, 1, … Numbers may be missing. Columns that hold no
    numbers hold categories; one that was not there in `fit` counts as missing. `effort` scales the time of a fit, which
    is bounded whatever the size of the table, where `epochs` is None.

    Fitted, besides what `NeuralEstimator` says: `columns_`, a list of (name, categories, or None for numbers), and
    `rows_`, how many there were.
    """

    effort: float
    bins: int | None

    _most_epochs: ClassVar[int]

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "columns": [list(column) for column in self.columns_], "rows": self.rows_}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.columns_ = [(name, categories) for name, categories in state["columns"]]
        self.rows_ = state["rows"]
        return super().set_tensors(tensors, state)

    def _look(self, X: Any) -> None:
        self.columns_, self.rows_ = columns_of(X), len(X)

    def _read(self, X: Any) -> Array:
        return read_columns(X, self.columns_)

    def _learn_scaling(self, network: Any, rows: Array) -> None:
        learn_columns(network.scaling, rows)

    def _settings(self, rows: int) -> Settings:
        """As many epochs as the effort pays for; a lower rate for few rows, which have more steps a row.

        Labels are not smoothed: probabilities are what is scored.
        """
        if not self.effort > 0:
            raise ValueError(f"effort must be above 0; got {self.effort!r}")
        affordable = self.effort * _BUDGET / (rows * (self._cost() + _OVERHEAD))
        epochs = int(np.clip(affordable, 3, self._most_epochs)) if self.epochs is None else self.epochs
        fall = float(np.clip((rows / 15_000) ** 0.25, 0.5, 1))
        rate = self._learning_rate * fall if self.learning_rate is None else self.learning_rate
        chosen = {"epochs": epochs, "patience": max(5, epochs // 3), "label_smoothing": 0.0, "learning_rate": rate}
        return replace(super()._settings(rows), **{**chosen, **(self.training or {})})

    def _cost(self) -> float:
        """Millions of multiplications for one row, forwards."""
        raise NotImplementedError

    def _front(self) -> dict[str, Any]:
        """The arguments of `_build` that say what the columns are."""
        sizes = [len(categories) for _, categories in self.columns_ if categories is not None]
        return {"numbers": len(self.columns_) - len(sizes), "cardinalities": sizes}

    def _bins(self) -> int:
        return int(np.clip(self.rows_ // 128, 16, 128)) if self.bins is None else self.bins


class TabularClassifier(TabularEstimator, NeuralClassifier):
    """A network for tables whose outputs are the logits of `classes_`, calibrated on held-out rows."""

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows `X` and labels `y`, shape (n,), by weights, shape (n,) and 1 on average."""
        self._look(X)
        return super().fit(X, y, sample_weight)

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        return _of_members(cross_entropy(targets, settings.label_smoothing, weights)), surprise


class TabularRegressor(RegressorMixin, TabularEstimator):
    """A network for tables and one number a row, trained on the squared error of the standardised target.

    Predictions stay within the targets seen and a tenth of their range beyond: `target_` has the "mean", "deviation",
    "low" and "high" of that, in the unit of the target.
    """

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows `X` and numbers `y`, shape (n,), by weights, shape (n,) and 1 on average."""
        values = numbers(y)
        self._look(X)
        mean, deviation, margin = values.mean(), values.std() or 1.0, np.ptp(values) / 10
        scaled = ((values - mean) / deviation).astype(np.float32)
        self._fit(self._read(X), scaled, 1, weights_of(sample_weight))
        bounds = {"low": values.min() - margin, "high": values.max() + margin}
        self.target_ = {name: float(v) for name, v in {"mean": mean, "deviation": deviation, **bounds}.items()}
        return self

    def predict(self, X: Any) -> Array:
        """Predicted numbers: float64, shape (n,), in the unit of the target."""
        said = self._outputs(X)[:, 0]
        target = self.target_
        return np.clip(said * target["deviation"] + target["mean"], target["low"], target["high"])

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "target": self.target_}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.target_ = dict(state["target"])
        return super().set_tensors(tensors, state)

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        return _of_members(squared_error), squared_error


class _Dense(TabularEstimator):
    _build = staticmethod(networks.tabular)
    _learning_rate = 5e-3
    _effort = 400.0
    _most_epochs = 50

    def __init__(
        self,
        *,
        hidden: Sequence[int] = (256, 256),
        members: int | None = None,
        width: int = 8,
        bins: int | None = None,
        dropout: float = 0.1,
        effort: float = 1.0,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden = hidden
        self.members = members
        self.width = width
        self.bins = bins
        self.dropout = dropout
        self.effort = effort
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _shape_network(self) -> dict[str, Any]:
        return {
            **self._front(),
            "bins": self._bins(),
            "width": int(np.clip(1024 // len(self.columns_), 2, self.width)),
            "hidden": list(self.hidden),
            "members": int(np.clip(16_000 // self.rows_, 1, 4)) if self.members is None else self.members,
            "dropout": self.dropout,
        }

    def _cost(self) -> float:
        shape = self._shape_network()
        widths = [len(self.columns_) * shape["width"], *shape["hidden"]]
        dense = sum(a * (b + 30) for a, b in pairwise(widths)) + 30 * widths[-1]
        return (shape["members"] * dense + shape["numbers"] * shape["bins"] * (shape["width"] + 20)) / 1e6


class TabularNetworkClassifier(_Dense, TabularClassifier):
    """A dense network for tables; columns are embedded (Gorishniy et al. 2022), members averaged (2025).

    `hidden`: widths of the hidden layers. `members`: networks that share all but a few weights and are averaged, None
    for up to four on small tables. `width`: numbers that a column becomes, fewer where columns are many. `bins`: pieces
    of a piecewise-linear embedding, None for 16 to 128 as rows grow.
    """


class TabularNetworkRegressor(_Dense, TabularRegressor):
    """A dense network for tables and one number a row; takes what `TabularNetworkClassifier` takes."""


class _Transformer(TabularEstimator):
    _build = staticmethod(networks.tabular_transformer)
    _learning_rate = 1.5e-3
    _effort = 400.0
    _most_epochs = 40

    def __init__(
        self,
        *,
        width: int | None = None,
        depth: int = 2,
        bins: int | None = None,
        dropout: float = 0.1,
        effort: float = 1.0,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.width = width
        self.depth = depth
        self.bins = bins
        self.dropout = dropout
        self.effort = effort
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _shape_network(self) -> dict[str, Any]:
        width = self.width or (64 if self.rows_ * len(self.columns_) < 50_000 else 32)
        if width % 16:
            raise ValueError(f"width must be a multiple of 16; got {width!r}")
        return {
            **self._front(),
            "bins": self._bins(),
            "width": width,
            "depth": self.depth,
            "heads": width // 16,
            "tokens": int(np.clip(500_000 // self.rows_, 8, 32)),
            "dropout": self.dropout,
        }

    def _cost(self) -> float:
        shape = self._shape_network()
        tokens, width = min(len(self.columns_), shape["tokens"]), shape["width"]
        blocks = self.depth * tokens * (8 * width + 2 * tokens) * (width + 30)
        return float(blocks + shape["numbers"] * shape["bins"] * (width + 20)) / 1e6


class TabularTransformerClassifier(_Transformer, TabularClassifier):
    """A transformer whose tokens are the columns (Gorishniy et al. 2021), for tables.

    `width`: numbers a token, a multiple of 16, which is the width of an attention head; None for 64, or 32 on large
    tables. `depth`: encoder blocks. `bins`: as of `TabularNetworkClassifier`. Where there are more columns than 32, or
    than half a million by rows, they are mixed into as many tokens.
    """


class TabularTransformerRegressor(_Transformer, TabularRegressor):
    """A transformer for tables and one number a row; takes what `TabularTransformerClassifier` takes."""


def _of_members(loss: Loss) -> Loss:
    """The mean of a loss over members whose outputs are (n, members, outputs); without members, the loss."""

    def mean(said: Tensor, *told: Tensor) -> Tensor:
        members = said.shape[1] if said.ndim == 3 else 1
        return loss(said.flatten(0, -2), *(each.repeat_interleave(members) for each in told))

    return mean
