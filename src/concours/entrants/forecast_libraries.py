"""Forecasters of the field's library, statsforecast (Garza et al. 2022), on the window alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from concours.core.errors import MissingPackage, nearest
from concours.core.optional import install_command, installed
from concours.entrants.forecasting import Spread

Floats = NDArray[np.float64]

MODELS: Final = {"theta": ("DynamicOptimizedTheta", {}), "ets": ("AutoETS", {"model": "ZNA"})}
"""By name: the library's class, and what it is made with besides the season."""


class StatsForecaster(Spread):
    """A model of the library is fitted to each window by itself, of the channel that is forecast.

    `model`: `theta`, the dynamic optimised theta model (Fiorucci et al. 2016); `ets`, exponential smoothing with an
    additive season, by AICc (Hyndman et al. 2002). Quantiles are those of the residuals of `most` rows, spread evenly,
    of those that it is fitted on: nothing else is learned of these.

    Raises:
        MissingPackage: the library is not installed.
    """

    def __init__(
        self,
        *,
        model: str = "theta",
        most: int = 100,
        levels: Sequence[float] | None = None,
        season: int | None = None,
        context: int | None = None,
        targets: int | None = None,
    ) -> None:
        self.model = model
        self.most = most
        self.levels = levels
        self.season = season
        self.context = context
        self.targets = targets

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to windows `X` and the steps `y` behind them."""
        windows, targets = self._begun(X, y)
        some = np.unique(np.linspace(0, len(windows) - 1, min(len(windows), self.most)).astype(np.int64))
        self._spread(targets[some] - self._point(windows[some]))
        return self

    def _point(self, windows: Floats) -> Floats:
        model = self._made(windows.shape[2])
        own = windows[:, : self._many].reshape(-1, windows.shape[2])
        return np.stack([_forecast(model, window, self.horizon_) for window in own]).reshape(len(windows), -1)

    def _made(self, context: int) -> Any:
        if self.model not in MODELS:
            raise ValueError(f"model is not known; got {self.model!r}; {nearest(self.model, MODELS)}")
        if not installed("statsforecast"):
            raise MissingPackage(f"statsforecast is not installed; get it with: {install_command('statsforecast')}")
        from statsforecast import models

        name, params = MODELS[self.model]
        season = self.season or 1
        return getattr(models, name)(season_length=season if context >= 2 * season else 1, **params)


def _forecast(model: Any, window: Floats, horizon: int) -> Floats:
    """(horizon,); the last value where the window never changes, or the library finds nothing."""
    if not np.ptp(window):
        return np.full(horizon, window[-1])
    told = np.asarray(model.forecast(y=np.ascontiguousarray(window), h=horizon)["mean"], dtype=np.float64)
    return np.where(np.isfinite(told), told, window[-1])
