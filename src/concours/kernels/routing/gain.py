"""What another way to choose would have scored on the same requests, and what ours gained on it, without bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Gain:
    """A mean score, or a difference of two, with its standard error (NaN of fewer than two requests).

    Attributes:
        requests: how many it is the mean of.
    """

    mean: float
    stderr: float
    requests: int


def value(scores: Floats, propensities: Floats, target: Floats, middle: float = 0.0) -> Gain:
    """The mean score that another way to choose would have had: inverse-propensity weighting.

    Args:
        scores: (requests,), of the offer that was chosen.
        propensities: (requests,), above 0: the probability with which it was chosen.
        target: (requests,), the probability with which the other way would have chosen the same.
        middle: a number chosen before the scores were seen, near them: the nearer, the smaller the standard error.

    Law: where every offer that the other way may choose had a propensity above 0, the mean over what was drawn is the
    mean score of the other way, whatever the scores and `middle`. (Horvitz and Thompson 1952.)
    """
    return _mean(middle + target / propensities * (scores - middle))


def gain(scores: Floats, propensities: Floats, target: Floats, middle: float = 0.0) -> Gain:
    """How much more was scored than another way to choose would have had, request by request.

    Args and law as of `value`; the standard error is that of the differences.
    """
    return _mean((1 - target / propensities) * (scores - middle))


def _mean(each: Floats) -> Gain:
    count = len(each)
    stderr = float(each.std(ddof=1) / np.sqrt(count)) if count > 1 else float("nan")
    return Gain(mean=float(each.mean()) if count else float("nan"), stderr=stderr, requests=count)
