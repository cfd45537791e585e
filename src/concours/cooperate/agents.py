"""Alliances of agents: a mixture that nobody can exploit, and a team that votes on each move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from concours.cooperate.joining import Joining, all_and_each, out_of_fold, outcome
from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.job import Job
from concours.core.joint import Artifacts
from concours.core.process import Memo, Plan, unfinished


@dataclass(frozen=True, kw_only=True)
class _Weighing(Joining):
    """What both have in common: weights of members by their points against one another.

    As with `Greedy`, the openings of a fold are joined by weights found on the other folds.
    """

    rule: ClassVar[str]

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [self._weigh(state, fold) for fold in all_and_each(self.problem)])

    def _weights(self, state: Memo) -> list[list[float]]:
        """For new openings, and for those of each fold. Raises ValueError where they could not be found."""
        return [list(outcome(state, self._weigh(state, fold))["weights"]) for fold in all_and_each(self.problem)]

    def _field(self) -> list[Candidate]:
        return [candidate for candidate in self.known.values() if candidate.entrant.joint is None]

    def _weigh(self, state: Memo, fold: int | None) -> Job:
        field = [candidate.entrant.name for candidate in self._field()]
        return Job(
            runner="weigh_agents",
            inputs={"folds": self.problem.folds, **out_of_fold(state.candidates)},
            params={
                "rule": self.rule,
                "places": [field.index(candidate.entrant.name) for candidate in state.candidates],
                "without_fold": fold,
            },
            label=self.labelled("weights", fold),
        )


@dataclass(frozen=True, kw_only=True)
class Nash(_Weighing):
    """One member is drawn for each match, by Nash averaging (Balduzzi et al. 2018): no entrant beats the mixture on
    average from the openings that it was found by. Its results are expected ones, the weighted mean of the members'.
    """

    how: ClassVar[str] = "nash"
    rule: ClassVar[str] = "nash"

    def result(self, state: Memo) -> Entrant:
        """The alliance. Raises ValueError where weights could not be found."""
        weights, *by_fold = self._weights(state)
        return self.alliance(self.problem.output.joins[0], state.candidates, weights, by_fold)


@dataclass(frozen=True, kw_only=True)
class Council(_Weighing):
    """Each move is a vote of the members' moves, weighted by the odds at which each wins."""

    how: ClassVar[str] = "council"
    rule: ClassVar[str] = "odds"

    def result(self, state: Memo) -> Entrant:
        """The alliance.

        Raises:
            ValueError: weights could not be found, or somebody in it is an alliance, which is not asked for moves.
        """
        if joint := [c.entrant.name for c in state.candidates if c.entrant.joint]:
            raise ValueError(f"a team asks agents for moves, and {joint[0]} is an alliance")
        weights, *by_fold = self._weights(state)
        kept = Artifacts(agents=_agents(state.candidates), field=_agents(self._field()))
        return self.alliance(self.how, state.candidates, weights, by_fold, kept)

    def told(self, state: Memo) -> str:
        return (
            f"{self.called}: who is worth how much to it is not found out, as all matches would have to be played anew"
        )


def _agents(candidates: Sequence[Candidate]) -> list[Digest]:
    return [candidate.models[0] for candidate in candidates]
