"""Small networks that tell the next byte, as scikit-learn estimators: long short-term memory, and a transformer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from concours.entrants import speakers
from concours.entrants.estimator import NeuralEstimator
from concours.entrants.losses import Loss
from concours.entrants.passages import NOTHING, read, split, windows
from concours.entrants.training import Settings
from concours.kernels.rows.kin import Kin

Array = NDArray[Any]
Floats = NDArray[np.float64]

_BUDGET = 6e5
"""What training costs at effort 1, in millions of multiplications: some 30 seconds of one core."""
_MOST_EPOCHS = 30
_FEW_EPOCHS = 6
"""So few that none is better left out: nothing is held out to stop by."""
_BATCH = 16
_ROWS = 32


class NeuralLanguageModel(NeuralEstimator):
    """What the networks share: windows of passages to learn from, and to tell.

    `width`: numbers a byte is read as. `buckets`: vectors of two and of three bytes. `effort` scales the time of a fit,
    which is bounded whatever the number of passages, where `epochs` is None; of more text than it suffices for, evenly
    spread windows are learned from.
    """

    width: int
    buckets: int
    dropout: float
    effort: float

    divides = False
    _fitted_on: ClassVar[tuple[int, int]]
    """Bytes to read before, and to tell, of a window to learn from."""
    _asked_on: ClassVar[tuple[int, int]]
    """The same of one to tell."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit to passages X, a frame of `before` and `text`."""
        if not self.effort > 0:
            raise ValueError(f"effort must be above 0; got {self.effort!r}")
        rows, places = windows(*read(X), *self._fitted_on)
        told = (rows[:, self._fitted_on[0] :] != NOTHING).sum(axis=1).astype(np.float32)
        share = min(self._passes(float(told.sum())), 1.0) if self.epochs is None else 1.0
        some = np.linspace(0, len(rows) - 1, max(int(share * len(rows)), min(len(rows), 2))).astype(np.int64)
        self._places = places[some]
        self._fit(rows[some], told[some], speakers.BYTES)
        return self

    def predict(self, X: Any) -> list[Floats]:
        """The probability of each byte of each passage.

        Windows that differ in their last byte alone are read once.
        """
        check_is_fitted(self, "network_")
        (before, own), (reads, tells) = read(X), self._asked_on
        rows, _ = windows(before, own, reads, tells)
        rows = rows[:, : reads + int((rows[:, reads:] != NOTHING).sum(axis=1).max())]
        different, of = np.unique(rows[:, :-1], axis=0, return_inverse=True)
        found = np.empty((len(rows), rows.shape[1] - reads))
        order = np.argsort(of, kind="stable")
        bounds = np.searchsorted(of[order], np.arange(0, len(different) + _ROWS, _ROWS))
        for part, (first, last) in enumerate(pairwise(bounds.tolist())):
            some = order[first:last]
            logs = self._logs(different[part * _ROWS : (part + 1) * _ROWS], reads)
            asked = rows[some, reads:].astype(np.int64)
            found[some] = np.take_along_axis(logs[of[some] - part * _ROWS], asked[:, :, None], axis=2)[:, :, 0]
        there = rows[:, reads:] != NOTHING
        return split(np.exp(found[there]), own)

    @torch.inference_mode()
    def _logs(self, read: Array, before: int) -> Floats:
        device = next(self.network_.parameters()).device
        logs: Tensor = self.network_.body.logs(torch.tensor(read, device=device), before)
        return logs.double().cpu().numpy()

    def _told_kin(self) -> Kin | None:
        kin = super()._told_kin()
        return None if kin is None else kin.some(self._places)

    def _learn_scaling(self, network: Any, rows: Array) -> None:
        """Bytes have no scale."""

    def _passes(self, told: float) -> float:
        """How often the effort pays for going through so many bytes."""
        return self.effort * _BUDGET / (told * 3 * self._cost())

    def _settings(self, rows: int) -> Settings:
        epochs = self.epochs or int(np.clip(round(self._passes(rows * self._fitted_on[1])), 1, _MOST_EPOCHS))
        chosen = {
            "epochs": epochs,
            "patience": max(5, epochs // 4),
            "batch_size": _BATCH,
            "validation_share": 0.0 if epochs < _FEW_EPOCHS or rows < 100 else 0.05,
            "label_smoothing": 0.0,
            "warm_up": 0.1,
        }
        return replace(super()._settings(rows), **{**chosen, **(self.training or {})})

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        del targets, settings, weights
        return _surprise, _surprise

    def _cost(self) -> float:
        """Millions of multiplications for one byte."""
        raise NotImplementedError


class LSTMLanguageModel(NeuralLanguageModel):
    """Long short-term memory over bytes, the last two and the last three. `hidden`: numbers that it remembers."""

    _build = staticmethod(speakers.recurrent)
    _learning_rate: ClassVar[float] = 1.2e-2
    _effort: ClassVar[float] = 0.0
    _fitted_on = (16, 128)
    _asked_on = (64, 512)

    def __init__(
        self,
        *,
        width: int = 64,
        hidden: int = 128,
        buckets: int = 4096,
        dropout: float = 0.0,
        effort: float = 1.0,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.width = width
        self.hidden = hidden
        self.buckets = buckets
        self.dropout = dropout
        self.effort = effort
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _cost(self) -> float:
        return (4 * (self.width + self.hidden) * self.hidden + speakers.BYTES * self.hidden) / 1e6

    def _shape_network(self) -> dict[str, Any]:
        return {
            "before": self._fitted_on[0],
            "width": self.width,
            "hidden": self.hidden,
            "buckets": self.buckets,
            "dropout": self.dropout,
        }


class GPTLanguageModel(NeuralLanguageModel):
    """A small transformer over bytes, the last two and the last three.

    `depth`: blocks. `width` is a multiple of 32, the width of a head.
    """

    _build = staticmethod(speakers.decoder)
    _learning_rate: ClassVar[float] = 4e-3
    _effort: ClassVar[float] = 0.0
    _fitted_on = (16, 128)
    _asked_on = (64, 128)

    def __init__(
        self,
        *,
        width: int = 64,
        depth: int = 2,
        buckets: int = 4096,
        dropout: float = 0.0,
        effort: float = 1.0,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.width = width
        self.depth = depth
        self.buckets = buckets
        self.dropout = dropout
        self.effort = effort
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _cost(self) -> float:
        window = sum(self._fitted_on)
        return (self.depth * (12 * self.width**2 + 2 * window * self.width) + speakers.BYTES * self.width) / 1e6

    def _shape_network(self) -> dict[str, Any]:
        if self.width < 32 or self.width % 32:
            raise ValueError(f"width must be a multiple of 32; got {self.width!r}")
        return {
            "before": self._fitted_on[0],
            "width": self.width,
            "depth": self.depth,
            "heads": self.width // 32,
            "buckets": self.buckets,
            "dropout": self.dropout,
        }


def _surprise(lost: Tensor, counts: Tensor, weights: Tensor | None = None) -> Tensor:
    """The mean surprise by a byte, a `Loss`; by what rows weigh, where they do."""
    own = lost[:, 0] if weights is None else weights * lost[:, 0]
    return own.sum() / counts.sum()
