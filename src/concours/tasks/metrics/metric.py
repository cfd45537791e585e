"""Metrics: what one is called, which way is better, what it takes of a prediction, and how it is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from concours.core.problem import Goal
from concours.kernels.scoring.intervals import intervals
from concours.kernels.scoring.scores import Means
from concours.tasks.metrics.statistics import Codes, Floats, Statistics, Way, counted

Needs = Literal["probabilities", "ranks", "labels", "values"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric: a row of the table (`tasks.metrics.table`), or a scorer's or a user's function.

    Rows may have weights, (rows,), in any unit: a row of weight k counts as k rows, one of weight 0 as none.

    Attributes:
        target: the output that it is of, by name (`tasks.outputs`).
        needs: what of a prediction it is computed from: `probabilities`, a proper score; `ranks`, only their order;
            `labels`, the class named; or `values`, of all else.
        way: how it is computed.
        low, high: its bounds.
        classes: how many there must be; none: any number.
        least: the least target that it is defined for.
    """

    name: str
    greater_is_better: bool
    target: str
    needs: Needs
    way: Way
    low: float = -np.inf
    high: float = np.inf
    classes: int | None = None
    least: float = -np.inf

    @property
    def goal(self) -> Goal:
        """What a problem, and so a process, knows of it."""
        return Goal(name=self.name, greater_is_better=self.greater_is_better)

    @property
    def sign(self) -> float:
        """What turns its values so that greater is better."""
        return 1.0 if self.greater_is_better else -1.0

    def statistics(
        self,
        y: NDArray[Any],
        predictions: Sequence[Floats],
        *,
        groups: Codes | None = None,
        weights: Floats | None = None,
    ) -> Statistics:
        """What the metric keeps of predictions (rows, outputs) of several models for the same targets (rows,).

        Scores, how sure they are, and both of some of the rows are then arithmetic on it; rows without a weight are
        gone. Rows of one group, (rows,) codes from 0, are one observation.
        """
        width = 0 if self.needs == "values" else predictions[0].shape[1]
        kept = tuple(self.way.keep(y, p) for p in predictions)
        return self.of_kept(y, kept, width, groups=groups, weights=weights)

    def of_kept(
        self,
        y: NDArray[Any],
        kept: tuple[Any, ...],
        width: int,
        *,
        groups: Codes | None = None,
        weights: Floats | None = None,
    ) -> Statistics:
        """The same of what its way has kept of each model, whose predictions were so wide."""
        classes = 0 if self.needs == "values" else width
        return counted(Statistics(way=self.way, y=y, kept=kept, classes=classes, groups=groups, weights=weights))

    def score(self, y: NDArray[Any], p: Floats, weights: Floats | None = None) -> float:
        """The raw metric of predictions (rows, outputs) against targets (rows,); undefined where nothing weighs."""
        return self.way.score(y, p, weights)

    def means(
        self,
        y: NDArray[Any],
        predictions: Sequence[Floats],
        *,
        seed: int,
        rounds: int,
        groups: Codes | None = None,
        weights: Floats | None = None,
        empty: float = np.nan,
    ) -> Means:
        """The metric of several models on the same rows, and how these estimates vary together (`Statistics.means`)."""
        found = self.statistics(y, predictions, groups=groups, weights=weights)
        return found.means(seed=seed, rounds=rounds, empty=empty)

    def intervals(self, means: Means) -> Floats:
        """95% intervals of such means, (models, 2), within the metric's bounds."""
        return intervals(means, low=self.low, high=self.high)

    def row_scores(self, y: NDArray[Any], p: Floats) -> Floats:
        """(rows,) the one number that a row is scored by; of a metric whose way is `single`.

        Raises:
            TypeError: rows have no scores of their own by this metric.
        """
        if not self.way.single:
            raise TypeError(f"rows have no scores of their own by {self.name}")
        return self.way.stats(y)(y, p)[:, 0]

    def of_means(self, means: Floats) -> Floats:
        """The metric (...,) of means (...,) over rows of such scores, within its bounds."""
        return np.asarray(np.clip(self.way.of_means(means[..., None]), self.low, self.high))
