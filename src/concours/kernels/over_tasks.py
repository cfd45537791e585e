"""Ranks of several models over several tasks: whether they differ at all, and which do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as fisher
from scipy.stats import studentized_range

from concours.kernels.ranks import LEVEL

Floats = NDArray[np.float64]

_ROUNDS = 2000


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
    """Compares models by their ranks (tasks, models) on two tasks or more, of two models or more (Demšar 2006).

    The test that all are equal is Friedman's, with ties, in the form of Iman and Davenport (1980); the critical
    difference is Nemenyi's (1963). Both ask that tasks are independent and are few in power for a handful of tasks.

    Law: permuting the tasks changes nothing but the drawn intervals; permuting the models permutes the result.
    """
    tasks, models = ranks.shape
    centre = (models + 1) / 2
    between = np.square(ranks.sum(axis=0) - tasks * centre).sum()
    within = np.square(ranks - centre).sum()
    chi = (models - 1) * between / within if within else 0.0
    left = tasks * (models - 1) - chi
    f = (tasks - 1) * chi / left if left > 1e-9 else np.inf
    width = studentized_range.isf(1 - level, models, np.inf) / np.sqrt(2)
    drawn = np.random.default_rng(seed).integers(tasks, size=(_ROUNDS, tasks))
    tail = 50 * (1 - level)
    low, high = np.percentile(ranks[drawn].mean(axis=1), [tail, 100 - tail], axis=0)
    return OverTasks(
        mean=ranks.mean(axis=0),
        low=low,
        high=high,
        p=float(fisher.sf(f, models - 1, (models - 1) * (tasks - 1))),
        critical=float(width * np.sqrt(models * (models + 1) / (6 * tasks))),
    )
