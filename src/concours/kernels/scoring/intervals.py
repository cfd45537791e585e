"""Intervals of scores: one rule for scores of two bounds, one for those of an upper bound, one for all others.

Each was taken because it holds what it promises at 200 rows; `benchmarks/coverage.py` prints how well.
"""

from __future__ import annotations

from functools import singledispatch

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm
from scipy.stats import t as student

from concours.kernels.scoring.scores import Means

Floats = NDArray[np.float64]

LEVEL = 0.95
"""What all intervals and tests hold, where nothing else is asked for."""
_ROUNDING = 1e-12
"""As near to a bound is at it."""


@singledispatch
def intervals(scores: Means, *, low: float = -np.inf, high: float = np.inf, level: float = LEVEL) -> Floats:
    """(k, 2) intervals of scores, each of which is in its own, within the bounds; NaN where nothing is known.

    Two finite bounds: a t interval of the log-odds of the place between them; at a bound, where no variance is seen,
    Wilson's for as many rows as tell of the rarest class. An upper bound alone: a t interval of the logarithm of the
    distance to it. Else: a t interval corrected for skewness (Hall 1992). Metrics of labels (`tables`) and areas
    (`areas`) have rules of their own.
    """
    z = float(student.isf((1 - level) / 2, max(scores.units - 1, 1)))
    if np.isfinite(low) and np.isfinite(high):
        found = _between(scores, z, low, high)
    elif np.isfinite(high):
        found = _below(scores, z, high)
    else:
        found = scores.means[:, None] - scores.stderr[:, None] * _hall(scores.skewness, z)
    held = np.stack([np.minimum(found[:, 0], scores.means), np.maximum(found[:, 1], scores.means)], axis=1)
    return np.full_like(held, np.nan) if scores.few else np.asarray(np.clip(held, low, high))


def share_intervals(shares: Floats, rows: float | Floats, *, level: float = LEVEL) -> Floats:
    """(k, 2) intervals of shares of `rows` that were hit (Wilson 1927); unlike normal ones, not empty at 0 and 1."""
    return _wilson(shares, rows, norm.isf((1 - level) / 2))


def _wilson(shares: Floats, rows: float | Floats, z: float) -> Floats:
    centre = (shares + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * np.sqrt(np.maximum(shares * (1 - shares) / rows, 0.0) + z**2 / (4 * rows**2))
    return np.asarray(np.clip(np.stack([centre - half, centre + half], axis=1), 0.0, 1.0))


def _between(scores: Means, z: float, low: float, high: float) -> Floats:
    """Of correlations between -1 and 1 the scale is Fisher's z (1921), of areas under ROC curves Pepe's (2003)."""
    width = high - low
    shares = (scores.means - low) / width
    shares = np.where(np.abs(shares - np.round(shares)) < _ROUNDING, np.round(shares), shares)
    slope = shares * (1 - shares)
    off = np.divide(scores.stderr / width, slope, out=np.zeros_like(shares), where=slope != 0)
    with np.errstate(divide="ignore"):
        ends = expit(logit(np.clip(shares, 0.0, 1.0))[:, None] + np.stack([-z * off, z * off], axis=1))
    at_a_bound = _wilson(np.clip(shares, 0.0, 1.0), max(scores.rarest, 1), z)
    return np.asarray(low + width * np.where((slope <= 0)[:, None], at_a_bound, ends))


def _below(scores: Means, z: float, high: float) -> Floats:
    distance = high - scores.means
    relative = np.divide(scores.stderr, distance, out=np.zeros_like(distance), where=distance > 0)
    return high - distance[:, None] * np.exp(np.stack([z * relative, -z * relative], axis=1))


def _hall(skewness: Floats, z: float) -> Floats:
    """(k, 2) quantiles, upper and lower, of an estimate's distance from the truth in standard errors.

    Hall's cubic of Student's t, which is monotone, so that it has an inverse, and takes away the skewness to the order
    of 1 / rows (Hall 1992, On the removal of skewness by transformation).
    """
    a, shift = skewness[:, None] / 3, skewness[:, None] / 6
    ends = np.array([[z, -z]])
    straight = np.abs(a) < 1e-9
    turned = (np.cbrt(1 + 3 * a * (ends - shift)) - 1) / np.where(straight, 1.0, a)
    return np.asarray(np.where(straight, ends, turned))
