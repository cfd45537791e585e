"""Talks: members read what others say. In a mixture one has the last word; after a debate they vote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from concours.cooperate.joining import Joining, all_and_each, out_of_fold, outcome, targets
from concours.core.entrant import Candidate, Entrant
from concours.core.job import Job
from concours.core.joins import JOINS
from concours.core.joint import Artifacts
from concours.core.process import Memo, Plan, unfinished

_NOBODY = "nobody among those it joins is a language model, which could read what others say"


def speaks(candidate: Candidate) -> bool:
    """Whether it can be asked again, with what others say beside the question."""
    return candidate.entrant.had.calls and bool(candidate.models)


@dataclass(frozen=True, kw_only=True)
class _Talking(Joining):
    """What both have in common."""

    def _talk(self, members: Sequence[Candidate], last: Sequence[int]) -> Entrant:
        """The alliance; `last` is who has the last word, on new rows and on those of each fold."""
        even = [1 / len(members)] * len(members)
        kept = Artifacts(rounds=self.rounds or JOINS[self.how].rounds, last=last[0], fold_last=list(last[1:]))
        return self.alliance(self.how, members, even, [], kept)

    def told(self, state: Memo) -> str:
        return f"{self.called}: who is worth how much to it is not found out, since all would have to be asked anew"


@dataclass(frozen=True, kw_only=True)
class Mixture(_Talking):
    """One member reads what all said, and has the last word (mixture of agents, Wang et al. 2024).

    It is the language model that scores best by itself; for the rows of a fold, on the other folds, as with `Greedy`.
    """

    how: ClassVar[str] = "mixture"

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, self._leaders(state) if len(self._speakers(state)) > 1 else [])

    def result(self, state: Memo) -> Entrant:
        """The alliance.

        Raises:
            ValueError: nobody can be asked, or who is best could not be found.
        """
        speakers = self._speakers(state)
        if not speakers:
            raise ValueError(_NOBODY)
        best = [0] * len(all_and_each(self.problem))
        if len(speakers) > 1:
            best = [outcome(state, job)["best"] for job in self._leaders(state)]
        members = list(state.candidates)
        return self._talk(members, [members.index(speakers[place]) for place in best])

    def _speakers(self, state: Memo) -> list[Candidate]:
        return [candidate for candidate in state.candidates if speaks(candidate)]

    def _leaders(self, state: Memo) -> list[Job]:
        return [
            Job(
                runner="leader",
                inputs={**targets(self.problem), **out_of_fold(self._speakers(state))},
                params={**self.problem.measuring(1), "without_fold": fold},
                threads=self.threads,
                label=self.labelled("leader", fold),
            )
            for fold in all_and_each(self.problem)
        ]


@dataclass(frozen=True, kw_only=True)
class Debate(_Talking):
    """All read what the others said and may change it, until they agree, in rounds; then they vote (Du et al. 2023)."""

    how: ClassVar[str] = "debate"

    def plan(self, state: Memo) -> Plan:
        return Plan(status="finished")

    def result(self, state: Memo) -> Entrant:
        """The alliance. Raises ValueError where nobody can be asked."""
        if not any(speaks(candidate) for candidate in state.candidates):
            raise ValueError(_NOBODY)
        return self._talk(state.candidates, [0] * len(all_and_each(self.problem)))
