"""Rows by which it is chosen whom to ask: what is lost by answers of some members, and how little is good enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.rows import first_division, sides_of_first
from concours.engine.runners.join import members_of
from concours.engine.runners.score import groups_of, metric_of_rows, metrics_of, weights_of
from concours.engine.sent import sent
from concours.kernels.joining.routing import Point
from concours.kernels.rows.weighing import in_rows
from concours.stores.values import get_values
from concours.tasks.metrics.metric import Metric
from concours.tasks.outputs.output import Values

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_ENOUGH = 20_000
_ROUNDS = 50


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Some rows, and what members said of them.

    Attributes:
        y: (rows, …) targets.
        members: (rows, …) predictions a member.
        scores: (rows, members), by the metric by which rows have numbers; higher is better.
        weights: (rows,) what rows weigh; where none weighs anything all weigh alike.
        groups: (rows,) those that belong together.
        metric: that ranks.
        seed: of the rounds by which a score's error is found.
    """

    y: Values
    members: Sequence[Values]
    scores: Floats
    weights: Floats | None
    groups: Codes | None
    metric: Metric
    seed: int

    @classmethod
    def of(cls, job: Job, store: Store, rows: Codes) -> Judged:
        """These rows of the training part, with members' out-of-fold predictions."""
        y, mass, groups = take(get_values(store, job.inputs["y"]), rows), weights_of(job, store), groups_of(job, store)
        members, metric = [take(member, rows) for member in members_of(job, store, "oof")], metric_of_rows(job)
        return cls(
            y=y,
            members=members,
            scores=metric.sign * np.stack([metric.row_scores(y, member) for member in members], axis=1),
            weights=None if mass is None or not mass[rows].any() else in_rows(mass[rows]),
            groups=None if groups is None else np.unique(groups[rows], return_inverse=True)[1],
            metric=metrics_of(job)[0],
            seed=job.seed,
        )

    def loss(self, whom: Codes) -> float:
        """By the ranking metric, of answers of these members, (rows,); members count with their most probable class."""
        sign = self.metric.sign
        if not self.metric.way.single:
            answers = sent(whom, [partial(take, member) for member in self.members])
            return float(-sign * self.metric.score(self.y, answers, self.weights))
        mean = sign * np.asarray(np.average(self.scores[np.arange(len(whom)), whom], weights=self.weights))
        return float(-sign * self.metric.of_means(mean))

    def enough(self, best: int) -> float:
        """The loss of the best member, and one standard error of that."""
        means = self.metric.means(
            self.y,
            [self.members[best]],
            seed=self.seed,
            rounds=_ROUNDS,
            groups=self.groups,
            weights=self.weights,
            empty=0.0,
        )
        return float(-self.metric.sign * means.means[0] + means.stderr[0])

    def weighing(self, places: Codes) -> Floats | None:
        """What some of the rows weigh, by their places."""
        return None if self.weights is None or not self.weights[places].any() else self.weights[places]

    def told(self, point: Point) -> list[float]:
        """[share of the rows that the dearest is asked about, cost of a row, score]."""
        return [point.share, point.cost, -self.metric.sign * point.loss]


def chosen_by(job: Job, store: Store) -> Codes:
    """The rows outside one fold, or all, by which it is chosen; of very many some, spread evenly."""
    rows, _ = sides_of_first(job, store, job.params["without_fold"])
    return rows[:: (len(rows) - 1) // _ENOUGH + 1]


def within(job: Job, store: Store, rows: Codes) -> Iterator[tuple[Codes, Codes]]:
    """For each fold that has some of the rows, places of those that may be learned from, and of those in the fold."""
    for fold in range(int(first_division(store, job.inputs["folds"]).max()) + 1):
        known, judged = (np.flatnonzero(np.isin(rows, side)) for side in sides_of_first(job, store, fold))
        if len(known) and len(judged):
            yield known, judged
