"""Networks for series, as estimators from windows to quantiles; and a small one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from torch import Tensor, nn
from torch.nn import functional

from concours.entrants.estimator import NeuralEstimator
from concours.entrants.forecasting import LEVELS, units_of
from concours.entrants.inputs import weights_of
from concours.entrants.knowing import learn_scaling
from concours.entrants.losses import Loss
from concours.entrants.networks import Network
from concours.entrants.training import Settings
from concours.kernels.rows.kin import Kin

Array = NDArray[Any]


class Decomposed(nn.Module):
    """Two linear maps from a window to the next steps: of its moving average, and of what is left (Zeng et al. 2023).

    As theirs (DLinear), of the channel that is forecast, told from its last value; beside it a small dense network
    of all channels, and a map for each quantile. Inputs (n, channels * context) are standardised; outputs
    (n, horizon * levels).
    """

    def __init__(self, *, channels: int, context: int, horizon: int, levels: int, smooth: int, hidden: int) -> None:
        super().__init__()
        self.channels, self.levels = channels, levels
        self.smooth = min(smooth, context) // 2 * 2 + 1
        outputs = horizon * levels
        self.trend = nn.Linear(context, outputs)
        self.rest = nn.Linear(context, outputs)
        self.dense = nn.Sequential(
            nn.Linear(channels * context, hidden), nn.ReLU(), nn.Dropout(0.1), nn.Linear(hidden, outputs)
        )
        for layer in (self.trend, self.rest):
            nn.init.constant_(layer.weight, 1 / context)

    def forward(self, windows: Tensor) -> Tensor:
        """(n, horizon * levels) of (n, channels * context)."""
        last = windows.reshape(len(windows), self.channels, -1)[:, :1, -1]
        own = windows.reshape(len(windows), self.channels, -1)[:, 0] - last
        side = self.smooth // 2
        padded = functional.pad(own[:, None], (side, side), mode="replicate")
        trend = functional.avg_pool1d(padded, self.smooth, stride=1)[:, 0]
        told: Tensor = self.trend(trend) + self.rest(own - trend) + self.dense(windows) + last
        return told


class Channelwise(nn.Module):
    """Subtract the mean and divide by the deviation of each channel of (n, channels * context)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("deviation", torch.ones(channels))
        self.mean: Tensor
        self.deviation: Tensor

    def forward(self, windows: Tensor) -> Tensor:
        """Of the same shape."""
        each = windows.float().reshape(len(windows), len(self.mean), -1)
        return ((each - self.mean[:, None]) / self.deviation[:, None]).reshape(len(windows), -1)


class EachAlone(nn.Module):
    """A network of one series, asked about each of those that are forecast, with the channels that are none beside it.

    Inputs (n, channels * context) are standardised by channel; outputs (n, targets * horizon * levels).
    """

    def __init__(self, body: nn.Module, *, targets: int, context: int) -> None:
        super().__init__()
        self.body, self.targets, self.context = body, targets, context

    def forward(self, windows: Tensor) -> Tensor:
        """(n, targets * horizon * levels) of (n, channels * context)."""
        if self.targets == 1:
            alone: Tensor = self.body(windows)
            return alone
        each = windows.reshape(len(windows), -1, self.context)
        own = each[:, : self.targets, None]
        beside = each[:, None, self.targets :].expand(-1, self.targets, -1, -1)
        told: Tensor = self.body(torch.cat([own, beside], dim=2).reshape(len(windows) * self.targets, -1))
        return told.reshape(len(windows), -1)


def each_alone(body: type[nn.Module]) -> Callable[..., Network]:
    """What builds such a network, for rows of (channels * context,), of a body that is told of one series."""

    def built(*, shape: Sequence[int], outputs: int, context: int, levels: int, targets: int, **more: int) -> Network:
        channels, horizon = shape[0] // context, outputs // levels // targets
        one = body(channels=channels - targets + 1, context=context, horizon=horizon, levels=levels, **more)
        return Network(Channelwise(channels), EachAlone(one, targets=targets, context=context))

    return built


