"""Alliances whose members' predictions are added up: plain average, vote, greedy selection, and stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from concours.cooperate.joining import Joining, all_and_each, best_paths, out_of_fold, outcome, targets
from concours.core.entrant import Entrant
from concours.core.job import Job
from concours.core.process import Memo, Plan, unfinished
from concours.core.seeds import derive_seed


@dataclass(frozen=True, kw_only=True)
class Average(Joining):
    """Every candidate with the same weight. Asks for no job."""

    how: ClassVar[str] = "average"

    def plan(self, state: Memo) -> Plan:
        return Plan(status="finished")

    def result(self, state: Memo) -> Entrant:
        return self.alliance(self.problem.output.joins[0], state.candidates, _even(state))


@dataclass(frozen=True, kw_only=True)
class Vote(Joining):
    """Every candidate has one vote, for its most probable class. Asks for no job."""

    how: ClassVar[str] = "vote"

    def plan(self, state: Memo) -> Plan:
        return Plan(status="finished")

    def result(self, state: Memo) -> Entrant:
        return self.alliance(self.problem.output.can["vote"], state.candidates, _even(state))


@dataclass(frozen=True, kw_only=True)
class Greedy(Joining):
    """Ensemble selection from a library of models (Caruana et al. 2004) on out-of-fold predictions.

    Members are picked one at a time, with replacement, on all folds. To be compared with its members the alliance
    also needs predictions that its weights have not seen: for the rows of a fold they are picked on the other folds.
    How many picks there are is what does best on those rows: with more of them the weights fit chance.
    """

    how: ClassVar[str] = "greedy"
    steps: int = 100

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [self._select(state, fold) for fold in all_and_each(self.problem)])

    def result(self, state: Memo) -> Entrant:
        """The alliance.

        Raises:
            ValueError: a selection failed; the message has its reason.
        """
        final, *by_fold = [outcome(state, self._select(state, fold)) for fold in all_and_each(self.problem)]
        paths = best_paths(final, by_fold)
        members = sorted({member for path in paths for member in path})
        weights = [[path.count(member) / len(path) for member in members] for path in paths]
        return self.alliance(
            self.problem.output.joins[0], [state.candidates[i] for i in members], weights[0], weights[1:]
        )

    def _select(self, state: Memo, fold: int | None) -> Job:
        return Job(
            runner="select",
            inputs={**targets(self.problem), **out_of_fold(state.candidates)},
            params={**self.problem.measuring(1), "steps": self.steps, "without_fold": fold},
            seed=derive_seed(state.seed, "select", -1 if fold is None else fold),
            threads=self.threads,
            label=self.labelled("select", fold),
        )


@dataclass(frozen=True, kw_only=True)
class Stack(Joining):
    """Weights with which all members together lose least: a logarithmic opinion pool, or a weighted sum of numbers.

    As with `Greedy`, the rows of a fold are joined by weights found on the other folds.
    """

    how: ClassVar[str] = "stack"

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [self._weigh(state, fold) for fold in all_and_each(self.problem)])

    def result(self, state: Memo) -> Entrant:
        """The alliance.

        Raises:
            ValueError: weights could not be found; the message has the reason.
        """
        weights = [list(outcome(state, self._weigh(state, fold))["weights"]) for fold in all_and_each(self.problem)]
        return self.alliance(self.problem.output.can["weigh"], state.candidates, weights[0], weights[1:])

    def _weigh(self, state: Memo, fold: int | None) -> Job:
        return Job(
            runner="weigh",
            inputs={**targets(self.problem), **out_of_fold(state.candidates)},
            params={"output": self.problem.output.told, "rule": self.problem.output.can["weigh"], "without_fold": fold},
            seed=derive_seed(state.seed, "weigh", -1 if fold is None else fold),
            threads=self.threads,
            label=self.labelled("weigh", fold),
        )


@dataclass(frozen=True, kw_only=True)
class Majority(Joining):
    """A vote of what members say, weighted by what each is worth: its score, to a power (`engine.runners.worth`).

    As with `Greedy`, the rows of a fold are joined by weights found on the other folds. Source: self-consistency, over
    several models (Wang et al. 2023).
    """

    how: ClassVar[str] = "majority"

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [self._worth(state, fold) for fold in all_and_each(self.problem)])

    def result(self, state: Memo) -> Entrant:
        """The alliance.

        Raises:
            ValueError: weights could not be found; the message has the reason.
        """
        weights = [list(outcome(state, self._worth(state, fold))["weights"]) for fold in all_and_each(self.problem)]
        return self.alliance(self.problem.output.can["majority"], state.candidates, weights[0], weights[1:])

    def _worth(self, state: Memo, fold: int | None) -> Job:
        return Job(
            runner="worth",
            inputs={**targets(self.problem), **out_of_fold(state.candidates)},
            params={
                **self.problem.measuring(1),
                "rule": self.problem.output.can["majority"],
                "without_fold": fold,
            },
            threads=self.threads,
            label=self.labelled("worth", fold),
        )


def _even(state: Memo) -> list[float]:
    return [1 / len(state.candidates)] * len(state.candidates)
