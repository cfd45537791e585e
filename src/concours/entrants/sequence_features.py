"""From sequences (n, channels, steps), NaN where nothing is known, to matrices: statistics over time."""

from __future__ import annotations

from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

Floats = NDArray[np.float32]

_PARTS: Final = 5
_BLOCK: Final = 1 << 22
"""Values of a sequence that are worked on at a time."""


def sequences(X: ArrayLike) -> Floats:
    """Sequences as float32. Raises ValueError where they are none, or infinite somewhere."""
    found = np.asarray(X, dtype=np.float32)
    if found.ndim != 3 or not found.size:
        raise ValueError(f"X must be sequences (n, channels, steps) with n above 0; got shape {found.shape}")
    if np.isinf(found).any():
        raise ValueError("X must be finite or NaN; got infinite values")
    return found


def filled(X: ArrayLike) -> Floats:
    """Sequences without gaps: what is missing is the last known value of its channel before it, of a beginning the
    first one, and 0 of a channel that is nowhere known.
    """
    found = sequences(X)
    known = np.isfinite(found)
    if known.all():
        return found
    steps = np.arange(found.shape[2])
    last = np.maximum.accumulate(np.where(known, steps, -1), axis=2)
    first = np.where(known.any(axis=2), known.argmax(axis=2), 0)[:, :, None]
    return np.nan_to_num(np.take_along_axis(found, np.where(last < 0, first, last), axis=2))


class WindowStatistics(TransformerMixin, BaseEstimator):
    """How each channel is over time: a matrix (n, features) float32, standardised.

    Of each channel the mean, deviation, least, greatest and last value, the slope over all steps, the mean change from
    step to step, and the means over five stretches of equal length, which tell what comes first; and how many steps
    there are. What is missing counts for none of it; what nothing is known of, is as on average.
    """

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        self.fit_transform(X)
        return self

    def fit_transform(self, X: ArrayLike, y: object = None) -> Floats:
        """The same as `fit` and `transform`, in half of the time."""
        values = self._statistics(X)
        known = np.isfinite(values)
        count = np.maximum(known.sum(axis=0), 1)
        self.mean_ = np.where(known, values, 0).sum(axis=0) / count
        deviation = np.sqrt(np.where(known, np.square(values - self.mean_), 0).sum(axis=0) / count)
        self.deviation_ = np.where(deviation > 1e-7 * np.abs(self.mean_), deviation, 1.0)
        return self._standardised(values)

    def transform(self, X: ArrayLike) -> Floats:
        check_is_fitted(self, "mean_")
        return self._standardised(self._statistics(X))

    def _standardised(self, values: NDArray[np.float64]) -> Floats:
        return np.nan_to_num((values - self.mean_) / self.deviation_).astype(np.float32)

    @staticmethod
    def _statistics(X: ArrayLike) -> NDArray[np.float64]:
        rows = sequences(X)
        size = max(1, _BLOCK // (rows.shape[1] * rows.shape[2]))
        return np.concatenate([_statistics(rows[low : low + size]) for low in range(0, len(rows), size)])


def _statistics(rows: Floats) -> NDArray[np.float64]:
    """(n, features) of some sequences, NaN where nothing is known."""
    each = rows.astype(np.float64)
    known = np.isfinite(each)
    own: NDArray[np.bool_] = np.asarray(known.any(axis=1))
    steps = np.arange(each.shape[2])
    first, behind = own.argmax(axis=1), each.shape[2] - own[:, ::-1].argmax(axis=1)
    length = np.maximum(behind - first, 1)
    whole = np.where(known, each, 0.0)
    count = known.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = whole.sum(axis=2) / count
        apart = np.where(known, each - mean[:, :, None], 0.0)
        deviation = np.sqrt(np.square(apart).sum(axis=2) / count)
        middle = (known * steps).sum(axis=2) / count
        along = np.where(known, steps - middle[:, :, None], 0.0)
        slope = (along * apart).sum(axis=2) / np.maximum(np.square(along).sum(axis=2), 1.0)
        both = known[:, :, 1:] & known[:, :, :-1]
        change = np.where(both, np.abs(np.diff(whole, axis=2)), 0.0).sum(axis=2) / np.maximum(both.sum(axis=2), 1)
        place = ((steps - first[:, None]) * _PARTS) // length[:, None]
        parts = [
            (whole * (place == part)[:, None]).sum(axis=2) / (known & (place == part)[:, None]).sum(axis=2)
            for part in range(_PARTS)
        ]
    nothing = count == 0
    least = np.where(nothing, np.nan, np.where(known, each, np.inf).min(axis=2))
    greatest = np.where(nothing, np.nan, np.where(known, each, -np.inf).max(axis=2))
    at = each.shape[2] - 1 - known[:, :, ::-1].argmax(axis=2)
    last = np.take_along_axis(each, at[:, :, None], axis=2)[:, :, 0]
    columns = (mean, deviation, least, greatest, last, slope, change, *parts)
    told: NDArray[Any] = np.concatenate([*columns, own.sum(axis=1)[:, None]], axis=1)
    return told
