"""Several models on several tasks: tests of whether their mean ranks differ by more than chance (Demsar 2006)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, f, rankdata, studentized_range

from concours.kernels.scoring.intervals import LEVEL

Floats = NDArray[np.float64]

_FEW = 20
_WAYS = 100_000


@dataclass(frozen=True, slots=True)
class Friedman:
    """Whether the models differ at all.

    Attributes:
        chi2, p_chi2: Friedman's statistic (1937), and its p-value for many tasks, by models - 1 degrees of freedom.
        f: the less conservative one of Iman and Davenport (1980), which grows with the other.
        p_f: the p-value of both: up to 20 tasks by the law of the statistic itself (`permuted_p`), beyond by that of f,
            with models - 1 and (models - 1)(tasks - 1).
    """

    chi2: float
    p_chi2: float
    f: float
    p_f: float


def task_ranks(scores: Floats, *, greater_is_better: bool) -> Floats:
    """Ranks from 1 of scores (tasks, models) on each task, (tasks, models); equal scores share their mean rank."""
    return np.asarray(rankdata(-scores if greater_is_better else scores, axis=1))


def friedman(mean_ranks: Floats, tasks: int, *, ranks: Floats | None = None) -> Friedman:
    """Friedman's test of mean ranks (models,) over so many tasks.

    Args:
        ranks: (tasks, models) what each task's ranks are, in any order, where some are equal; by default 1 to models.
    """
    k = len(mean_ranks)
    rows = np.tile(np.arange(1.0, k + 1), (tasks, 1)) if ranks is None else ranks
    within = float(np.square(rows - (k + 1) / 2).sum())
    between = tasks**2 * float(np.square(mean_ranks - (k + 1) / 2).sum())
    statistic = (k - 1) * between / within if within else 0.0
    left = tasks * (k - 1) - statistic
    ratio = (tasks - 1) * statistic / left if left > 1e-9 else np.inf
    p = permuted_p(rows, between) if tasks <= _FEW else float(f.sf(ratio, k - 1, (k - 1) * (tasks - 1)))
    return Friedman(statistic, float(chi2.sf(statistic, k - 1)), float(ratio), p)


def permuted_p(ranks: Floats, between: float, *, rounds: int = 20_000) -> float:
    """How often rank sums differ at least as much where each task's ranks (tasks, models) fall to models by chance.

    Over all ways that there are, if these are at most a hundred thousand; else over so many drawn ones, of which that
    seen counts as one (Davison and Hinkley 1997, section 4.2). One p in every order of tasks and of models.

    Args:
        between: the sum over models of the squared distance of the rank sum from the middle one.
    """
    tasks, models = ranks.shape
    known = np.sort(ranks, axis=1)
    known = known[np.lexsort(known.T)]
    middle, least = tasks * (models + 1) / 2, between - 1e-9
    if factorial(models) ** (tasks - 1) <= _WAYS:
        sums = known[:1]
        for row in known[1:]:
            sums = (sums[:, None, :] + np.array(list(permutations(row)))).reshape(-1, models)
        return float((np.square(sums - middle).sum(axis=1) >= least).mean())
    rng, sums = np.random.default_rng(0), np.zeros((rounds, models))
    for row in known:
        sums += rng.permuted(np.tile(row, (rounds, 1)), axis=1)
    return float((1 + (np.square(sums - middle).sum(axis=1) >= least).sum()) / (1 + rounds))


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


@dataclass(frozen=True, kw_only=True, slots=True)
class OverTasks:
    """Models by their ranks over tasks.

    Attributes:
        mean: (models,) mean ranks, 1 is first.
        low, high: (models,) 95% of the mean ranks that come when tasks are drawn anew from these, with replacement.
        p: how probable it is that ranks differ as much as these if all models are equal.
        critical: by how much two mean ranks must differ to be told apart, all pairs together.
    """

    mean: Floats
    low: Floats
    high: Floats
    p: float
    critical: float

    def groups(self) -> list[list[int]]:
        """The largest groups of models, best first, whose mean ranks cannot be told apart."""
        order = np.argsort(self.mean, kind="stable")
        found: list[list[int]] = []
        for place, first in enumerate(order):
            group = [int(i) for i in order[place:] if self.mean[i] - self.mean[first] < self.critical]
            if len(group) > 1 and not (found and group[-1] == found[-1][-1]):
                found.append(group)
        return found


def over_tasks(ranks: Floats, *, seed: int = 0, level: float = LEVEL) -> OverTasks:
    """Compares models by their ranks (tasks, models) on two tasks or more, of two models or more.

    The test that all are equal is Friedman's, with ties: for few tasks by its own law, for many in the form of Iman and
    Davenport. The critical difference is Nemenyi's. Both ask that tasks are independent and tell little by a handful.

    Law: permuting the tasks changes nothing but the drawn intervals; permuting the models permutes the result.
    """
    tasks, models = ranks.shape
    drawn = rank_intervals(ranks, rng=np.random.default_rng(seed), level=level)
    return OverTasks(
        mean=ranks.mean(axis=0),
        low=drawn[:, 0],
        high=drawn[:, 1],
        p=friedman(ranks.mean(axis=0), tasks, ranks=ranks).p_f,
        critical=critical_difference(models, tasks, level=level),
    )
