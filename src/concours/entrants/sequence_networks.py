"""Networks that read sequences (n, channels, steps): convolutions over time, a memory, attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn import functional

from concours.entrants.classifier import NeuralClassifier
from concours.entrants.estimator import NeuralEstimator
from concours.entrants.networks import Encoder, Network, series_convolution
from concours.entrants.regressor import NeuralRegressor
from concours.entrants.sequence_features import filled
from concours.entrants.settings import Settings, in_small_batches

Array = NDArray[Any]

_STEPS = 128
"""What a network reads at most: of longer sequences, means of successive steps."""
_MANY = 2000
_BATCH, _LARGE = 32, 64
_HEAD = 16


class _OfSequences(NeuralEstimator):
    """What they share: gaps are filled, channels stand last, and batches are small. Few sequences are all learned
    from to the end; of many, those that are held out say when to stop.
    """

    def _read(self, X: ArrayLike) -> Array:
        return np.ascontiguousarray(np.swapaxes(filled(X), 1, 2))

    def _settings(self, rows: int) -> Settings:
        usual = super()._settings(rows)
        if rows < _MANY:
            return in_small_batches(usual, rows, _BATCH, self.training)
        return replace(usual, batch_size=(self.training or {}).get("batch_size", _LARGE))


class _Convolutional(_OfSequences):
    _learning_rate = 5e-3
    _effort = 250.0

    def __init__(
        self,
        *,
        width: int = 48,
        dropout: float = 0.2,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.width = width
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    @staticmethod
    def _build(*, shape: Sequence[int], outputs: int, width: int, dropout: float) -> Network:
        return Network(shape[-1], _Convolutions(shape[-1], outputs, width, dropout))

    def _shape_network(self) -> dict[str, Any]:
        return {"width": self.width, "dropout": self.dropout}


class SequenceConvClassifier(_Convolutional, NeuralClassifier):
    """Three convolutions over time, and the mean and the last of what they say (the fully convolutional network of
    Wang, Yan and Oates 2017, smaller). `width`: channels of the first; the second has twice as many.
    """


class SequenceConvRegressor(_Convolutional, NeuralRegressor):
    """The same for a number."""


class _Remembering(_OfSequences):
    _learning_rate = 5e-3
    _effort = 200.0

    def __init__(
        self,
        *,
        memory: int = 64,
        dropout: float = 0.2,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.memory = memory
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    @staticmethod
    def _build(*, shape: Sequence[int], outputs: int, memory: int, dropout: float) -> Network:
        return Network(shape[-1], _Memory(shape[-1], outputs, memory, dropout))

    def _shape_network(self) -> dict[str, Any]:
        return {"memory": self.memory, "dropout": self.dropout}


class SequenceLSTMClassifier(_Remembering, NeuralClassifier):
    """An LSTM (Hochreiter and Schmidhuber 1997) reads the steps in their order; the mean and the last of what it keeps
    are looked at. `memory`: numbers that it keeps.
    """


class SequenceLSTMRegressor(_Remembering, NeuralRegressor):
    """The same for a number."""


class _Attending(_OfSequences):
    _learning_rate = 3e-3
    _effort = 250.0

    def __init__(
        self,
        *,
        width: int = 48,
        depth: int = 2,
        tokens: int = 32,
        dropout: float = 0.1,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.width = width
        self.depth = depth
        self.tokens = tokens
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    @staticmethod
    def _build(*, shape: Sequence[int], outputs: int, width: int, depth: int, tokens: int, dropout: float) -> Network:
        return Network(shape[-1], _Attention(shape, outputs, width, depth, tokens, dropout))

    def _shape_network(self) -> dict[str, Any]:
        if self.width < _HEAD or self.width % _HEAD:
            raise ValueError(f"width must be a multiple of {_HEAD}; got {self.width!r}")
        return {"width": self.width, "depth": self.depth, "tokens": self.tokens, "dropout": self.dropout}


class SequenceTransformerClassifier(_Attending, NeuralClassifier):
    """A transformer over stretches of steps (Nie et al. 2023, "A time series is worth 64 words", with all channels in a
    token): at most `tokens` of them, each with its place; `depth` encoder blocks of `width` numbers, and their mean.
    """


class SequenceTransformerRegressor(_Attending, NeuralRegressor):
    """The same for a number."""


class _Convolutions(nn.Module):
    """From (n, steps, channels) to (n, outputs)."""

    def __init__(self, channels: int, outputs: int, width: int, dropout: float) -> None:
        super().__init__()
        layers = series_convolution(channels, width, 7)
        layers += series_convolution(width, 2 * width, 5)
        layers += series_convolution(2 * width, width, 3)
        self.layers = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * width, outputs))

    def forward(self, seen: Tensor) -> Tensor:
        said = self.layers(_shorter(seen).transpose(1, 2))
        told: Tensor = self.head(torch.cat([said.mean(dim=2), said[:, :, -1]], dim=1))
        return told


class _Memory(nn.Module):
    """From (n, steps, channels) to (n, outputs)."""

    def __init__(self, channels: int, outputs: int, memory: int, dropout: float) -> None:
        super().__init__()
        self.order = nn.LSTM(channels, memory, batch_first=True)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * memory, outputs))

    def forward(self, seen: Tensor) -> Tensor:
        said, _ = self.order(_shorter(seen))
        told: Tensor = self.head(torch.cat([said.mean(dim=1), said[:, -1]], dim=1))
        return told


class _Attention(nn.Module):
    """From (n, steps, channels) to (n, outputs)."""

    def __init__(self, shape: Sequence[int], outputs: int, width: int, depth: int, tokens: int, dropout: float) -> None:
        super().__init__()
        steps, channels = shape
        self.patch = -(-steps // tokens)
        self.short = -steps % self.patch
        self.embed = nn.Linear(self.patch * channels, width)
        self.positions = nn.Parameter(0.1 * torch.randn((steps + self.short) // self.patch, width))
        self.blocks = nn.ModuleList(Encoder(width, width // _HEAD, dropout) for _ in range(depth))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Dropout(dropout), nn.Linear(width, outputs))

    def forward(self, seen: Tensor) -> Tensor:
        wide = functional.pad(seen, (0, 0, self.short, 0))
        tokens = self.embed(wide.reshape(len(wide), -1, self.patch * wide.shape[2])) + self.positions
        for block in self.blocks:
            tokens = block(tokens)
        told: Tensor = self.head(tokens.mean(dim=1))
        return told


def _shorter(seen: Tensor) -> Tensor:
    """(n, steps, channels) with at most 128 steps: means of successive ones."""
    times = -(-seen.shape[1] // _STEPS)
    if times == 1:
        return seen
    return functional.avg_pool1d(seen.transpose(1, 2), times, ceil_mode=True, count_include_pad=False).transpose(1, 2)
