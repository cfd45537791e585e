"""Several models on several tasks: tests of whether their mean ranks differ by more than chance (Demsar 2006)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, f, rankdata, studentized_range

from concours.kernels.ranks import LEVEL

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Friedman:
    """Whether the models differ at all.

    Attributes:
        chi2, p_chi2: Friedman's statistic (1937), with models - 1 degrees of freedom, and its p-value.
        f, p_f: the less conservative one of Iman and Davenport (1980), with models - 1 and (models - 1)(tasks - 1).
    """

    chi2: float
    p_chi2: float
    f: float
    p_f: float


def task_ranks(scores: Floats, *, greater_is_better: bool) -> Floats:
    """Ranks from 1 of scores (tasks, models) on each task, (tasks, models); equal scores share their mean rank."""
    return np.asarray(rankdata(-scores if greater_is_better else scores, axis=1))


def friedman(mean_ranks: Floats, tasks: int) -> Friedman:
    """Friedman's test of mean ranks (models,) over so many tasks; ties are not corrected for, as in Demsar 2006."""
    k = len(mean_ranks)
    statistic = 12 * tasks / (k * (k + 1)) * (float(np.square(mean_ranks).sum()) - k * (k + 1) ** 2 / 4)
    left = tasks * (k - 1) - statistic
    ratio = (tasks - 1) * statistic / left if left > 0 else np.inf
    return Friedman(
        statistic,
        float(chi2.sf(statistic, k - 1)),
        float(ratio),
        float(f.sf(ratio, k - 1, (k - 1) * (tasks - 1))),
    )


def critical_difference(models: int, tasks: int, *, level: float = LEVEL) -> float:
    """How far mean ranks must lie apart to differ, over all pairs together (Nemenyi 1963)."""
    quantile = float(studentized_range.isf(1 - level, models, np.inf)) / np.sqrt(2)
    return float(quantile * np.sqrt(models * (models + 1) / (6 * tasks)))


def rank_intervals(ranks: Floats, *, rng: np.random.Generator, rounds: int = 1000, level: float = LEVEL) -> Floats:
    """(models, 2) percentile intervals of the mean ranks when the tasks (tasks, models) are drawn anew (Efron 1979).

    Law: each is within the least and the greatest rank of its model.
    """
    tasks = len(ranks)
    weights = rng.multinomial(tasks, np.full(tasks, 1 / tasks), size=rounds)
    return np.asarray(np.quantile(weights @ ranks / tasks, [(1 - level) / 2, (1 + level) / 2], axis=0).T)
