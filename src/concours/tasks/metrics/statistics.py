"""What a metric keeps of predictions, row by row, and the ways to scores and their certainty from there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from concours.core.values import take
from concours.kernels.credit.coalitions import Scored
from concours.kernels.rows.weighing import effective, in_rows
from concours.kernels.scoring.counts import OfCounts, class_units
from concours.kernels.scoring.scores import Means, replicate_means, resampled, unknown_means

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Stats = Callable[[Any, Floats], Floats]
"""Targets (rows,) and predictions (rows, outputs) to numbers (rows, k)."""
Score = Callable[[NDArray[Any], Floats, Floats | None], float]
"""Targets, predictions and weights, or none, to a score."""


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """What a metric keeps of some models' predictions of the same rows.

    Attributes:
        y: (rows, …) targets, a dense array or an Arrow array.
        kept: of each model what its way keeps, (rows, …).
        classes: how many there are; 0 of a number.
        groups: (rows,) codes from 0 of rows that belong together.
        weights: (rows,) above 0, one on average.
    """

    way: Way
    y: Any
    kept: tuple[Any, ...]
    classes: int
    groups: Codes | None = None
    weights: Floats | None = None

    @property
    def each(self) -> Floats:
        """What each row weighs, (rows,)."""
        return np.ones(len(self.y)) if self.weights is None else self.weights

    def scores(self) -> Floats:
        """The raw metric of each model, (models,); undefined where there is no row."""
        return self.way.scores(self) if len(self.y) else np.full(len(self.kept), np.nan)

    def means(self, *, seed: int, rounds: int, empty: float = np.nan) -> Means:
        """The scores, and how these estimates vary together.

        By the jackknife where what the metric is without each row is known at once; else, so for a user's own and for
        scikit-learn's, by a paired bootstrap of the rows. Rows of one group are left out, or drawn, together. Where
        there are too few rows to tell how sure scores are, `few` says why.

        Args:
            empty: what a metric of labels is that is 0 / 0: undefined, or 0 for those who choose by it.
        """
        if not len(self.y):
            return unknown_means(len(self.kept))
        return self.way.means(self, seed=seed, rounds=rounds, empty=empty)

    def at(self, rows: Codes) -> Statistics:
        """Of the rows at some positions, each as often as it is there: to score, no longer in groups."""
        weights = None if self.weights is None else in_rows(self.weights[rows])
        kept = tuple(take(each, rows) for each in self.kept)
        return replace(self, y=take(self.y, rows), kept=kept, weights=weights, groups=None)

    def of(self, first: int, end: int) -> Statistics:
        """Of some of the models."""
        return replace(self, kept=self.kept[first:end])

    def sure(self, found: Means, *, fewest: int) -> Means:
        """Such means, with why rows are too few to tell how sure a score of rows is, where classes are so rare.

        Args:
            fewest: rows of other classes than the most frequent one that it takes.
        """
        if not self.classes:
            return found
        units = class_units(self.y, self.classes, groups=self.groups, weights=self.weights)
        other = round(float(units.sum() - units.max()), 9)  # the unit of weights leaves rounding
        if other >= fewest:
            return found
        what = "no row is" if other == 0 else "1 row is" if other == 1 else f"{other:.3g} rows are"
        return replace(found, few=f"{what} of another class than the most frequent one, and it takes {fewest}")


class Way(ABC):
    """How a metric is computed: what it keeps of predictions, and scores from that.

    Attributes:
        of: what the metric is made of, for those who know a shorter way to it.
        single: whether a row has one number, and the metric is a growing function of its mean.
        path: what many coalitions of an alliance are scored by, one after the other, where nothing is quicker.
        deciding: the function of the confusion matrix by which to decide which class to name, if any.
        undefined: what is said of a score that there is not.
        weighted: whether rows may have weights.
    """

    of: Any
    single: bool = False
    path: ClassVar[Literal["rows", "counts", "joint", "whole"]]
    undefined: ClassVar[str] = "undefined on these rows"
    weighted: bool = True

    @property
    def deciding(self) -> OfCounts | None:
        """None, but of the ways for which it may pay to name another class than the most probable one."""
        return None

    @abstractmethod
    def keep(self, y: NDArray[Any], p: Floats) -> NDArray[Any]:
        """What is kept of predictions (rows, outputs), (rows, ...)."""

    @abstractmethod
    def scores(self, kept: Statistics) -> Floats:
        """(models,) of rows, of which there is one at least."""

    @abstractmethod
    def means(self, kept: Statistics, *, seed: int, rounds: int, empty: float) -> Means:
        """See `Statistics.means`."""

    @abstractmethod
    def batched(
        self,
        predictions: Iterable[Floats],
        y: NDArray[Any],
        batch: Codes,
        batches: int,
        mass: Floats | None,
    ) -> Scored:
        """Scores of predictions that come one after the other, with what they would be without each batch of rows."""

    def score(self, y: NDArray[Any], p: Floats, weights: Floats | None = None) -> float:
        """The raw metric of predictions (rows, outputs) against targets (rows,); undefined where nothing weighs."""
        kept = Statistics(way=self, y=y, kept=(self.keep(y, p),), classes=_width(p), weights=weights)
        return float(counted(kept).scores()[0])

    def pseudo(self, kept: Statistics) -> tuple[Floats, Floats, bool] | None:
        """Scores (models,) and pseudo-values (rows, models), of whose jackknife the way's means are, and whether rows
        that all differ by the same tell something (`scores.jackknifed`); none of the ways that know more.
        """
        del kept
        return None

    def stats(self, y: NDArray[Any]) -> Stats:
        """Row statistics of any predictions of such targets or some of them, of the ways that have numbers."""
        raise TypeError("there are no numbers a row")

    def of_means(self, means: Floats) -> Floats:
        """The metric (...,) of means (..., k) of row statistics, of the ways that have numbers."""
        raise TypeError("there are no numbers a row")


def _width(p: Any) -> int:
    """Columns of predictions; none where they are not numbers a column."""
    return int(p.shape[1]) if isinstance(p, np.ndarray) and p.ndim == 2 else 0


def counted(kept: Statistics) -> Statistics:
    """Without the rows that weigh nothing, the others in a unit of their own."""
    if kept.weights is None:
        return kept
    rows = np.flatnonzero(kept.weights > 0)
    groups = None if kept.groups is None else np.unique(kept.groups[rows], return_inverse=True)[1]
    return replace(kept.at(rows), groups=groups)


def bootstrapped(kept: Statistics, *, seed: int, rounds: int) -> Means:
    """Scores with the covariance of those of rows, or groups of rows, drawn with replacement, paired (Efron 1979)."""
    rng, groups = np.random.default_rng(seed), kept.groups
    drawn = [kept.at(resampled(len(kept.y), groups, rng)).scores() for _ in range(rounds)]
    replicates = np.asarray([scores for scores in drawn if np.isfinite(scores).all()]).reshape(-1, len(kept.kept))
    return replicate_means(kept.scores(), replicates, units=effective(kept.each, groups))
