"""Detectors of strange steps of series. None looks at labels."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from concours.entrants.anomaly_detectors import IsolationDetector
from concours.entrants.anomaly_scores import Detector, Floats, some

_BLOCK: Final = 4096
_LAGS: Final = 16


class PastSurprise(Detector):
    """How surprising a step is against the past of its own series, on average over all that is looked at.

    The mean of the logarithms of the conformal p-values that a row brings (`tasks.signals.past.surprises`), as ECOD
    adds up tails (Li et al. 2022), but each tail is that of the series so far. Only the scale of scores is fitted.
    """

    def __init__(self, *, window: int | None = None) -> None:
        self.window = window

    def _learn(self, rows: Floats, y: NDArray[Any]) -> None:
        del rows, y

    def _strange(self, rows: Floats) -> Floats:
        return np.asarray(self._surprises(rows).mean(axis=1))


class PastAlarm(PastSurprise):
    """How surprising a stretch was against the past of its own series at the most lately: an alarm that holds on.

    The highest in the last three windows of the mean of what `PastSurprise` says over an eighth of one, so that what is
    called is a range as long as people mark, and no flicker. Nothing is fitted but the scale of scores.
    """

    def _strange(self, rows: Floats) -> Floats:
        return self._lately(rows)


class PastForest(IsolationDetector):
    """An isolation forest of how surprising steps are against the past of their series, rather than of their values."""

    def _seen(self, rows: Floats) -> Floats:
        return self._surprises(rows)


class ForecastResidual(Detector):
    """How far off forecasts have been lately: each value of the window from the values before it, by a ridge.

    The score is the mean error of the last half of the window by that of the first, so that a series that is always
    hard to forecast is not strange for that (as the likelihood of Ahmad et al. 2017 compares late errors with earlier
    ones). No forecast sees the value that it is compared with.

    Fitted: `coef_` (lags,), `intercept_`.
    """

    def __init__(
        self, *, penalty: float = 1.0, most: int = 20_000, window: int | None = None, random_state: int | None = None
    ) -> None:
        self.penalty = penalty
        self.most = most
        self.window = window
        self.random_state = random_state

    def _learn(self, rows: Floats, y: NDArray[Any]) -> None:
        del y
        values = self._values(rows)[some(len(rows), self.most, self.random_state)]
        lags = _lags(values.shape[1])
        fitted = Ridge(alpha=self.penalty).fit(values[:, -lags - 1 : -1], values[:, -1])
        self.coef_, self.intercept_ = np.asarray(fitted.coef_).reshape(-1), float(fitted.intercept_)

    def _strange(self, rows: Floats) -> Floats:
        return np.concatenate([self._of(block) for block in _blocks(self._values(rows))])

    def _of(self, values: Floats) -> Floats:
        lags = len(self.coef_)
        before = np.lib.stride_tricks.sliding_window_view(values, lags, axis=1)[:, :-1]
        errors = np.abs(values[:, lags:] - (before @ self.coef_ + self.intercept_))
        half = errors.shape[1] // 2
        early = errors[:, :half].mean(axis=1) if half else np.zeros(len(errors))
        return np.asarray(errors[:, half:].mean(axis=1) / (early + errors.mean() + 1e-12))


class NearestWindow(Detector):
    """How far the shape of a window is from the nearest known ones, as a matrix profile tells (Yeh et al. 2016).

    Windows are centred; `most` of those that were fitted on are drawn to compare with, and the distance is that to the
    `neighbours`-th nearest, so that one strange window that was fitted on does not excuse another.

    Fitted: `known_` (windows, window).
    """

    def __init__(
        self, *, neighbours: int = 5, most: int = 1000, window: int | None = None, random_state: int | None = None
    ) -> None:
        self.neighbours = neighbours
        self.most = most
        self.window = window
        self.random_state = random_state

    def _learn(self, rows: Floats, y: NDArray[Any]) -> None:
        del y
        self.known_ = self._shapes(rows)[some(len(rows), self.most, self.random_state)]

    def _strange(self, rows: Floats) -> Floats:
        squares = (self.known_**2).sum(axis=1)
        nearest = min(self.neighbours, len(self.known_) - 1)
        found = [
            np.partition(squares - 2 * block @ self.known_.T, nearest, axis=1)[:, nearest] + (block**2).sum(axis=1)
            for block in _blocks(self._shapes(rows))
        ]
        return np.sqrt(np.maximum(np.concatenate(found), 0.0))

    def _shapes(self, rows: Floats) -> Floats:
        values = self._values(rows)
        return np.asarray(values - values.mean(axis=1, keepdims=True))


def _lags(window: int) -> int:
    return min(_LAGS, max(window // 2, 1))


def _blocks(values: Floats) -> list[Floats]:
    """Rows a few thousand at a time, so that what is made of them fits into memory."""
    return np.array_split(values, -(-len(values) // _BLOCK))
