"""Ratings that follow the battles one after the other, in the order of the file.

Each battle moves what the next one begins with, so that this is a plain loop over lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, exp, log, pi, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from concours.kernels.rating.votes import LEFT, TIE, Votes

Floats = NDArray[np.float64]

_NORMAL = NormalDist()


def elo(votes: Votes, models: int, *, k: float = 4.0, start: float = 1000.0, scale: float = 400.0) -> Floats:
    """Elo (1978) ratings after the last battle, (models,).

    Args:
        k: how many points a battle can move at most; 4 is what Chatbot Arena used.
        scale: a lead of so many points means odds of ten to one.
    """
    ratings = [start] * models
    steep = log(10) / scale
    won = np.select([votes.outcome == LEFT, votes.outcome == TIE], [k, k / 2], 0.0)
    for left, right, got in zip(votes.left.tolist(), votes.right.tolist(), won.tolist(), strict=True):
        a, b = ratings[left], ratings[right]
        move = got - k / (1.0 + exp((b - a) * steep))
        ratings[left] = a + move
        ratings[right] = b - move
    return np.array(ratings)


@dataclass(frozen=True, slots=True)
class Beliefs:
    """Normal beliefs about skills: means and standard deviations, (models,) each."""

    mean: Floats
    sigma: Floats


def trueskill(
    votes: Votes,
    models: int,
    *,
    mean: float = 25.0,
    sigma: float = 25.0 / 3,
    beta: float = 25.0 / 6,
    tau: float = 25.0 / 300,
    ties: float = 0.1,
) -> Beliefs:
    """TrueSkill for pairs (Herbrich, Minka and Graepel 2006): beliefs after the last battle.

    Args:
        mean, sigma: what is believed of a model before its first battle.
        beta: how much a performance scatters around the skill.
        tau: how much a skill may change from battle to battle.
        ties: how likely a tie is between equals.
    """
    margin = _NORMAL.inv_cdf((ties + 1) / 2) * sqrt(2) * beta
    means, variances = [mean] * models, [sigma**2] * models
    noise, drift = 2 * beta**2, tau**2
    rows = zip(votes.left.tolist(), votes.right.tolist(), votes.outcome.tolist(), strict=True)
    for left, right, outcome in rows:
        one, two = (left, right) if outcome in (LEFT, TIE) else (right, left)
        v1, v2 = variances[one] + drift, variances[two] + drift
        c = sqrt(v1 + v2 + noise)
        t, e = (means[one] - means[two]) / c, margin / c
        v, w = _tied(t, e) if outcome == TIE else _won(t - e)
        means[one] += v1 / c * v
        means[two] -= v2 / c * v
        variances[one] = v1 * (1 - v1 / c**2 * w)
        variances[two] = v2 * (1 - v2 / c**2 * w)
    return Beliefs(np.array(means), np.sqrt(variances))


def _won(x: float) -> tuple[float, float]:
    below = 0.5 * (1 + erf(x / sqrt(2)))
    if below < 1e-12:
        return -x, 1.0
    v = exp(-x * x / 2) / sqrt(2 * pi) / below
    return v, v * (v + x)


def _tied(t: float, e: float) -> tuple[float, float]:
    low, high = -e - t, e - t
    inside = 0.5 * (erf(high / sqrt(2)) - erf(low / sqrt(2)))
    if inside < 1e-12:
        return (low if t > 0 else high), 1.0
    at_low, at_high = exp(-low * low / 2) / sqrt(2 * pi), exp(-high * high / 2) / sqrt(2 * pi)
    v = (at_low - at_high) / inside
    return v, v * v + (high * at_high - low * at_low) / inside
