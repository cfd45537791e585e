"""The cascade: the cheapest member is asked first, and a dearer one only about rows of which it is not sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from concours.cooperate.costs import costs_of, unknown_costs
from concours.cooperate.joining import Joining, all_and_each, out_of_fold, outcome, targets
from concours.core.entrant import Entrant
from concours.core.job import Job
from concours.core.joint import Artifacts
from concours.core.process import Memo, Plan, unfinished
from concours.core.seeds import derive_seed


@dataclass(frozen=True, kw_only=True)
class Cascade(Joining):
    """Members in the order of what they cost; each answers the rows of which it is sure enough (Chen et al. 2023).

    Who is asked and from which confidence on each answers is what costs least, of all that is worse than the best
    member alone by no more than one standard error of its score (`kernels.joining.cascading`). For the rows of a fold
    that is found on the other folds, as with `Greedy`.

    Costs are those of `cooperate.costs`. The weight of a member is the share of the rows that it answers.
    """

    how: ClassVar[str] = "cascade"

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [] if unknown_costs(self, state.candidates) else self._choices(state))

    def result(self, state: Memo) -> Entrant:
        """The alliance; of a single member where asking a cheaper one first saves nothing.

        Raises:
            ValueError: what a member costs is not known, or the choice failed; the message says so.
        """
        if unknown := unknown_costs(self, state.candidates):
            raise ValueError(unknown)
        found = [outcome(state, job) for job in self._choices(state)]
        costs = costs_of(self, state.candidates)
        everyone = {member for values in found for member in values["asked"]}
        members = sorted(everyone, key=lambda member: (costs[member] or 0.0, member))

        def listed(values: Sequence[float], asked: Sequence[int]) -> list[float]:
            of = dict(zip(asked, values, strict=True))
            return [of.get(member, 0.0) for member in members]

        answers, asks, thresholds = (
            [listed(values[name], values["asked"]) for values in found] for name in ("answers", "asks", "thresholds")
        )
        kept = Artifacts(thresholds=thresholds[0], fold_thresholds=thresholds[1:], asked=asks[0])
        return self.alliance("cascade", [state.candidates[i] for i in members], answers[0], answers[1:], kept)

    def _choices(self, state: Memo) -> list[Job]:
        return [
            Job(
                runner="cascade",
                inputs={
                    **targets(self.problem),
                    **self.problem.train.counting,
                    **out_of_fold(state.candidates),
                },
                params={
                    **self.problem.measuring(1),
                    "costs": costs_of(self, state.candidates),
                    "without_fold": fold,
                },
                seed=derive_seed(state.seed, "cascade", -1 if fold is None else fold),
                threads=self.threads,
                label=self.labelled("cascade", fold),
            )
            for fold in all_and_each(self.problem)
        ]
