"""Metrics that no row has a part of: areas under curves, which have a fast form of their own, and any function."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from concours.kernels.credit.coalitions import Scored, whole_scores
from concours.kernels.scoring.areas import Area, area_means
from concours.kernels.scoring.scores import Means, unknown_means
from concours.tasks.metrics.statistics import Codes, Floats, Score, Statistics, Way, bootstrapped

FEWEST = 10
"""Rows of other classes than the most frequent one that it takes to tell how sure a score is that is known of all rows
together: a choice; no benchmark prints yet what fewer or more would do."""


class _Whole(Way):
    """What keeps predictions as they are."""

    def keep(self, y: NDArray[Any], p: Floats) -> Floats:
        """The predictions."""
        del y
        return p

    def batched(
        self,
        predictions: Iterable[Floats],
        y: NDArray[Any],
        batch: Codes,
        batches: int,
        mass: Floats | None,
    ) -> Scored:
        """By the rows of each batch, or of all others."""
        return whole_scores(predictions, y, self.score, batch, batches, mass)


@dataclass(frozen=True, kw_only=True)
class Areas(_Whole):
    """An area under a curve: its jackknife is one sort a model and class. Undefined where all rows are of one class."""

    of: Area
    path: ClassVar[Literal["joint"]] = "joint"

    def scores(self, kept: Statistics) -> Floats:
        """The areas."""
        return self._found(kept).means

    def means(self, kept: Statistics, *, seed: int, rounds: int, empty: float) -> Means:
        """By the jackknife; intervals and tests are those of areas."""
        del seed, rounds, empty
        return self._found(kept)

    def _found(self, kept: Statistics) -> Means:
        if len(np.unique(kept.y)) < 2:
            return unknown_means(len(kept.kept))
        return area_means(kept.y, kept.kept, self.of, groups=kept.groups, weights=kept.weights)


@dataclass(frozen=True, kw_only=True)
class Whole(_Whole):
    """Any function of all rows together: a scorer's, or a user's own."""

    of: Score
    weighted: bool = True
    path: ClassVar[Literal["whole"]] = "whole"

    def scores(self, kept: Statistics) -> Floats:
        """The function of each model."""
        return np.array([self.of(kept.y, p, kept.weights) for p in kept.kept])

    def means(self, kept: Statistics, *, seed: int, rounds: int, empty: float) -> Means:
        """By the bootstrap."""
        del empty
        return kept.sure(bootstrapped(kept, seed=seed, rounds=rounds), fewest=FEWEST)
