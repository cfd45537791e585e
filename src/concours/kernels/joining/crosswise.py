"""Predictions calibrated, and decided on, crosswise: the rows of a part by what those of the others say."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.kernels.joining.calibration import temperature
from concours.kernels.joining.decisions import decision_weights
from concours.kernels.rows.kin import Kin
from concours.kernels.rows.weighing import among
from concours.kernels.scoring.counts import OfCounts
from concours.kernels.scoring.scores import log_losses

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_INNER = 5
_ENOUGH = 20


def better(y: Codes, told: Floats, p: Floats, weights: Floats | None) -> bool:
    """Whether some predictions have less log loss than others."""
    one, other = (np.average(log_losses(y, each), weights=weights) for each in (told, p))
    return bool(one < other)


def crossed(p: Floats, y: Codes, folds: Codes, weights: Floats | None = None) -> Floats:
    """The rows of each fold, calibrated by those of the others."""
    result = np.empty_like(p)
    for fold in np.unique(folds):
        held_out = folds == fold
        found = temperature(p[~held_out], y[~held_out], among(weights, ~held_out))
        result[held_out] = found.apply(p[held_out])
    return result


def decision_of(p: Floats, y: Codes, folds: Codes, metric: OfCounts, weights: Floats | None = None) -> dict[str, Any]:
    """Weights of the classes by all rows, and for each fold by the others."""
    others = (folds != fold for fold in range(int(folds.max()) + 1))
    return {
        "weights": decision_weights(p, y, metric, weights).tolist(),
        "fold_weights": [decision_weights(p[rows], y[rows], metric, among(weights, rows)).tolist() for rows in others],
    }


def as_on_board(
    p: Floats,
    y: NDArray[np.int64],
    counts: OfCounts | None,
    *,
    seed: int = 0,
    kin: Kin | None = None,
    weights: Floats | None = None,
) -> Floats:
    """Predictions calibrated where that makes them better, and weighted as they are decided on; crosswise both.

    Rows that belong together are in one part; where all do, or where rows are fewer than twenty, predictions stay as
    they are.

    Args:
        counts: the function of the confusion matrix by which to decide which class to name, if any.
        seed: of the division of the rows.
    """
    if len(y) < _ENOUGH:
        return p
    inner = np.random.default_rng(seed).permutation(len(y)) % _INNER
    if kin is not None:
        inner = kin.folds(_INNER, seed=seed)
        if not inner.any():
            return p
    told = crossed(p, y, inner, weights)
    p = told if better(y, told, p, weights) else p
    return p * np.asarray(decision_of(p, y, inner, counts, weights)["fold_weights"])[inner] if counts else p
