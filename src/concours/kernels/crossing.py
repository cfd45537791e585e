"""How sure cross-validation scores are: the rows that judge also teach, so that they do not judge independently."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scores import Means

Floats = NDArray[np.float64]

WIDER: Final = 2**0.5
"""By how much such a standard error, or interval, is wider than that of as many rows that taught nothing.

Two rows of different folds meet twice: one teaches the model that tells of the other, and the other way round. Where
what a model says hangs on single rows, on a neighbour, on the few of a leaf, or on chance since there is nothing to
learn, both losses rise and fall together, and the variance of their mean is up to twice that of independent rows. How
much it is cannot be told from one cross-validation (Bengio and Grandvalet 2004), so it is taken to be twice; so do
Nadeau and Bengio (2003), whose factor is 1 + k / (k - 1) for k folds.
"""


def crossed(spread: Floats, scores: Floats, *, low: float = -np.inf, high: float = np.inf) -> Floats:
    """Intervals (k, 2) of scores (k,) for as many rows that also taught: `WIDER` to either side, within the bounds.

    Or the scores without each batch of rows, (k, batches), as far away that standard errors from them are `WIDER`.
    Laws: intervals hold the interval that they are made of; NaN stays NaN.
    """
    middle = scores[:, None]
    return np.asarray(np.clip(middle + WIDER * (spread - middle), low, high))


def taught(scores: Means) -> Means:
    """The same scores, where the rows also taught: pairs are told apart by standard errors that are `WIDER`.

    What shows no variance is as probable as half as many rows would leave it. Only the evidence is another: intervals
    are made wider when they are made (`crossed`). Laws: no pair is certain that was not.
    """
    told = scores.tested
    unseen = min((WIDER**2 * told.unseen) ** (1 / WIDER**2), 1.0)
    return replace(scores, evidence=replace(told, covariance=WIDER**2 * told.covariance, unseen=unseen))
