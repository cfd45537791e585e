"""A way to join that asks a runner of its own whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from concours.cooperate.joining import Joining, out_of_fold, outcome, targets
from concours.core.job import Job
from concours.core.process import unfinished


@dataclass(frozen=True, kw_only=True)
class TopTwo(Joining):
    """The mean of the two best by the first metric."""

    how: ClassVar[str] = "top-two"

    def plan(self, state):
        return unfinished(state, [self._order(state)])

    def result(self, state):
        order = outcome(state, self._order(state))["order"]
        return self.alliance("mean", [state.candidates[index] for index in order[:2]], [0.5, 0.5])

    def _order(self, state):
        return Job(
            runner="pond-order",
            inputs={**targets(self.problem), **out_of_fold(state.candidates)},
            params=self.problem.measuring(1),
            label=self.labelled("order", None),
        )
