"""Forecasts by quantiles row by row: what the metrics of series are means of.

A row is an origin. Targets are (rows, steps), in the unit of the series, the horizon of one series behind that of the
other where several are forecast; predictions (rows, steps * levels), for each step its quantiles one behind the other.
The point forecast of a step is its median. What errors are measured in is (series,), or one number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def by_step(p: Floats, levels: Floats) -> Floats:
    """Predictions (rows, steps * levels) as (rows, steps, levels)."""
    return p.reshape(len(p), -1, len(levels))


def medians(p: Floats, levels: Floats) -> Floats:
    """The point forecasts, (rows, steps): the quantile nearest to one half."""
    return np.asarray(by_step(p, levels)[:, :, int(np.abs(levels - 0.5).argmin())])


def scaled_errors(y: Floats, p: Floats, *, levels: Floats, scale: Floats | float) -> Floats:
    """Mean absolute errors over the steps, in units of `scale`, (rows,) (Hyndman and Koehler 2006).

    Args:
        scale: of each series: the mean absolute error of the seasonal naive forecast one season ahead, in the training
            part. A score below 1 is then better than that.
    """
    return np.asarray(np.abs((medians(p, levels) - y) / _by_step(scale, y)).mean(axis=1))


def scaled_squares(y: Floats, p: Floats, *, levels: Floats, scale: Floats | float) -> Floats:
    """Mean squared errors over the steps, in squares of `scale`, (rows,)."""
    return np.asarray(np.square((medians(p, levels) - y) / _by_step(scale, y)).mean(axis=1))


def _by_step(scale: Floats | float, y: Floats) -> Floats:
    """(steps,): what is said of each series, for each of its steps."""
    each = np.atleast_1d(np.asarray(scale, dtype=np.float64))
    return np.repeat(each, y.shape[1] // len(each))


def quantile_losses(y: Floats, p: Floats, *, levels: Floats) -> Floats:
    """(rows, 2): twice the mean pinball loss over horizon and levels, and the mean absolute target over the horizon."""
    short = y[:, :, None] - by_step(p, levels)
    losses = np.maximum(levels * short, (levels - 1) * short).mean(axis=(1, 2))
    return np.stack([2 * losses, np.abs(y).mean(axis=1)], axis=1)


def ratio(means: Floats) -> Floats:
    """The first of two means as a share of the second; undefined where that is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = means[..., 0] / means[..., 1]
    return np.where(means[..., 1] > 0, found, np.nan)


def symmetric_errors(y: Floats, p: Floats, *, levels: Floats) -> Floats:
    """Absolute errors as shares of the mean of the sizes of target and forecast, over the horizon, (rows,): 0 to 2.

    A step whose target and forecast are both 0 has no error (Makridakis, Spiliotis and Assimakopoulos 2020).
    """
    told = medians(p, levels)
    sizes = np.abs(y) + np.abs(told)
    shares = np.divide(2 * np.abs(y - told), sizes, out=np.zeros_like(sizes), where=sizes > 0)
    return np.asarray(shares.mean(axis=1))


def covered(y: Floats, p: Floats, *, levels: Floats) -> Floats:
    """The share of the steps whose target lies between the outer quantiles, these included, (rows,)."""
    steps = by_step(p, levels)
    return np.asarray(((steps[:, :, 0] <= y) & (y <= steps[:, :, -1])).mean(axis=1))


def seasonal_scale(values: Floats, season: int) -> float:
    """The mean absolute difference of values (steps,) that lie one season apart; those not known (NaN) do not count.

    One step apart where it repeats its season to the digit, or is too short for two; 0 where it never changes.
    """
    for lag in (season, 1):
        apart = np.abs(values[lag:] - values[:-lag])
        known = apart[np.isfinite(apart)]
        if known.any():  # one is above 0
            return float(known.mean())
    return 0.0
