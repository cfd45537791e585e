"""The cascade: the cheapest member is asked first, and a dearer one only about rows of which it is not sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from concours.cooperate.costs import asks_one, costs_of, unknown_costs
from concours.cooperate.joining import Joining, all_and_each, out_of_fold, outcome, targets
from concours.core.entrant import Entrant
from concours.core.job import Job
from concours.core.joint import Artifacts
from concours.core.process import Memo, Plan, unfinished
from concours.core.seeds import derive_seed

_FEWEST_FOLDS = 3


@dataclass(frozen=True, kw_only=True)
class Cascade(Joining):
    """Members in the order of what they cost; each answers the rows of which it is sure enough (Chen et al. 2023).

    Who is asked and from which confidence on each answers is what costs least, of all that is worse than the best
    member alone by no more than one standard error of its score; or, with a budget, what is best of all that costs no
    more (`kernels.joining.cascading`). For the rows of a fold that is found on the other folds, as with `Greedy`.

    How sure a member is it says itself, by its probabilities. Of answers in words a scorer says so, which is learned:
    from whether those agree that were asked before, and what the answer is like (`engine.evidence`).

    Costs are those of `cooperate.costs`. The weight of a member is the share of the rows that it answers.
    """

    how: ClassVar[str] = "cascade"

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [] if self._refusal(state) else self._choices(state))

    def result(self, state: Memo) -> Entrant:
        """The alliance; of a single member where asking a cheaper one first saves nothing.

        Raises:
            ValueError: what a member costs is not known, folds are too few, or the choice failed; the message says so.
        """
        if why := self._refusal(state):
            raise ValueError(why)
        found = [outcome(state, job) for job in self._choices(state)]
        costs = costs_of(self, state.candidates)
        members = sorted({i for values in found for i in values["asked"]}, key=lambda i: (costs[i] or 0.0, i))
        answers, asks, thresholds = (
            [_listed(values[name], values["asked"], members, 0.0) for values in found]
            for name in ("answers", "asks", "thresholds")
        )
        kept = Artifacts(
            thresholds=thresholds[0],
            fold_thresholds=thresholds[1:],
            asked=asks[0],
            fold_asked=asks[1:],
            curve=[list(point) for point in found[0]["curve"]],
            chosen=list(found[0]["chosen"]),
        )
        if self._scored:
            scorers = [_listed(values["scorers"], values["asked"], members, ()) for values in found]
            kept["scorers"], *kept["fold_scorers"] = [[[*map(list, one)] for one in each] for each in scorers]
        return self.alliance("cascade", [state.candidates[i] for i in members], answers[0], answers[1:], kept)

    def told(self, state: Memo) -> str:
        return asks_one(self, self.result(state), state.candidates, "no other cascade")

    @property
    def _scored(self) -> bool:
        return self.problem.output.can["cascade"] == "scored"

    def _refusal(self, state: Memo) -> str:
        if self._scored and len(self.problem.crossing) < _FEWEST_FOLDS:
            folds = len(self.problem.crossing)
            return f"it learns from {_FEWEST_FOLDS} folds or more, there are {folds}; set folds in split"
        return unknown_costs(self, state.candidates)

    def _choices(self, state: Memo) -> list[Job]:
        train, rows = self.problem.train, {"x": self.problem.train.x} if self._scored else {}
        return [
            Job(
                runner="cascade",
                inputs={**targets(self.problem), **train.counting, **out_of_fold(state.candidates), **rows},
                params={
                    **self.problem.measuring(1),
                    "costs": costs_of(self, state.candidates),
                    "budget": self.budget,
                    "without_fold": fold,
                },
                seed=derive_seed(state.seed, "cascade", -1 if fold is None else fold),
                threads=self.threads,
                label=self.labelled("cascade", fold),
            )
            for fold in all_and_each(self.problem)
        ]


def _listed(values: Sequence[Any], asked: Sequence[int], members: Sequence[int], none: Any) -> list[Any]:
    of: Mapping[int, Any] = dict(zip(asked, values, strict=True))
    return [of.get(member, none) for member in members]
