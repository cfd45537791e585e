"""Portfolios: which few of many models to run, by how they did on other data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]


def places(scores: Floats) -> Floats:
    """Where each model stands among all of its set: from 0 of the best to 1 of the last; equals share the mean.

    Sets count alike so, whether their scores lie close together or far apart (average ranks: Brazdil & Soares 2000).

    Args:
        scores: (sets, models), lower is better, NaN where a model could not be fitted, which then is among the last.
    """
    worst = np.where(np.isnan(scores), np.inf, scores)
    return np.asarray((rankdata(worst, axis=1) - 1) / max(scores.shape[1] - 1, 1))


def greedy_portfolio(losses: Floats) -> list[int]:
    """All models in the order in which each lowers the mean loss of the best so far the most, over all sets.

    Source: greedy portfolios of Auto-sklearn 2.0 (Feurer et al. 2022), after Xu et al. (2010). Of equals the one with
    the least mean loss alone comes first, then the first one.

    Args:
        losses: (sets, models), such as `places`.

    Law: every beginning of the order is a greedy choice by itself; permuting sets changes nothing.
    """
    models = losses.shape[1]
    alone = losses.mean(axis=0)
    best, left, order = np.full(len(losses), np.inf), list(range(models)), list[int]()
    while left:
        means = {model: float(np.minimum(best, losses[:, model]).mean()) for model in left}
        chosen = min(left, key=lambda model: (round(means[model], 12), round(float(alone[model]), 12), model))
        order.append(chosen)
        left.remove(chosen)
        best = np.minimum(best, losses[:, chosen])
    return order
