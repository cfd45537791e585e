"""What is believed of a quality: a normal distribution that scores of single requests make narrower."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Belief:
    """A normal distribution of a mean score, greater is better.

    Attributes:
        mean, sd: in units of the score; `sd` is the standard error of what was measured.
        noise: the standard deviation of the score of one request.
    """

    mean: float
    sd: float
    noise: float


def updated(belief: Belief, count: float, total: float) -> Belief:
    """The belief after `count` more scores whose sum is `total`: the normal posterior of a mean, its noise known.

    Law: precisions add; `updated(updated(b, n, s), m, t) == updated(b, n + m, s + t)` up to rounding; an exact belief
    (`sd` 0) stays. (Gelman et al., Bayesian Data Analysis, 2013, section 2.5.)
    """
    if not count or not belief.sd:
        return belief
    if not belief.noise:
        return Belief(mean=total / count, sd=0.0, noise=0.0)
    before, after = belief.sd**-2, count * belief.noise**-2
    mean = (before * belief.mean + belief.noise**-2 * total) / (before + after)
    return Belief(mean=mean, sd=math.sqrt(1 / (before + after)), noise=belief.noise)
