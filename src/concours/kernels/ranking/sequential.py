"""Chances that hold where scores are looked at again and again as rows come, and one may stop at any look.

The p of a test holds for one look. Looked at after every round, two equal players are called apart sooner or later.
Here the difference is weighed against a normal prior of mean 0 instead (the mixture sequential probability ratio test
of Robbins 1970): the ratio of the two likelihoods is a martingale where nothing differs, and exceeds 1 / alpha at any
look ever with a probability of alpha at most (Ville 1939). Its inverse is an always valid p (Johari, Koomen, Pekelis
and Walsh 2022), and what it does not reject is a confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas
2024, whose asymptotics these are).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from concours.kernels.scoring.intervals import LEVEL
from concours.kernels.scoring.scores import Means

Floats = NDArray[np.float64]


def always_valid(p: Floats, variance: Floats, scale: float) -> Floats:
    """Of p of one look, two-sided, those that hold at all looks together; 1 where nothing varies.

    Laws: never less than `p`; at most alpha if and only if the difference is `reach(alpha, …)` standard errors or more.

    Args:
        p: of differences, by any test: taken as those of a normal one.
        variance: of these differences.
        scale: standard deviation of the differences that are looked for, in their unit, above 0. Chances hold whatever
            it is; differences about as great are found the soonest.
    """
    z = norm.isf(np.asarray(p) / 2)
    prior = _information(variance, scale)
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = np.square(z) / 2 / (1 + 1 / prior) - np.log1p(prior) / 2
    return np.where(np.isfinite(prior), np.minimum(np.exp(-np.maximum(ratio, 0.0)), 1.0), 1.0)


def one_sided_always(p: Floats, units: float) -> Floats:
    """Of chances 2 ** (1 - units) that so many rows all point one way, those that hold at all looks together.

    The ratio of the likelihoods of signs, any share of them equally probable beforehand, is 2 ** units over units + 1
    (Robbins 1970). Laws: never less than `p`, where there is a unit; a chance of 1 stays 1.
    """
    return np.asarray(np.minimum(np.asarray(p) * (units + 1) / 2, 1.0))


def reach(alpha: float, variance: Floats, scale: float, *, units: float = np.inf) -> Floats:
    """Half the width of a confidence sequence of 1 - alpha, in standard errors; infinite where nothing varies.

    Args:
        variance, scale: see `always_valid`.
        units: independent observations that the variance rests on: few of them make it wider, as Student's t.
    """
    prior = _information(variance, scale)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.sqrt((1 + 1 / prior) * (np.log1p(prior) - 2 * np.log(alpha)))
    return np.asarray(student.isf(norm.sf(z), max(units - 1, 1)))


def watched(ends: Floats, scores: Means, *, low: float, high: float, level: float = LEVEL) -> Floats:
    """Intervals (k, 2) of scores between two bounds, of one look, as wide as they hold at all looks together.

    By as much wider as a confidence sequence (`reach`) is than Student's t. A score at which no variance is seen has
    that of one row in all of the other kind.

    Laws: each holds the interval that it is made of, within the bounds; NaN stays NaN.
    """
    units = scores.units
    least = (high - low) ** 2 * (units + 1) / (units + 2) ** 2 / units
    variance = np.diag(scores.covariance)
    once = student.isf((1 - level) / 2, max(units - 1, 1))
    wider = reach(1 - level, np.where(variance > 0, variance, least), scores.sought, units=units) / once
    middle = scores.means[:, None]
    return np.asarray(np.clip(middle + np.maximum(wider, 1.0)[:, None] * (ends - middle), low, high))


def _information(variance: Floats, scale: float) -> Floats:
    """How many times as much the rows tell as the prior does."""
    found = np.asarray(variance, dtype=np.float64)
    return np.divide(scale**2, found, out=np.full_like(found, np.inf), where=found > 0)
