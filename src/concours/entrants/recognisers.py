"""Small networks that recognise speech, as scikit-learn estimators: recurrent, and a conformer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from concours.entrants import ctc, listening
from concours.entrants.augmentations import spoken_otherwise
from concours.entrants.estimator import NeuralEstimator
from concours.entrants.inputs import weights_of
from concours.entrants.losses import Loss
from concours.entrants.nbest import meant, transcripts
from concours.entrants.sounds import mel_frames
from concours.entrants.subwords import NOTHING, Subwords
from concours.entrants.training import Augmentation, Settings

Array = NDArray[Any]

_BUDGET = 1.2e5
"""What training costs at effort 1, in millions of multiplications: some twenty seconds of one core."""
_FRAMES = 4
"""Frames of a moment."""
_MOST_EPOCHS = 80
_BANDS = 40
_ROWS = 32


class NeuralRecogniser(NeuralEstimator):
    """What the networks share: log-mels, pieces of words learned from the transcripts, and the loss and search of CTC.

    Rows are a frame with `sound`, samples (n,) of 16 bits, and `rate`, samples a second. `pieces`: merges that pieces
    of words are learned by; few are near to letters, many to words. `width`: numbers a moment. `beam`: how many texts
    are said of each sound; 1 is what the most probable path says. `augment`: whether sounds are changed in training
    (`entrants.augmentations`). `effort` scales the time of a fit, which is bounded whatever the number of rows, where
    `epochs` is None. Fitted besides what others have: `subwords_`.
    """

    pieces: int
    width: int
    depth: int
    beam: int
    dropout: float
    augment: bool
    effort: float

    divides = False
    _effort: ClassVar[float] = 0.0

    def fit(self, X: pd.DataFrame, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to sounds (n,) and what is said in them, by weights, (n,) and 1 on average."""
        texts = meant(y)
        if len(X) != len(texts):
            raise ValueError(f"X and y must have the same number of rows; got {len(X)} and {len(texts)}")
        if not self.effort > 0:
            raise ValueError(f"effort must be above 0; got {self.effort!r}")
        self.subwords_ = Subwords.learn(texts, most=self.pieces)
        numbers = [self.subwords_.encode(text) for text in texts]
        targets = np.full((len(texts), max(map(len, numbers))), NOTHING, dtype=np.int32)
        for row, some in zip(targets, numbers, strict=True):
            row[: len(some)] = some
        rows = self._read(X)
        self._moments = float((rows[:, :, 0] > 0).sum(axis=1).mean()) / _FRAMES
        self._fit(rows, targets, self.subwords_.size, weights_of(sample_weight))
        return self

    def predict(self, X: pd.DataFrame) -> pa.Array:
        """At most `beam` texts a row, or none where nothing is heard."""
        check_is_fitted(self, "network_")
        rows, device = self._read(X), next(self.network_.parameters()).device
        order = np.argsort((rows[:, :, 0] > 0).sum(axis=1), kind="stable")
        found: list[list[tuple[str, float]]] = [[] for _ in rows]
        for start in range(0, len(order), _ROWS):
            some = order[start : start + _ROWS]
            with torch.inference_mode():
                scores = self.network_(torch.tensor(rows[some], device=device))
            for place, logs in zip(some.tolist(), ctc.logs_of(scores), strict=True):
                found[place] = self._texts(logs)
        return transcripts(found)

    def _texts(self, logs: NDArray[np.float64]) -> list[tuple[str, float]]:
        """Different texts, in their order."""
        told = ctc.greedy(logs) if self.beam == 1 else ctc.beam_search(logs, width=self.beam)
        texts: dict[str, float] = {}
        for symbols, worth in told:
            texts.setdefault(self.subwords_.decode(symbols), worth)
        return list(texts.items())

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "subwords": self.subwords_.state()}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.subwords_ = Subwords.from_state(state["subwords"])
        return super().set_tensors(tensors, state)

    def _read(self, X: pd.DataFrame) -> Array:  # type: ignore[override]
        return mel_frames(X, _BANDS)

    def _learn_scaling(self, network: Any, rows: Array) -> None:
        """Each sound is levelled by itself."""

    def _settings(self, rows: int) -> Settings:
        """As many epochs as the effort pays for."""
        each = self._cost() + self.subwords_.size * self.width / 1e6
        affordable = self.effort * _BUDGET / (rows * self._moments * 3 * each)
        epochs = int(np.clip(affordable, 4, _MOST_EPOCHS)) if self.epochs is None else self.epochs
        chosen = {
            "epochs": epochs,
            "patience": max(8, epochs // 3),
            "batch_size": int(np.clip(2 ** round(np.log2(rows**0.5 / 1.5)), 8, 64)),
            "validation_share": 0.0 if rows < 100 else float(np.clip(100 / rows, 0.01, 0.15)),
            "label_smoothing": 0.0,
        }
        return replace(super()._settings(rows), **{**chosen, **(self.training or {})})

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        del targets, settings, weights
        return ctc.surprise, ctc.surprise

    def _augmentation(self) -> Augmentation | None:
        return spoken_otherwise if self.augment else None

    def _cost(self) -> float:
        """Millions of multiplications for one moment, but for what says which piece it is."""
        raise NotImplementedError


class GRURecogniser(NeuralRecogniser):
    """Gated recurrent units that read a sound forth and back. `depth`: layers of them."""

    _build = staticmethod(listening.recurrent)
    _learning_rate: ClassVar[float] = 5e-3

    def __init__(
        self,
        *,
        pieces: int = 200,
        width: int = 64,
        depth: int = 1,
        beam: int = 8,
        dropout: float = 0.2,
        augment: bool = True,
        effort: float = 1.0,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.pieces = pieces
        self.width = width
        self.depth = depth
        self.beam = beam
        self.dropout = dropout
        self.augment = augment
        self.effort = effort
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _cost(self) -> float:
        return (10 * _BANDS * self.width + (5 + 18 * self.depth) * self.width**2) / 1e6

    def _shape_network(self) -> dict[str, Any]:
        return {"width": self.width, "depth": self.depth, "dropout": self.dropout}


class ConformerRecogniser(NeuralRecogniser):
    """A small conformer. `depth`: blocks. `width` is a multiple of 16, the width of a head."""

    _build = staticmethod(listening.conformer)
    _learning_rate: ClassVar[float] = 4e-3

    def __init__(
        self,
        *,
        pieces: int = 200,
        width: int = 48,
        depth: int = 2,
        beam: int = 8,
        dropout: float = 0.1,
        augment: bool = True,
        effort: float = 1.0,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.pieces = pieces
        self.width = width
        self.depth = depth
        self.beam = beam
        self.dropout = dropout
        self.augment = augment
        self.effort = effort
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _cost(self) -> float:
        return (10 * _BANDS * self.width + (5 + 24 * self.depth) * self.width**2) / 1e6

    def _shape_network(self) -> dict[str, Any]:
        if self.width < 16 or self.width % 16:
            raise ValueError(f"width must be a multiple of 16; got {self.width!r}")
        return {"width": self.width, "depth": self.depth, "heads": self.width // 16, "dropout": self.dropout}
