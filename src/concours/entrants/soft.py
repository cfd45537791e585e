"""Fitting to soft labels: shares of the classes, where others are fitted to one class a row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import RecipeError
from concours.entrants.apart import learn
from concours.entrants.fitting import Fitted, fit
from concours.entrants.wishes import Wishes, takes_weights
from concours.kernels.rows.kin import Kin

Floats = NDArray[np.float64]

_LEAST = 1e-3
"""Shares below count as nothing: a row of its own would cost more than it tells."""


def teachable(estimator: Any, classes: int | None) -> bool:
    """Whether it can be fitted to soft labels: numbers, or shares of classes by what its fit takes."""
    probable = getattr(estimator, "learns_shares", False) or (
        takes_weights(estimator) and hasattr(estimator, "predict_proba")
    )
    return classes == 0 or bool(classes and probable)


def fit_soft(
    estimator: Any, x: Any, told: Floats, classes: int, *, weights: Floats, wishes: Wishes, kin: Kin
) -> Fitted:
    """Fits an estimator to what was told of rows: (rows, classes) shares that sum to one, or (rows, 1) numbers.

    A network of the zoo learns shares as they are. Any other classifier is fitted on each row once for each class that
    has a share, weighted by that: its loss is a sum over rows, so that this is the loss of the shares.

    Args:
        weights: (rows,) of the rows, 1 on average of those above 0; rows of weight 0 are left out.
        kin: how rows belong together; copies of one row always do.

    Raises:
        RecipeError: its fit takes no weights, or it says no probabilities.
    """
    if not teachable(estimator, classes):
        kind = type(estimator).__name__
        raise RecipeError(f"{kind} cannot be taught: a student's fit takes sample_weight, and it has predict_proba")
    if not classes:
        return fit(estimator, x, told[:, 0], 0, calibrate=False, weights=weights, wishes=wishes, kin=kin)
    if getattr(estimator, "learns_shares", False):
        return _fit_network(estimator, x, told, weights, kin)
    rows, codes = np.nonzero(np.where(weights[:, None] > 0, told, 0.0) > _LEAST)
    seen, labels = np.unique(codes, return_inverse=True)
    if len(seen) == 1:
        hard = np.full(len(told), seen[0])
        return fit(estimator, x, hard, classes, calibrate=False, weights=weights, wishes=wishes, kin=kin)
    shares = told[rows, codes] * weights[rows]
    each = wishes.weights(labels, seen, shares)
    estimator = wishes.named(wishes.applied(estimator, x), seen)
    copies = x.iloc[rows].reset_index(drop=True) if hasattr(x, "iloc") else x[rows]
    learn(estimator, copies, labels, kin=kin.some(rows), weights=each, classes=len(seen))
    return Fitted(estimator, seen, classes, len(told))


def _fit_network(estimator: Any, x: Any, told: Floats, weights: Floats, kin: Kin) -> Fitted:
    some = np.flatnonzero(weights > 0)
    x = x if len(some) == len(told) else x.iloc[some].reset_index(drop=True) if hasattr(x, "iloc") else x[some]
    estimator.keep_together(replace(kin, groups=kin.groups[some]))
    estimator.fit_shares(x, told[some], None if np.ptp(weights[some]) == 0 else weights[some])
    return Fitted(estimator, np.arange(told.shape[1]), told.shape[1], len(some))
