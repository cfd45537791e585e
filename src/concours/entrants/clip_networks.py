"""Networks that tell the class of a clip: frames one after the other, or all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from concours.entrants.classifier import NeuralClassifier
from concours.entrants.inputs import clips
from concours.entrants.networks import Network, convolution, volume_convolution
from concours.entrants.settings import in_small_batches
from concours.entrants.training import Settings

Array = NDArray[Any]


class _OfClips(NeuralClassifier):
    """What both share: few rows are held out, and batches are small, as there are few clips."""

    def _read(self, X: ArrayLike) -> Array:
        return clips(X)

    def _settings(self, rows: int) -> Settings:
        return in_small_batches(super()._settings(rows), rows, 16, self.training)


class FrameLSTMClassifier(_OfClips):
    """A convolutional network sees each frame, and an LSTM (Hochreiter and Schmidhuber 1997) reads what it saw, in the
    order of frames (Donahue et al. 2015, "Long-term recurrent convolutional networks").

    It sees what of each frame is not in the mean of all, and what changed since the one before: of a few hundred clips
    it would learn the scenes by heart. What stays as it is in a clip is for those to tell who see the mean of frames.

    Clips are (n, frames, height, width, colours), uint8 or float. `width`: channels of the first convolution, which
    halves the frame; each of two more doubles them and halves it again. `memory`: numbers that the LSTM keeps.
    """

    _learning_rate = 5e-3
    _effort = 140.0

    def __init__(
        self,
        *,
        width: int = 12,
        memory: int = 64,
        dropout: float = 0.2,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.width = width
        self.memory = memory
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    @staticmethod
    def _build(*, shape: Sequence[int], outputs: int, width: int, memory: int, dropout: float) -> Network:
        return Network(shape[-1], _FramesInOrder(shape, outputs, width, memory, dropout))

    def _shape_network(self) -> dict[str, Any]:
        return {"width": self.width, "memory": self.memory, "dropout": self.dropout}


class VolumeClassifier(_OfClips):
    """Convolutions over time and space (Tran et al. 2015, "C3D"): a stem that halves the frame, then two stages
    that halve time and frame and double the channels; the maximum over all places, and a linear layer. As of the other
    network, only what moves is seen.

    Clips are (n, frames, height, width, colours), uint8 or float. `width`: channels of the stem.
    """

    _learning_rate = 5e-3
    _effort = 140.0

    def __init__(
        self,
        *,
        width: int = 12,
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
        layers = volume_convolution(2 * shape[-1], width, stride=(1, 2, 2))
        for channels in (2 * width, 4 * width):
            layers += volume_convolution(channels // 2, channels, stride=(2, 2, 2))
        head = [nn.AdaptiveMaxPool3d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(4 * width, outputs)]
        return Network(shape[-1], nn.Sequential(_Moving(), _ColoursFirst(), *layers, *head))

    def _shape_network(self) -> dict[str, Any]:
        return {"width": self.width, "dropout": self.dropout}


class _Moving(nn.Module):
    """Of clips (n, frames, height, width, colours) what is not in the mean frame, and behind it, as twice the colours,
    what changed since the frame before.
    """

    def forward(self, seen: Tensor) -> Tensor:
        before = torch.cat([seen[:, :1], seen[:, :-1]], dim=1)
        return torch.cat([seen - seen.mean(dim=1, keepdim=True), seen - before], dim=4)


class _ColoursFirst(nn.Module):
    """From (n, frames, height, width, colours) to torch's (n, colours, frames, height, width)."""

    def forward(self, seen: Tensor) -> Tensor:
        return seen.permute(0, 4, 1, 2, 3).contiguous()


class _FramesInOrder(nn.Module):
    """From clips (n, frames, height, width, colours) to logits (n, classes)."""

    def __init__(self, shape: Sequence[int], classes: int, width: int, memory: int, dropout: float) -> None:
        super().__init__()
        self.moving = _Moving()
        layers = convolution(2 * shape[-1], width, 3, stride=2)
        for channels in (2 * width, 4 * width):
            layers += convolution(channels // 2, channels, 3, stride=2)
        self.frame = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(4), nn.Flatten())
        self.said = nn.Sequential(nn.Linear(64 * width, memory), nn.LayerNorm(memory), nn.ReLU())
        self.order = nn.LSTM(memory, memory, batch_first=True)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(memory, classes))

    def forward(self, seen: Tensor) -> Tensor:
        n, frames = seen.shape[:2]
        each = self.said(self.frame(self.moving(seen).flatten(0, 1).permute(0, 3, 1, 2))).reshape(n, frames, -1)
        told: Tensor = self.head(self.order(each)[0].mean(dim=1))
        return told
