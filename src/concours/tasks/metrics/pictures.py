"""Metrics of sets of pictures: how far drawn ones are from real ones, in the features of a reference network.

They are of a set and of no row: what is kept of predictions are features of the real and of the drawn picture of each
row, and rows are drawn anew as pairs, so that an interval counts both that other real pictures might have judged, and
that other ones might have been drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, Literal

import numpy as np

from concours.kernels.credit.coalitions import Scored, whole_scores
from concours.kernels.scoring.frechet import Moments, distance_between
from concours.kernels.scoring.manifolds import within
from concours.kernels.scoring.reference import Reference
from concours.kernels.scoring.scores import Means, row_means
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean
from concours.tasks.metrics.statistics import Codes, Floats, Statistics, Way, bootstrapped


@dataclass(frozen=True, kw_only=True)
class Clouds(Way):
    """Of features, (rows, 2, features): those of real pictures, and of drawn ones.

    Attributes:
        reference: the text of the network.
    """

    reference: str
    path: ClassVar[Literal["whole"]] = "whole"

    def keep(self, y: Any, p: Any) -> Floats:
        """Features of both."""
        network = Reference.of_text(self.reference)
        return np.stack([network.of(y), network.of(p)], axis=1)

    def batched(self, predictions: Iterable[Any], y: Any, batch: Codes, batches: int, mass: Floats | None) -> Scored:
        """By the rows of each batch, or of all others; features are those of all rows, once."""
        kept = [self.keep(y, p) for p in predictions]
        return whole_scores(
            kept, np.arange(len(y)), lambda _, some, each: self.of_kept(some, each), batch, batches, mass
        )

    def of_kept(self, features: Floats, weights: Floats | None) -> float:
        """The score of one model."""
        kept = Statistics(way=self, y=np.arange(len(features)), kept=(features,), classes=0, weights=weights)
        return float(self.scores(kept)[0])


@dataclass(frozen=True, kw_only=True)
class Frechet(Clouds):
    """The Fréchet distance (`kernels.scoring.frechet`)."""

    def scores(self, kept: Statistics) -> Floats:
        """Of all rows together."""
        real = Moments.of(kept.kept[0][:, 0], kept.weights)
        return np.array([distance_between(real, Moments.of(each[:, 1], kept.weights)) for each in kept.kept])

    def means(self, kept: Statistics, *, seed: int, rounds: int, empty: float) -> Means:
        """By the bootstrap of rows."""
        del empty
        return bootstrapped(kept, seed=seed, rounds=rounds)


@dataclass(frozen=True, kw_only=True)
class Inside(Clouds):
    """The share of points of one cloud that lie in the manifold of the other (`kernels.scoring.manifolds`).

    Attributes:
        which, other: places of the clouds, 0 of real pictures and 1 of drawn ones.
    """

    which: int
    other: int

    def rows(self, kept: Statistics) -> Floats:
        """(rows, models) whether each lies there."""
        return np.stack([within(each[:, self.which], each[:, self.other]) for each in kept.kept], axis=1).astype(float)

    def scores(self, kept: Statistics) -> Floats:
        """The shares."""
        return np.average(self.rows(kept), axis=0, weights=kept.weights)

    def means(self, kept: Statistics, *, seed: int, rounds: int, empty: float) -> Means:
        """As of means over rows, for manifolds as they are: a row drawn twice would be its own neighbour."""
        del seed, rounds, empty
        return row_means(self.rows(kept), groups=kept.groups, weights=kept.weights)


def _apart(reference: str, y: Any, p: Any) -> Floats:
    """(rows,) distances in features between the picture that was drawn for a row and the real one."""
    network = Reference.of_text(reference)
    return np.sqrt(np.square(network.of(y) - network.of(p)).sum(axis=1))


def _metric(name: str, way: Way, *, greater: bool, high: float = np.inf) -> Metric:
    return Metric(
        name=name, greater_is_better=greater, target="pictures", needs="values", way=way, low=0.0, high=high
    )  # fmt: skip


def frechet(output: Any) -> Metric:
    """How far drawn pictures are from real ones, in the variance of a feature of these."""
    return _metric("frechet", Frechet(reference=output.reference), greater=False)


def precision(output: Any) -> Metric:
    """The share of drawn pictures that lie among real ones."""
    return _metric("precision", Inside(reference=output.reference, which=1, other=0), greater=True, high=1.0)


def recall(output: Any) -> Metric:
    """The share of real pictures that lie among drawn ones."""
    return _metric("recall", Inside(reference=output.reference, which=0, other=1), greater=True, high=1.0)


def apart(output: Any) -> Metric:
    """The mean distance of what was drawn for a row from the real picture of that row: of who is told what to draw."""
    return _metric("apart", Mean(of=partial(_apart, output.reference)), greater=False)


MEASURES: Final[Mapping[str, Callable[[Any], Metric]]] = {
    "frechet": frechet,
    "precision": precision,
    "recall": recall,
    "apart": apart,
}
"""Each is made for an output that has a reference network."""
