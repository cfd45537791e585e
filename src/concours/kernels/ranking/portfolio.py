"""Portfolios: which few of many models to run, by how they did on other data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def regrets(scores: Floats, baseline: Floats) -> Floats:
    """How far each score is from the best of its set, as a share of how far the baseline is, within 0 and 1.

    Args:
        scores: (sets, models), lower is better, NaN where a model could not be fitted.
        baseline: (sets,) scores of who knows nothing.

    Where nobody is better than the baseline, nobody regrets anything.
    """
    best = np.nanmin(scores, axis=1)
    width = baseline - best
    with np.errstate(divide="ignore", invalid="ignore"):
        away = (scores - best[:, None]) / width[:, None]
    away[width <= 0] = 0.0
    return np.where(np.isnan(scores), 1.0, np.clip(away, 0.0, 1.0))


def greedy_portfolio(regret: Floats) -> list[int]:
    """All models in the order in which each lowers the mean regret of the best so far the most, over all sets.

    Source: greedy portfolios of Auto-sklearn 2.0 (Feurer et al. 2022), after Xu et al. (2010). Of equals the one with
    the least mean regret alone comes first, then the first one.

    Args:
        regret: (sets, models), from `regrets`.

    Law: every beginning of the order is a greedy choice by itself; permuting sets changes nothing.
    """
    models = regret.shape[1]
    alone = regret.mean(axis=0)
    best, left, order = np.full(len(regret), np.inf), list(range(models)), list[int]()
    while left:
        means = {model: float(np.minimum(best, regret[:, model]).mean()) for model in left}
        chosen = min(left, key=lambda model: (round(means[model], 12), round(float(alone[model]), 12), model))
        order.append(chosen)
        left.remove(chosen)
        best = np.minimum(best, regret[:, chosen])
    return order
