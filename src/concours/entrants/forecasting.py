"""Forecasters: estimators from windows of a series to quantiles of its next steps.

Rows `X` (n, context * channels) hold the last `context` steps of each channel, one channel behind the other, those that
are forecast first; targets `y` (n, steps) are the `horizon` steps behind of each of these, one series behind the other.
Rows come in the order of time. `predict` gives (n, steps * levels): for each step its quantiles in rising order.

Where several series are forecast, one model learns of them all, each by itself in units of its own, with the channels
that are none beside it: what one sees is a series, and not which (Nie et al. 2023, "channel independence").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.utils.validation import check_is_fitted

Array = NDArray[Any]
Floats = NDArray[np.float64]

LEVELS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_APART = 0.25
_FEWEST = 12
_PENALTIES = (1.0, 10.0, 100.0, 1000.0, 3000.0, 10_000.0)
_TOLD_FROM = ("last", "mean")
_NEAR = 6
_CYCLES = 3


class Forecaster(RegressorMixin, BaseEstimator):
    """What the forecasters share: what windows are made of.

    `context`: steps of a channel in a row; None: all of it, of one channel. `season`: after how many steps the series
    repeats itself; None: 1. `levels`: of the quantiles; None: nine from 0.1 to 0.9. `targets`: how many of the channels
    are forecast; None: 1.

    Fitted: `horizon_`; `n_features_in_`; `centre_of_`, `unit_of_` (targets,) of the series.
    """

    levels: Sequence[float] | None
    season: int | None
    context: int | None
    targets: int | None

    def _windows(self, X: ArrayLike) -> Floats:
        """(n, channels, context), finite."""
        rows = np.asarray(X, dtype=np.float64)
        context = self.context or (rows.shape[1] if rows.ndim == 2 else 0)
        if rows.ndim != 2 or not rows.size or rows.shape[1] % context:
            raise ValueError(f"X must be windows (n, channels * {context}) with n above 0; got shape {rows.shape}")
        known = getattr(self, "n_features_in_", rows.shape[1])
        if rows.shape[1] != known:
            raise ValueError(f"X must have {known} columns, as in fit; got {rows.shape[1]}")
        if not np.isfinite(rows).all():
            raise ValueError("X must be finite; got NaN or infinite values")
        return rows.reshape(len(rows), -1, context)

    def _targets(self, y: ArrayLike, rows: int) -> Floats:
        """(n, targets * horizon), finite."""
        targets = np.asarray(y, dtype=np.float64)
        if targets.ndim != 2 or len(targets) != rows or targets.shape[1] % self._many or not np.isfinite(targets).all():
            raise ValueError(f"y must be finite numbers ({rows}, {self._many} * horizon); got shape {targets.shape}")
        self.horizon_ = targets.shape[1] // self._many
        return targets

    def _begun(self, X: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        self.__dict__.pop("n_features_in_", None)
        windows = self._windows(X)
        self.n_features_in_ = windows.shape[1] * windows.shape[2]
        if windows.shape[1] < self._many:
            raise ValueError(f"X must have a channel for each of {self._many} targets; got {windows.shape[1]}")
        self.centre_of_, self.unit_of_ = units_of(windows[:, : self._many])
        return windows, self._targets(y, len(windows))

    @property
    def _many(self) -> int:
        return self.targets or 1

    def _each(self, windows: Floats) -> Floats:
        """(n * targets, channels, context): each series in its unit, and the channels that are not forecast."""
        if self._many == 1:
            return windows
        rows, _, context = windows.shape
        own = (windows[:, : self._many] - self.centre_of_[:, None]) / self.unit_of_[:, None]
        beside = windows[:, None, self._many :]
        shape = (rows, self._many, beside.shape[2], context)
        each = np.concatenate([own[:, :, None], np.broadcast_to(beside, shape)], axis=2)
        return each.reshape(rows * self._many, -1, context)

    def _steps_of_each(self, targets: Floats) -> Floats:
        """(n * targets, horizon): the steps of each series in its unit."""
        if self._many == 1:
            return targets
        steps = targets.reshape(len(targets), self._many, -1)
        return ((steps - self.centre_of_[:, None]) / self.unit_of_[:, None]).reshape(-1, steps.shape[2])

    def _together(self, told: Floats) -> Floats:
        """(n, steps[, levels]) of what is said of each series in its unit, (n * targets, horizon[, levels])."""
        if self._many == 1:
            return told
        steps = told.reshape(-1, self._many, *told.shape[1:])
        shape = (self._many, *[1] * (steps.ndim - 2))
        whole = steps * self.unit_of_.reshape(shape) + self.centre_of_.reshape(shape)
        return np.asarray(whole.reshape(len(whole), -1, *told.shape[2:]))

    @property
    def _levels(self) -> Floats:
        return np.asarray(LEVELS if self.levels is None else self.levels)


class Spread(Forecaster):
    """Forecasters of a point a step, around which quantiles lie as residuals of other rows did.

    Fitted: `spread_` (steps, levels), quantiles of the residuals.
    """

    _TENSORS: tuple[str, ...] = ("spread_", "centre_of_", "unit_of_")

    def _point(self, windows: Floats) -> Floats:
        """(n, steps)."""
        raise NotImplementedError

    def _spread(self, residuals: Floats) -> None:
        self.spread_ = np.quantile(residuals, self._levels, axis=0).T

    def predict(self, X: ArrayLike) -> Floats:
        """Quantiles (n, steps * levels)."""
        check_is_fitted(self, "spread_")
        return (self._point(self._windows(X))[:, :, None] + self.spread_).reshape(len(np.asarray(X)), -1)

    def get_tensors(self) -> dict[str, Array]:
        """Everything learned, by name."""
        check_is_fitted(self, "spread_")
        return {name: np.ascontiguousarray(getattr(self, name)) for name in self._TENSORS}

    def get_state(self) -> dict[str, Any]:
        """Everything else that was fitted, as JSON can hold it."""
        return {"horizon": self.horizon_, "features": self.n_features_in_}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        """Become fitted as the estimator was whose `get_tensors()` and `get_state()` these are; returns self."""
        for name in self._TENSORS:
            setattr(self, name, np.asarray(tensors[name], dtype=np.float64))
        self.horizon_, self.n_features_in_ = state["horizon"], state["features"]
        return self


class SeasonalNaive(Spread):
    """A step is what it was one season before, or, where a window has no whole season, the last value.

    Quantiles are those of the residuals of the rows that it is fitted on.
    """

    def __init__(
        self,
        *,
        levels: Sequence[float] | None = None,
        season: int | None = None,
        context: int | None = None,
        targets: int | None = None,
    ) -> None:
        self.levels = levels
        self.season = season
        self.context = context
        self.targets = targets

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to windows `X` and the steps `y` behind them."""
        windows, targets = self._begun(X, y)
        self._spread(targets - self._point(windows))
        return self

    def _point(self, windows: Floats) -> Floats:
        season = self.season or 1
        back = season if season <= windows.shape[2] else 1
        own = windows[:, : self._many, windows.shape[2] - back + np.arange(self.horizon_) % back]
        return own.reshape(len(windows), -1)


