"""Thompson sampling on normal beliefs, with the probability of each choice, and a bound on what it explores.

Thompson (1933) draws a quality of each offer from what is believed of it, and takes the best of what was drawn. Here
the probabilities with which that takes each are computed first, and one choice is drawn from them: whatever error the
integral has, the probability that is written down is the one of the draw. What follows from it by weights of one over
the probability (Horvitz and Thompson 1952) is then without bias.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]

_STEPS = np.linspace(-8.0, 8.0, 129)
"""Where a normal distribution is looked at, in its standard deviations."""
_LEAST = 1e-9
"""Of a standard deviation, as a share of the largest number around: equal qualities without errors halve the odds."""


def odds(means: Floats, sds: Floats, slack: float = 0.0) -> Floats:
    """The probability of each offer to be the first, in the order given, that is drawn within `slack` of the best.

    The offers stand by preference, the cheapest or the quickest first. With no slack that is Thompson sampling.

    Args:
        means, sds: (offers,), of independent normal beliefs; greater is better.
        slack: in units of the quality, 0 or more.

    Returns:
        (offers,), 0 or more, of sum 1, right to about 1e-3.

    Law: none of the first i is taken where all of them were drawn below m - slack, m being the best of the rest; that
    has the probability S_i = ∫ A_i(m - slack) dB_i(m), of the products A_i of the first i distribution functions and
    B_i of the others, and the odds are S_i - S_(i+1).
    """
    scale = max(1.0, float(np.abs(means).max()), float(sds.max()), slack)
    sds = np.maximum(sds, _LEAST * scale)
    own = (means[:, None] + sds[:, None] * _STEPS).ravel()
    at = np.unique(np.concatenate([own, own + slack]))
    below = ndtr((at - means[:, None]) / sds[:, None])
    shifted = ndtr((at - slack - means[:, None]) / sds[:, None])
    first = np.cumprod(shifted, axis=0)[:-1]
    rest = np.cumprod(below[::-1], axis=0)[::-1][1:]
    survive = ((first[:, 1:] + first[:, :-1]) / 2 * np.diff(rest, axis=1)).sum(axis=1)
    found = np.clip(-np.diff(np.concatenate([[1.0], survive, [0.0]])), 0.0, None)
    return np.asarray(found / found.sum(), dtype=np.float64)


def leader(means: Floats, slack: float = 0.0) -> int:
    """The first offer, in the order given, whose mean is within `slack` of the best."""
    return int(np.flatnonzero(means >= means.max() - slack)[0])


def bounded(odds: Floats, leader: int, exploration: float) -> Floats:
    """The odds, so changed that at most a share `exploration` goes to others than the leader, and some to each.

    Half of the share is spread evenly, so that each offer can be judged; the other half bounds what the odds give to
    others, which are scaled down where they want more.

    Law: of n offers each has at least `exploration` / 2n; all but the leader together have at most `exploration`; with
    `exploration` 0 the leader has all.
    """
    half = exploration / 2
    away = 1.0 - odds[leader]
    scaled = odds * min(1.0, half / away) if away > 0 else odds.copy()
    scaled[leader] = 1.0 - (scaled.sum() - scaled[leader])
    return np.asarray((1 - half) * scaled + half / len(odds), dtype=np.float64)
