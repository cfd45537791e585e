"""Metrics of the classes named, of which the code for each row is kept: functions of the confusion matrix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from concours.kernels.credit.coalitions import Scored, count_scores
from concours.kernels.scoring.counts import OfCounts, confusion, count_means
from concours.kernels.scoring.scores import Means, row_means
from concours.kernels.scoring.tables import tabled
from concours.tasks.metrics.rows import Mean
from concours.tasks.metrics.statistics import Codes, Floats, Statistics, Way, bootstrapped
from concours.tasks.metrics.wholes import FEWEST

_MOST_SORTS = 50  # classes; above, a row of each sort left out costs more than a bootstrap


@dataclass(frozen=True, kw_only=True)
class Counts(Way):
    """A function of the confusion matrix."""

    of: OfCounts
    path: ClassVar[Literal["counts"]] = "counts"
    undefined: ClassVar[str] = "undefined, 0 / 0 on these rows"

    @property
    def deciding(self) -> OfCounts:
        """The function itself."""
        return self.of

    def keep(self, y: NDArray[Any], p: Floats) -> Codes:
        """The most probable class, of equal ones the first, (rows,)."""
        del y
        return np.asarray(p.argmax(axis=1))

    def scores(self, kept: Statistics) -> Floats:
        """Of the confusion matrices; 0 where that is 0 / 0."""
        tables = (confusion(kept.y, named, kept.classes, kept.weights) for named in kept.kept)
        return np.array([float(self.of(table)) for table in tables])

    def means(self, kept: Statistics, *, seed: int, rounds: int, empty: float) -> Means:
        """By the jackknife, where rows are of few sorts; intervals and tests are those of tables."""
        if kept.classes > _MOST_SORTS:
            return kept.sure(bootstrapped(kept, seed=seed, rounds=rounds), fewest=FEWEST)
        rows = kept.y, kept.kept, kept.classes, self.of
        return _tabled(count_means(*rows, groups=kept.groups, weights=kept.weights), kept, self.of, empty)

    def batched(
        self,
        predictions: Iterable[Floats],
        y: NDArray[Any],
        batch: Codes,
        batches: int,
        mass: Floats | None,
    ) -> Scored:
        """By the confusion matrix of each batch."""
        predictions = iter(predictions)
        first = next(predictions)
        labels = (p.argmax(axis=1) for p in chain([first], predictions))
        return count_scores(labels, y, self.of, first.shape[1], batch, batches, mass)


@dataclass(frozen=True, kw_only=True)
class Shares(Mean):
    """A share of rows, 0 or 1 each, that is a function of the confusion matrix too: its intervals are those of tables.

    Nobody decides by it: the most probable class is the best one already.

    Attributes:
        tables: the function.
    """

    tables: OfCounts

    def keep(self, y: NDArray[Any], p: Floats) -> NDArray[Any]:
        """The most probable class, of equal ones the first, (rows,)."""
        del y
        return np.asarray(p.argmax(axis=1))

    def scores(self, kept: Statistics) -> Floats:
        """The share of the rows that are named rightly."""
        return np.array([np.average(named == kept.y, weights=kept.weights) for named in kept.kept])

    def means(self, kept: Statistics, *, seed: int, rounds: int, empty: float) -> Means:
        """By rows, and where rows are of few sorts with intervals and tests of tables."""
        if kept.classes > _MOST_SORTS:
            return super().means(kept, seed=seed, rounds=rounds, empty=empty)
        found = row_means(_hits(kept), groups=kept.groups, weights=kept.weights, apart=False)
        return _tabled(found, kept, self.tables, empty)

    def pseudo(self, kept: Statistics) -> tuple[Floats, Floats, bool] | None:
        if kept.classes <= _MOST_SORTS:
            return None
        rows = _hits(kept)
        return np.average(rows, axis=0, weights=kept.weights), rows, True

    def jackknifed(self, kept: Statistics) -> Means:
        """The row's own hit or miss is what it says."""
        return row_means(_hits(kept), groups=kept.groups, weights=kept.weights)


def _hits(kept: Statistics) -> Floats:
    """(rows, models)."""
    return np.stack([named == kept.y for named in kept.kept], axis=1).astype(np.float64)


def _tabled(found: Means, kept: Statistics, of: OfCounts, empty: float) -> Means:
    return tabled(found, kept.y, kept.kept, kept.classes, of, groups=kept.groups, weights=kept.weights, empty=empty)
