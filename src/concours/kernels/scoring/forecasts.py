"""Forecasts by quantiles row by row: what the metrics of series are means of.

A row is an origin. Targets are (rows, horizon), in the unit of the series; predictions (rows, horizon * levels), for
each step its quantiles one behind the other. The point forecast of a step is its median.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def by_step(p: Floats, levels: Floats) -> Floats:
    """Predictions (rows, horizon * levels) as (rows, horizon, levels)."""
    return p.reshape(len(p), -1, len(levels))


def medians(p: Floats, levels: Floats) -> Floats:
    """The point forecasts, (rows, horizon): the quantile nearest to one half."""
    return np.asarray(by_step(p, levels)[:, :, int(np.abs(levels - 0.5).argmin())])


def scaled_errors(y: Floats, p: Floats, *, levels: Floats, scale: float) -> Floats:
    """Mean absolute errors over the horizon, in units of `scale`, (rows,) (Hyndman and Koehler 2006).

    Args:
        scale: of the series: the mean absolute error of the seasonal naive forecast one season ahead, in the training
            part. A score below 1 is then better than that.
    """
    return np.asarray(np.abs(medians(p, levels) - y).mean(axis=1) / scale)


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
