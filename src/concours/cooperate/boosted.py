"""Stacks of meta-learners, which learn from members' out-of-fold predictions when to believe whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from concours.cooperate.joining import Joining, all_and_each, out_of_fold, outcome, targets
from concours.core.entrant import Entrant
from concours.core.job import Job
from concours.core.joint import Artifacts
from concours.core.process import Memo, Plan, unfinished
from concours.core.seeds import derive_seed

_FEWEST = 2000
_MOST_CLASSES = 50


@dataclass(frozen=True, kw_only=True)
class BoostedStack(Joining):
    """A meta-learner (Wolpert 1992, "Stacked generalization") of gradient boosting on the members' predictions.

    As with `Stack`, the rows of a fold are joined by a meta-learner that was fitted on the other folds, so that the
    alliance's own cross-validation score is of rows it has not seen. It predicts by the trees; its weights only say on
    whose predictions their splits gained what they did.
    """

    how: ClassVar[str] = "stack-boosted"
    runner: ClassVar[str] = "boost"
    rule: ClassVar[str] = "boosted"

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [] if self._refusal() else self._jobs(state))

    def result(self, state: Memo) -> Entrant:
        """The alliance.

        Raises:
            ValueError: the problem does not suit, or a meta-learner could not be fitted; the message has the reason.
        """
        if why := self._refusal():
            raise ValueError(why)
        jobs = self._jobs(state)
        shares = [list(outcome(state, job)["shares"]) for job in jobs]
        model, *fold_models = [done.outputs["model"] for job in jobs if (done := state.done(job))]
        kept = Artifacts(model=model, fold_models=fold_models)
        return self.alliance(self.rule, state.candidates, shares[0], artifacts=kept)

    def _refusal(self) -> str:
        rows, classes = self.problem.train.rows, self.problem.output.width
        if rows < _FEWEST:
            return f"it learns from {_FEWEST:,} rows or more, there are {rows:,}"
        return f"it joins {_MOST_CLASSES} classes at most, there are {classes:,}" if classes > _MOST_CLASSES else ""

    def _jobs(self, state: Memo) -> list[Job]:
        return [
            Job(
                runner=self.runner,
                inputs={**targets(self.problem), **self.problem.train.counting, **out_of_fold(state.candidates)},
                params={"output": self.problem.output.told, "without_fold": fold, **self.problem.train.timing},
                seed=derive_seed(state.seed, "boost", -1 if fold is None else fold),
                threads=self.threads,
                outputs=("model",),
                label=self.labelled("fit", fold),
            )
            for fold in all_and_each(self.problem)
        ]


@dataclass(frozen=True, kw_only=True)
class StepStack(BoostedStack):
    """Weights of the members for each stretch of the steps ahead: who sees the next hours best need not the next days.

    As with `Stack`, the rows of a fold are joined by weights found on the other folds.
    """

    how: ClassVar[str] = "by-horizon"
    runner: ClassVar[str] = "weigh_steps"
    rule: ClassVar[str] = "steps"

    def _refusal(self) -> str:
        return ""
