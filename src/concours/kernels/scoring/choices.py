"""Scores of distributions over the choices of questions, each of which may have several right ones, row by row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def chosen_right(right: NDArray[np.int8], p: Floats) -> Floats:
    """1 where the most probable choice is right, else 0, (rows,).

    Of k equally probable ones, one of them right, it is 1/k, as who draws among them would have on average. A row of
    zeros, which names none, has 0.

    Choices that are right together, being the same text, count as one, with their probabilities added.

    Args:
        right: (rows, choices) 1 for a right choice.
        p: (rows, choices) at least 0.
    """
    on_right = np.where(right > 0, p, 0.0).sum(axis=1)
    wrong = np.where(right > 0, 0.0, p)
    best, level = wrong.max(axis=1), (wrong == on_right[:, None]).sum(axis=1)
    return np.where((on_right > 0) & (on_right >= best), 1.0 / (1 + level), 0.0)


def choice_log_losses(right: NDArray[np.int8], p: Floats) -> Floats:
    """Minus the logarithm of the probability given to what is right, in nats, (rows,), kept off 0 and 1 by the float's
    precision, as scikit-learn's `log_loss` does.

    Args:
        right, p: as of `chosen_right`.
    """
    eps = np.finfo(np.float64).eps
    return np.asarray(-np.log(np.clip(np.where(right > 0, p, 0.0).sum(axis=1), eps, 1 - eps)))