class NetworkForecaster(RegressorMixin, NeuralEstimator):
    """What networks of windows share: they are trained on quantile losses, each series in units of its own.

    Rows and targets as of `entrants.forecasting`. What is held out to know when to stop are the last rows.
    """

    levels: Sequence[float] | None
    season: int | None
    context: int | None
    targets: int | None

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to windows `X` and the steps `y` behind them, by weights, (n,) and 1 on average."""
        rows, targets = self._read(X), np.asarray(y, dtype=np.float64)
        many = self.targets or 1
        if targets.ndim != 2 or targets.shape[1] % many or not np.isfinite(targets).all():
            raise ValueError(f"y must be finite numbers (n, {many} * horizon); got shape {targets.shape}")
        self._widths(rows.shape[1])
        if self._kin is None:
            self.keep_together(Kin(groups=np.arange(len(rows)), in_time=True))
        own = rows.reshape(len(rows), -1, self.context_)[:, :many]
        self.target_mean_, self.target_deviation_ = units_of(own.astype(np.float64))
        mean, deviation = self._by_step(targets.shape[1])
        scaled = ((targets - mean) / deviation).astype(np.float32)
        self._fit(rows, scaled, scaled.shape[1] * len(self.levels_), weights_of(sample_weight))
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Quantiles (n, steps * levels); those that cross are put in order."""
        told = self._outputs(X)
        steps = told.reshape(len(told), -1, len(self.levels_))
        mean, deviation = self._by_step(steps.shape[1])
        return np.sort(steps * deviation[:, None] + mean[:, None], axis=2).reshape(len(told), -1)

    def _by_step(self, steps: int) -> tuple[Array, Array]:
        """(steps,) mean and deviation of the series of each."""
        horizon = steps // len(self.target_mean_)
        return np.repeat(self.target_mean_, horizon), np.repeat(self.target_deviation_, horizon)

    def get_tensors(self) -> dict[str, Array]:
        return {
            **super().get_tensors(),
            "target.mean": np.array(self.target_mean_),
            "target.deviation": np.array(self.target_deviation_),
        }

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.target_mean_ = np.atleast_1d(np.asarray(tensors["target.mean"], dtype=np.float64))
        self.target_deviation_ = np.atleast_1d(np.asarray(tensors["target.deviation"], dtype=np.float64))
        self._widths(state["input_shape"][0])
        return super().set_tensors({k: v for k, v in tensors.items() if not k.startswith("target.")}, state)

    def _widths(self, features: int) -> None:
        self.levels_ = tuple(LEVELS if self.levels is None else self.levels)
        self.context_ = self.context or features
        if features % self.context_:
            raise ValueError(f"X must be windows (n, channels * {self.context_}); got {features} columns")

    def _read(self, X: ArrayLike) -> Array:
        rows = np.asarray(X, dtype=np.float32)
        if rows.ndim != 2 or not rows.size or not np.isfinite(rows).all():
            raise ValueError(f"X must be finite windows (n, channels * context) with n above 0; got shape {rows.shape}")
        return rows

    def _shape_network(self) -> dict[str, Any]:
        return {
            "context": self.context_,
            "levels": len(self.levels_),
            "targets": self.targets or 1,
            **self._shape_body(),
        }

    def _shape_body(self) -> dict[str, int]:
        """What the network of one series is made with besides; JSON can hold it."""
        raise NotImplementedError

    def _learn_scaling(self, network: Any, rows: Array) -> None:
        learn_scaling(network.scaling, rows.reshape(len(rows), -1, self.context_).swapaxes(1, 2))
        many = len(self.target_mean_)
        network.scaling.mean[:many] = torch.from_numpy(self.target_mean_)
        network.scaling.deviation[:many] = torch.from_numpy(self.target_deviation_)

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        loss = quantile_loss(self.levels_)
        return loss, loss


class DecomposedForecaster(NetworkForecaster):
    """Linear maps of a window's moving average and of the rest, and a small dense network.

    `smooth`: steps of the moving average; None: a season. `hidden`: width of the dense part.
    """

    _build = staticmethod(each_alone(Decomposed))
    _learning_rate = 2e-3
    _effort = 400.0

    def __init__(
        self,
        *,
        smooth: int | None = None,
        hidden: int = 64,
        levels: Sequence[float] | None = None,
        season: int | None = None,
        context: int | None = None,
        targets: int | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.smooth = smooth
        self.hidden = hidden
        self.levels = levels
        self.season = season
        self.context = context
        self.targets = targets
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _shape_body(self) -> dict[str, int]:
        return {"smooth": self.smooth or max(self.season or 1, 3), "hidden": self.hidden}


def quantile_loss(levels: Sequence[float]) -> Loss:
    """The pinball loss of outputs (n, horizon * levels) against steps (n, horizon), mean over steps and levels."""
    shares = torch.tensor(levels)

    def loss(outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        told = outputs.reshape(*targets.shape, len(levels))
        short = targets[:, :, None] - told
        level = shares.to(outputs.device, outputs.dtype)
        each = torch.maximum(level * short, (level - 1) * short).mean(dim=(1, 2))
        return each.mean() if weights is None else (weights * each).mean()

    return loss
