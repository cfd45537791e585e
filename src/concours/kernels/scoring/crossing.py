"""Intervals of cross-validation scores: the rows that judge also teach, so that they do not judge independently."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WIDER: Final = 2**0.5
"""By how much such an interval is wider than that of as many rows that taught nothing.

Two rows of different folds meet twice: one teaches the model that tells of the other, and the other way round. Where
what a model says hangs on single rows, on a neighbour, on the few of a leaf, or on chance since there is nothing to
learn, both losses rise and fall together, and the variance of their mean is up to twice that of independent rows. How
much it is cannot be told from one cross-validation (Bengio and Grandvalet 2004), so it is taken to be twice; so do
Nadeau and Bengio (2003), whose factor is 1 + k / (k - 1) for k folds.
"""


def crossed(intervals: Floats, scores: Floats, *, low: float = -np.inf, high: float = np.inf) -> Floats:
    """Intervals (k, 2) of scores (k,) for as many rows that also taught: `WIDER` to either side, within the bounds.

    Laws: hold the interval that they are given; NaN stays NaN.
    """
    middle = scores[:, None]
    return np.asarray(np.clip(middle + WIDER * (intervals - middle), low, high))