class RidgeForecaster(Spread):
    """A linear map from all lags of all channels to how each step differs from the window, with a penalty.

    A window is told from its last value, or from its mean, and so is what follows (Zeng et al. 2023; Toner and Darlow
    2024). Which of these, and which of `penalties`, is what has the least absolute error on the last quarter of the
    rows, fitted on the others; quantiles are those of the residuals there, around the map that is then fitted to all
    rows.

    Fitted: `coef_` (horizon, features), `intercept_` (horizon,), `centre_`, `deviation_` (features,), `penalty_`,
    `told_from_`.
    """

    _TENSORS = ("spread_", "centre_of_", "unit_of_", "coef_", "intercept_", "centre_", "deviation_")

    def __init__(
        self,
        *,
        penalties: Sequence[float] = _PENALTIES,
        levels: Sequence[float] | None = None,
        season: int | None = None,
        context: int | None = None,
        targets: int | None = None,
    ) -> None:
        self.penalties = penalties
        self.levels = levels
        self.season = season
        self.context = context
        self.targets = targets

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to windows `X` and the steps `y` behind them."""
        windows, targets = self._begun(X, y)
        seen, unseen = parted(len(windows), gap=self.horizon_ - 1)
        tried = []
        for told_from in _TOLD_FROM:
            for penalty in self._fitted(windows[seen], targets[seen], self.penalties, told_from):
                residuals = targets[unseen] - self._point(windows[unseen])
                in_units = np.abs(residuals) / np.repeat(self.unit_of_, self.horizon_)
                tried.append((float(in_units.mean()), told_from, penalty, residuals))
        _, told_from, penalty, residuals = min(tried, key=lambda each: each[0])
        self._spread(residuals - np.median(residuals, axis=0))
        list(self._fitted(windows, targets, [penalty], told_from))
        return self

    def _fitted(self, windows: Floats, targets: Floats, penalties: Sequence[float], told_from: str) -> Iterator[float]:
        """Becomes fitted with each of the penalties in turn."""
        self.told_from_ = told_from
        each, steps = self._each(windows), self._steps_of_each(targets)
        lags, level = self._lags(each)
        self.centre_, deviation = lags.mean(axis=0), lags.std(axis=0)
        self.deviation_ = np.where(deviation > 0, deviation, 1.0)
        moved = steps - level
        self.intercept_ = moved.mean(axis=0)
        solve = ridge((lags - self.centre_) / self.deviation_, moved - self.intercept_)
        for penalty in penalties:
            self.penalty_, self.coef_ = penalty, np.ascontiguousarray(solve(penalty).T)
            yield penalty

    def _point(self, windows: Floats) -> Floats:
        lags, level = self._lags(self._each(windows))
        return self._together((lags - self.centre_) / self.deviation_ @ self.coef_.T + self.intercept_ + level)

    def _lags(self, windows: Floats) -> tuple[Floats, Floats]:
        """(n, features): all lags of each channel from its level, and these; and (n, 1) that of the one forecast."""
        levels = windows[:, :, -1] if self.told_from_ == "last" else windows.mean(axis=2)
        lags = (windows - levels[:, :, None]).reshape(len(windows), -1)
        return np.concatenate([lags, levels], axis=1), levels[:, :1]

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "penalty": self.penalty_, "told_from": self.told_from_}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.penalty_, self.told_from_ = state["penalty"], state["told_from"]
        return super().set_tensors(tensors, state)


class BoostedForecaster(Forecaster):
    """Boosted trees with the loss of each quantile, for all steps at once: how far ahead one is, is a feature.

    The others are the last changes of the series, the same phase of earlier seasons, how the window stands to its mean,
    and the last state of the other channels; all but these are told from the last value, and so is the target. Of many
    rows and steps `most` are drawn.

    `max_iter`, `learning_rate`, `max_leaf_nodes`: as of scikit-learn's boosting. Fitted: `trees_`, one a level.
    """

    def __init__(
        self,
        *,
        max_iter: int = 60,
        learning_rate: float = 0.1,
        max_leaf_nodes: int = 15,
        most: int = 15_000,
        levels: Sequence[float] | None = None,
        season: int | None = None,
        context: int | None = None,
        targets: int | None = None,
        random_state: int | None = None,
    ) -> None:
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.max_leaf_nodes = max_leaf_nodes
        self.most = most
        self.levels = levels
        self.season = season
        self.context = context
        self.targets = targets
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to windows `X` and the steps `y` behind them."""
        windows, targets = self._begun(X, y)
        each = self._each(windows)
        features = self._features(each)
        moved = (self._steps_of_each(targets) - each[:, 0, -1:]).ravel()
        if len(moved) > self.most:
            some = np.random.default_rng(self.random_state).permutation(len(moved))[: self.most]
            features, moved = features[some], moved[some]
        self.trees_ = [
            HistGradientBoostingRegressor(
                loss="quantile",
                quantile=float(level),
                max_iter=self.max_iter,
                learning_rate=self.learning_rate,
                max_leaf_nodes=self.max_leaf_nodes,
                early_stopping=False,
                random_state=self.random_state,
            ).fit(features, moved)
            for level in self._levels
        ]
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Quantiles (n, steps * levels); those that cross are put in order."""
        check_is_fitted(self, "trees_")
        each = self._each(self._windows(X))
        features = self._features(each)
        moved = np.stack([tree.predict(features) for tree in self.trees_], axis=-1)
        told = self._together(moved.reshape(len(each), self.horizon_, -1) + each[:, 0, -1][:, None, None])
        return np.sort(told, axis=2).reshape(len(told), -1)

    def _features(self, windows: Floats) -> Floats:
        """(n * horizon, features); gaps where a window does not reach."""
        own, last = windows[:, 0], windows[:, 0, -1:]
        rows, channels, context = windows.shape
        season = self.season or 1
        near = own[:, ::-1][:, 1 : _NEAR + 1] - last
        spans = sorted({min(span, context) for span in (season, 2 * season, context)})
        means = [own[:, -span:].mean(axis=1, keepdims=True) - last for span in spans]
        others = windows[:, 1:, -1]
        level = windows[:, 1:].mean(axis=2)
        alike = np.concatenate([last, near, *means, own.std(axis=1, keepdims=True), others, others - level], axis=1)
        steps = np.arange(1, self.horizon_ + 1)
        columns = [np.broadcast_to(steps, (rows, self.horizon_))]
        for cycle in range(_CYCLES):
            for beside in (-1, 0, 1) if cycle == 0 and season > 1 else (0,):
                columns += [found - last for found in _same_phase(own, steps, season, cycle, beside)]
        columns += [f for channel in range(1, channels) for f in _same_phase(windows[:, channel], steps, season, 0, 0)]
        stepwise = np.stack(columns, axis=2)
        whole = np.broadcast_to(alike[:, None], (rows, self.horizon_, alike.shape[1]))
        return np.concatenate([stepwise, whole], axis=2).reshape(rows * self.horizon_, -1)


def ridge(x: Floats, y: Floats) -> Callable[[float], Floats]:
    """From a penalty above 0 to the coefficients (features, outputs) with the least squared error and penalty.

    `x` (n, features) and `y` (n, outputs) have columns of mean 0. What takes long is done once: the eigenvectors of
    the smaller of the two matrices of products (Hoerl and Kennard 1970).
    """
    wide = x.shape[1] > x.shape[0]
    values, vectors = np.linalg.eigh(x @ x.T if wide else x.T @ x)
    values = np.maximum(values, 0)
    turned = vectors.T @ (y if wide else x.T @ y)

    def solved(penalty: float) -> Floats:
        found = vectors @ (turned / (values + penalty)[:, None])
        return x.T @ found if wide else found

    return solved


def units_of(series: Floats) -> tuple[Floats, Floats]:
    """Mean and deviation of each series of windows (n, series, context), (series,) each; of constants 1."""
    deviation = series.std(axis=(0, 2))
    return series.mean(axis=(0, 2)), np.where(deviation > 0, deviation, 1.0)


def parted(rows: int, *, gap: int = 0) -> tuple[slice, slice]:
    """Rows in the order of time to fit on, and the last quarter to judge by; of few rows all are both.

    Args:
        gap: so many rows before those that judge are in neither part, as their steps reach into it; but where fewer
            would be left to fit on than to judge by, all are fitted on.
    """
    if rows < _FEWEST:
        return slice(None), slice(None)
    first = rows - int(rows * _APART)
    last = first - gap if first - gap >= rows - first else first
    return slice(0, last), slice(first, rows)


def _same_phase(values: Floats, steps: NDArray[np.int64], season: int, cycle: int, beside: int) -> Iterator[Floats]:
    """(n, horizon): values (n, context) of the same phase as each step, some seasons before the last known one, with
    gaps where windows do not reach; nothing where they reach no step.
    """
    context = values.shape[1]
    places = context - 1 + steps - (-(-steps // season) + cycle) * season + beside
    inside = (places >= 0) & (places < context)
    if inside.any():
        yield np.where(inside, values[:, np.clip(places, 0, context - 1)], np.nan)
