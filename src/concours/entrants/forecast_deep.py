"""Deeper networks for series: a transformer of patches, and blocks that take from a window what they explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from concours.entrants.forecast_networks import NetworkForecaster, each_alone
from concours.entrants.networks import Encoder

_HEADS, _DROPOUT = 4, 0.1
_LEAST = 0.1
"""The least deviation that a window is told in, of that of its series."""


class InItsUnit(nn.Module):
    """Tells a body each window in units of its own: less its mean, by its deviation; and turns back what it says.

    So what is learned of one level or season of a series serves at others (Kim et al. 2022, "Reversible instance
    normalization"). Of the channels the first is looked at.
    """

    def __init__(self, *, channels: int, context: int, levels: int) -> None:
        super().__init__()
        self.channels, self.context, self.levels = channels, context, levels

    def told(self, window: Tensor) -> Tensor:
        """(n, horizon * levels) of a window (n, context) in its unit."""
        raise NotImplementedError

    def forward(self, windows: Tensor) -> Tensor:
        """(n, horizon * levels) of (n, channels * context)."""
        own = windows.reshape(len(windows), self.channels, self.context)[:, 0]
        mean = own.mean(dim=1, keepdim=True)
        unit = own.std(dim=1, keepdim=True, unbiased=False) + _LEAST
        return self.told((own - mean) / unit) * unit + mean


class Patched(InItsUnit):
    """A transformer encoder over patches of the window, and a linear map of all of them (PatchTST, Nie et al. 2023)."""

    def __init__(
        self, *, channels: int, context: int, horizon: int, levels: int, patch: int, width: int, depth: int
    ) -> None:
        super().__init__(channels=channels, context=context, levels=levels)
        self.patch = min(patch, context)
        patches = context // self.patch
        self.embed = nn.Linear(self.patch, width)
        self.places = nn.Parameter(0.02 * torch.randn(patches, width))
        self.layers = nn.ModuleList([Encoder(width, _HEADS, _DROPOUT) for _ in range(depth)])
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(patches * width, horizon * levels))

    def told(self, window: Tensor) -> Tensor:
        """Of the steps before the first whole patch nothing is seen."""
        seen = window.shape[1] // self.patch * self.patch
        state = self.embed(window[:, -seen:].reshape(len(window), -1, self.patch)) + self.places
        for layer in self.layers:
            state = layer(state)
        said: Tensor = self.head(state)
        return said


class Blocks(InItsUnit):
    """Dense blocks, each of which explains a part of the window and forecasts from it; the next sees what is left.

    As the generic form of N-BEATS (Oreshkin et al. 2020), with quantiles, and with fewer and smaller layers.
    """

    def __init__(
        self, *, channels: int, context: int, horizon: int, levels: int, blocks: int, width: int, inner: int
    ) -> None:
        super().__init__(channels=channels, context=context, levels=levels)
        self.bodies = nn.ModuleList(
            [
                nn.Sequential(nn.Linear(context, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, inner), nn.ReLU())
                for _ in range(blocks)
            ]
        )
        self.back = nn.ModuleList([nn.Linear(inner, context) for _ in range(blocks)])
        self.ahead = nn.ModuleList([nn.Linear(inner, horizon * levels) for _ in range(blocks)])

    def told(self, window: Tensor) -> Tensor:
        """The sum of what all blocks say."""
        left, said = window, torch.zeros((), dtype=window.dtype, device=window.device)
        for body, back, ahead in zip(self.bodies, self.back, self.ahead, strict=True):
            found = body(left)
            left = left - back(found)
            said = said + ahead(found)
        return said


class PatchForecaster(NetworkForecaster):
    """A small transformer of patches. `patch`: steps of one; None: a season, at least 8."""

    _build = staticmethod(each_alone(Patched))
    _learning_rate = 1e-3
    _effort = 150.0

    def __init__(
        self,
        *,
        patch: int | None = None,
        width: int = 32,
        depth: int = 2,
        levels: Sequence[float] | None = None,
        season: int | None = None,
        context: int | None = None,
        targets: int | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.patch = patch
        self.width = width
        self.depth = depth
        self.levels = levels
        self.season = season
        self.context = context
        self.targets = targets
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _shape_body(self) -> dict[str, int]:
        patch = self.patch or max(self.season or 1, 8)
        return {"patch": min(patch, self.context_), "width": self.width, "depth": self.depth}


class BlocksForecaster(NetworkForecaster):
    """Dense blocks one behind the other. `blocks`: how many; `width`, `inner`: of their layers."""

    _build = staticmethod(each_alone(Blocks))
    _learning_rate = 1e-3
    _effort = 250.0

    def __init__(
        self,
        *,
        blocks: int = 3,
        width: int = 128,
        inner: int = 64,
        levels: Sequence[float] | None = None,
        season: int | None = None,
        context: int | None = None,
        targets: int | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.blocks = blocks
        self.width = width
        self.inner = inner
        self.levels = levels
        self.season = season
        self.context = context
        self.targets = targets
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _shape_body(self) -> dict[str, int]:
        return {"blocks": self.blocks, "width": self.width, "inner": self.inner}
