"""Autoregressive moving averages of the field's library, statsforecast (Garza et al. 2022)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from concours.core.errors import MissingPackage
from concours.core.optional import install_command, installed
from concours.entrants.forecasting import Spread

Floats = NDArray[np.float64]

_LONGEST = 200
_CYCLES = 4
_TRIED = 20


class ArimaForecaster(Spread):
    """A seasonal ARIMA, whose order and coefficients are those of the latest window that it is fitted on.

    The order is found step by step by AICc (Hyndman and Khandakar 2008); windows then are only filtered by the model,
    one of each series that is forecast. Of a window the last 200 steps count, or four seasons. Quantiles are those of
    the residuals of `most` rows, spread evenly, of those that it is fitted on.

    Fitted: `models_`, of each series order, seasonal order and coefficients by name.

    Raises:
        MissingPackage: the library is not installed.
    """

    def __init__(
        self,
        *,
        most: int = 200,
        levels: Sequence[float] | None = None,
        season: int | None = None,
        context: int | None = None,
        targets: int | None = None,
    ) -> None:
        self.most = most
        self.levels = levels
        self.season = season
        self.context = context
        self.targets = targets

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to windows `X` and the steps `y` behind them."""
        windows, targets = self._begun(X, y)
        own = self._tail(windows)
        self.models_ = [self._found(series) for series in own[-1]]
        some = np.unique(np.linspace(0, len(windows) - 1, min(len(windows), self.most)).astype(np.int64))
        self._spread(targets[some] - self._point(windows[some]))
        return self

    def _tail(self, windows: Floats) -> Floats:
        longest = max(_LONGEST, _CYCLES * (self.season or 1))
        return np.ascontiguousarray(windows[:, : self._many, -longest:])

    def _found(self, series: Floats) -> dict[str, Any]:
        """Order, seasonal order, and coefficients; a random walk where nothing varies, or nothing is found."""
        models, season = _library(), self.season or 1
        season = season if len(series) >= 2 * season else 1
        still = {"order": [0, 1, 0], "seasonal": [0, 0, 0], "season": 1, "coefficients": {}}
        if not np.ptp(series):
            return still
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of orders that are tried and left
                found = models.AutoARIMA(season_length=season, approximation=True, nmodels=_TRIED).fit(series).model_
        except (ValueError, np.linalg.LinAlgError):
            return still
        p, q, seasonal_p, seasonal_q, season, d, seasonal_d = (int(each) for each in found["arma"])
        coefficients = {name: float(value) for name, value in found["coef"].items()}
        return {
            "order": [p, d, q],
            "seasonal": [seasonal_p, seasonal_d, seasonal_q],
            "season": season,
            "coefficients": coefficients,
        }

    def _point(self, windows: Floats) -> Floats:
        own = self._tail(windows)
        told = [
            [_told(model, series, self.horizon_) for model, series in zip(self.models_, row, strict=True)]
            for row in own
        ]
        return np.asarray(told).reshape(len(windows), -1)

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "models": self.models_}

    def set_tensors(self, tensors: Mapping[str, Any], state: Mapping[str, Any]) -> Self:
        self.models_ = list(state["models"])
        return super().set_tensors(tensors, state)


def _told(model: Mapping[str, Any], series: Floats, horizon: int) -> Floats:
    """(horizon,); the last value where the window never changes, or the library finds nothing."""
    coefficients = model["coefficients"]
    if not np.ptp(series) or not (coefficients or any(model["order"]) or any(model["seasonal"])):
        return np.full(horizon, series[-1])
    made = _library().ARIMA(
        order=tuple(model["order"]),
        season_length=model["season"],
        seasonal_order=tuple(model["seasonal"]),
        include_mean="intercept" in coefficients,
        include_drift="drift" in coefficients,
        fixed=dict(coefficients),
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            told = np.asarray(made.forecast(y=series, h=horizon)["mean"], dtype=np.float64)
    except (ValueError, np.linalg.LinAlgError):
        return np.full(horizon, series[-1])
    return np.where(np.isfinite(told), told, series[-1])


def _library() -> Any:
    if not installed("statsforecast"):
        raise MissingPackage(f"statsforecast is not installed; get it with: {install_command('statsforecast')}")
    from statsforecast import models

    return models
