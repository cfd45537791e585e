"""Complementarity: whether models err on the same rows, who is right where the best is wrong, and how few would do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.kernels.joining.criteria import Loss
from concours.kernels.joining.selection import greedy_selection

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

_WORST = 0.9
_HALVED = 0.5


def error_correlations(errors: Floats) -> Floats:
    """(k, k) correlations of the errors (k, rows) of models; not a number where a model errs on all rows alike.

    For classes an error is 0 or 1: whether a row is named wrongly, the ρ of Kuncheva and Whitaker (2003), "Measures of
    diversity in classifier ensembles". For numbers it is the residual with its sign: what a mean of models gains is
    the variance that is not shared (Krogh and Vedelsby 1995).
    """
    centred = errors - errors.mean(axis=1, keepdims=True)
    scale = np.sqrt(np.square(centred).sum(axis=1))
    scaled = np.divide(centred, scale[:, None], out=np.full(centred.shape, np.nan), where=scale[:, None] > 0)
    return np.asarray(np.clip(scaled @ scaled.T, -1.0, 1.0))


def double_faults(wrong: Marks) -> Floats:
    """(k, k): the share of rows that both of two models get wrong (Giacinto and Roli 2001), from marks (k, rows)."""
    marks = wrong.astype(np.float64)
    return np.asarray(marks @ marks.T / wrong.shape[1])


def far_off(errors: Floats, best: int) -> tuple[Marks, Marks]:
    """What counts as wrong and as right where a number is predicted, (k, rows) each.

    Wrong is who errs by as much as the best model does on its worst tenth of the rows; right is who errs by half of
    what the best does, or less.

    Args:
        errors: (k, rows), with or without signs.
    """
    sizes = np.abs(errors)
    return sizes >= np.quantile(sizes[best], _WORST), sizes <= _HALVED * sizes[best]


def rescued(mistakes: Marks, right: Marks) -> Floats:
    """(k,): the share of one model's mistakes (rows,) that each model gets right, (k, rows); not a number of none."""
    count = np.count_nonzero(mistakes)
    return right[:, mistakes].sum(axis=1) / count if count else np.full(len(right), np.nan)


def growing_alliances(
    predictions: Sequence[Floats],
    y: NDArray[Any],
    *,
    metric: str | Loss,
    steps: int,
    seed: int = 0,
    of_rows: Floats | None = None,
) -> list[Floats]:
    """Weights (k,) of alliances of one member, two, and so on: each has those of the one before, and the last is best.

    Members come in the order in which greedy selection picks them first; their weights are found by greedy selection
    among them alone. Arguments are those of `concours.kernels.joining.selection.greedy_selection`.
    """
    how: dict[str, Any] = {"metric": metric, "steps": steps, "seed": seed, "of_rows": of_rows}
    picks = greedy_selection(predictions, y, **how).picks
    order = list(dict.fromkeys(picks))
    found = []
    for size in range(1, len(order) + 1):
        members = order[:size]
        among = greedy_selection([predictions[i] for i in members], y, **how)
        weights = np.zeros(len(predictions))
        weights[members] = among.weights
        found.append(weights)
    return found
