"""Metrics of means over rows: a number a row, or several, and the metric as a function of their means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from concours.kernels.credit.coalitions import Scored, mean_scores
from concours.kernels.scoring.scores import Means, Value, row_means, value_means, value_pseudo
from concours.tasks.metrics.statistics import Codes, Floats, Statistics, Stats, Way

FEWEST = 3
"""Rows of other classes than the most frequent one that it takes to tell how sure a score of rows is: a
choice; no benchmark prints yet what fewer or more would do."""


def mean(means: Floats) -> Floats:
    """The mean itself, of one number a row."""
    return np.asarray(means[..., 0])


@dataclass(frozen=True, kw_only=True)
class Rows(Way):
    """A function of the means of row statistics.

    Attributes:
        of: the statistics, (rows,) or (rows, k), of targets (rows,) and predictions (rows, outputs).
        value: means (..., k) to scores (...,).
        single: whether k is 1, and `value` grows.
        centred: whether the metric stays where targets and predictions are moved by the same, and its statistics lose
            digits far from 0: they are then told from the mean of the targets.
    """

    of: Stats
    value: Value
    single: bool = True
    centred: bool = False
    path: ClassVar[Literal["rows"]] = "rows"

    def stats(self, y: NDArray[Any]) -> Stats:
        """(rows, k) of predictions of such targets, or of some of them."""
        centre = y.mean() if self.centred and len(y) else 0.0

        def found(some: NDArray[Any], p: Floats) -> Floats:
            told = self.of(some - centre, p - centre) if self.centred else self.of(some, p)
            return told.reshape(len(some), -1)

        return found

    def keep(self, y: NDArray[Any], p: Floats) -> NDArray[Any]:
        """The row statistics."""
        return self.stats(y)(y, p)

    def of_means(self, means: Floats) -> Floats:
        """The metric (...,) of means (..., k)."""
        return self.value(means)

    def scores(self, kept: Statistics) -> Floats:
        """The metric of weighted means."""
        return self.value(np.stack([np.average(rows, axis=0, weights=kept.weights) for rows in kept.kept]))

    def means(self, kept: Statistics, *, seed: int, rounds: int, empty: float) -> Means:
        """By the jackknife."""
        del seed, rounds, empty
        return kept.sure(self.jackknifed(kept), fewest=FEWEST)

    def pseudo(self, kept: Statistics) -> tuple[Floats, Floats, bool] | None:
        return (*value_pseudo(kept.kept, self.value, weights=kept.weights), False)

    def jackknifed(self, kept: Statistics) -> Means:
        """What the metric is without each row."""
        return value_means(kept.kept, self.value, groups=kept.groups, weights=kept.weights)

    def batched(
        self,
        predictions: Iterable[Floats],
        y: NDArray[Any],
        batch: Codes,
        batches: int,
        mass: Floats | None,
    ) -> Scored:
        """By the sums of each batch."""
        each, stats = np.ones(len(y)) if mass is None else mass, self.stats(y)
        sums = [
            np.stack([np.bincount(batch, each * column, batches) for column in stats(y, p).T], axis=1)
            for p in predictions
        ]
        return mean_scores(np.asarray(sums), batch, mass).map(self.value)


@dataclass(frozen=True, kw_only=True)
class Mean(Rows):
    """The mean over rows of one number a row."""

    value: Value = mean

    def pseudo(self, kept: Statistics) -> tuple[Floats, Floats, bool] | None:
        rows = np.concatenate(kept.kept, axis=1)
        return np.average(rows, axis=0, weights=kept.weights), rows, True

    def jackknifed(self, kept: Statistics) -> Means:
        """The row's own number is what it says."""
        return row_means(np.concatenate(kept.kept, axis=1), groups=kept.groups, weights=kept.weights)
