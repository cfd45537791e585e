"""Means of what comes row by row, with intervals that hold at every look.

Within bounds the interval leaves out each mean against which an e-process has reached 1 / alpha (Ville 1939). Three are
joined, none of which has to know the others: likelihood ratios mixed over a Beta prior (Robbins 1970), which for shares
of rows nothing beats by much, and hold for any values within bounds (Howard, Ramdas, McAuliffe and Sekhon 2021); and
empirical Bernstein processes of either side, mixed over their one parameter (the same; Waudby-Smith and Ramdas 2024),
which are the narrower where values hardly vary. Without bounds it is an asymptotic confidence sequence
(`kernels.ranking.sequential`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, xlog1py, xlogy

from concours.kernels.ranking.sequential import reach

Floats = NDArray[np.float64]

_BETS = np.append(0.75, 0.5 ** np.arange(1, 12))
_TUNED = 500  # rows at which the interval without bounds is the narrowest that it could be
_ROUNDS, _STEPS = 6, 33  # to find the ends of an interval: each round divides what is left by 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """What is kept of values: a few numbers, however many rows there were.

    Attributes:
        rows: how many.
        total: their sum.
        spread: the sum of squares of what they are off their mean.
        surprise: the sum of squares of what each is off the mean of those before it, and of one of `guess`.
        guess: what was expected before the first.
    """

    rows: int = 0
    total: float = 0.0
    spread: float = 0.0
    surprise: float = 0.0
    guess: float = 0.0

    @property
    def mean(self) -> float:
        """Of the values; NaN of none."""
        return self.total / self.rows if self.rows else np.nan


def summed(sums: Sums, values: Floats) -> Sums:
    """The sums with more values (rows,).

    Law: values told at once are as those told one after the other.
    """
    if not len(values):
        return sums
    before = np.concatenate([[0.0], np.cumsum(values)[:-1]]) + sums.total + sums.guess
    expected = before / (sums.rows + np.arange(1, len(values) + 1))
    rows, own = sums.rows + len(values), float(np.mean(values))
    between = 0.0 if not sums.rows else (own - sums.mean) ** 2 * sums.rows * len(values) / rows
    return Sums(
        rows=rows,
        total=sums.total + float(np.sum(values)),
        spread=sums.spread + float(np.square(values - own).sum()) + between,
        surprise=sums.surprise + float(np.square(values - expected).sum()),
        guess=sums.guess,
    )


def interval(sums: Sums, *, low: float, high: float, alpha: float = 0.05) -> tuple[float, float]:
    """Where the mean is, at all looks together with a probability of 1 - alpha; of an unbounded one about so.

    The rows are those of a process whose mean, given what came before, stays what it is. Laws: it holds the mean of the
    values; it lies within the bounds; without a row it is they.

    Args:
        low, high: bounds of every value; where either is infinite, the interval rests on the variance, and is
            asymptotic.
    """
    if not sums.rows:
        return low, high
    if not np.isfinite(high - low):
        return _unbounded(sums, low, high, alpha)
    inside = np.full(2, sums.mean)
    outside = np.array([low, high])
    for _ in range(_ROUNDS):
        steps = inside + (outside - inside) * np.linspace(0.0, 1.0, _STEPS)[:, None]
        within = against(sums, steps, low=low, high=high) < -np.log(alpha)
        last = np.where(within.all(axis=0), _STEPS - 1, np.maximum(within.argmin(axis=0) - 1, 0))
        inside, outside = steps[last, [0, 1]], steps[np.minimum(last + 1, _STEPS - 1), [0, 1]]
    return float(outside[0]), float(outside[1])


def against(sums: Sums, means: Floats, *, low: float, high: float) -> Floats:
    """Logarithms of the e-process against means (...,) within finite bounds.

    Laws: convex in the mean; at most 0 at that of the values.
    """
    width = high - low
    scaled = np.clip((means - low) / width, 0.0, 1.0)
    hits = min(max((sums.total - sums.rows * low) / width, 0.0), sums.rows)
    misses, off = sums.rows - hits, hits - sums.rows * scaled
    ratio = betaln(hits + 0.5, misses + 0.5) - betaln(0.5, 0.5) - xlogy(hits, scaled) - xlog1py(misses, -scaled)
    price = (-np.log1p(-_BETS) - _BETS) * sums.surprise / width**2
    sides = np.abs(off)[..., None] * _BETS - price, -np.abs(off)[..., None] * _BETS - price
    both = np.logaddexp.reduce(np.concatenate(sides, axis=-1), axis=-1) - np.log(4 * len(_BETS))
    return np.asarray(np.logaddexp(ratio - np.log(2), both))


def _unbounded(sums: Sums, low: float, high: float, alpha: float) -> tuple[float, float]:
    if sums.rows < 2 or not sums.spread:
        return low, high
    variance = sums.spread / (sums.rows - 1)
    prior = np.sqrt(variance * (2 * np.log(1 / alpha) + np.log1p(2 * np.log(1 / alpha))) / _TUNED)
    half = float(reach(alpha, np.array(variance / sums.rows), prior, units=sums.rows)) * np.sqrt(variance / sums.rows)
    return max(low, sums.mean - half), min(high, sums.mean + half)
