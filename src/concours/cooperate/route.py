"""The route: each row goes to one member, by what it tells itself, before anybody is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from concours.cooperate.costs import asks_one, costs_of, unknown_costs
from concours.cooperate.joining import Joining, all_and_each, out_of_fold, outcome, targets
from concours.core.entrant import Candidate, Entrant
from concours.core.job import Job
from concours.core.joins import JOINS
from concours.core.joint import Artifacts
from concours.core.process import Memo, Plan, unfinished
from concours.core.seeds import derive_seed

_FEWEST_FOLDS = 3


@dataclass(frozen=True, kw_only=True)
class Route(Joining):
    """A router learns from rows how members will score, and who is expected to score enough for its cost is asked.

    After RouterBench (Hu et al. 2024) and RouteLLM (Ong et al. 2024). How much score a unit of cost is worth is what
    costs least, of all that is worse than the best member alone by no more than one standard error of its score, or
    with a budget what is best of all that costs no more (`kernels.joining.routing`), on rows that the router has not
    learned from. For the rows of a fold both are found on the other folds, as with `Greedy`. Costs are those of
    `cooperate.costs`. The weight of a member is the share of the rows that it is asked about.
    """

    how: ClassVar[str] = "route"

    def plan(self, state: Memo) -> Plan:
        if self._refusal(state):
            return unfinished(state, [])
        choices = self._choices(state)
        chosen = all(state.done(job) for job in choices)
        return unfinished(state, [*choices, *(self._routers(state) if chosen else [])])

    def result(self, state: Memo) -> Entrant:
        """The alliance; of a single member where sending some rows to a cheaper one saves nothing.

        Raises:
            ValueError: what a member costs is not known, folds are too few, or a router could not be fitted.
        """
        if why := self._refusal(state):
            raise ValueError(why)
        found, (members, used) = self._found(state), self._used(state)

        def listed(values: Sequence[float], asked: Sequence[int]) -> list[float]:
            of = dict(zip(asked, values, strict=True))
            return [of.get(member, 0.0) for member in used]

        shares, handicaps = (
            [listed(values[name], values["asked"]) for values in found] for name in ("shares", "handicaps")
        )
        routers = self._routers(state)
        for job in routers:
            outcome(state, job)
        model, *fold_models = [done.outputs["model"] for job in routers if (done := state.done(job))]
        kept = Artifacts(
            model=model,
            fold_models=fold_models,
            handicaps=handicaps[0],
            fold_handicaps=handicaps[1:],
            asked=shares[0],
            curve=[list(point) for point in found[0]["curve"]],
            chosen=list(found[0]["chosen"]),
        )
        return self.alliance("route", members, shares[0], shares[1:], kept)

    def told(self, state: Memo) -> str:
        return asks_one(self, self.result(state), state.candidates, "no other way to send rows")

    @property
    def _reads(self) -> str:
        """What of the rows the router reads."""
        return next(each for each in JOINS["route"].of_rows if each in self.problem.input.can)

    def _refusal(self, state: Memo) -> str:
        if len(self.problem.crossing) < _FEWEST_FOLDS:
            folds = len(self.problem.crossing)
            return f"it learns from {_FEWEST_FOLDS} folds or more, there are {folds}; set folds in split"
        return unknown_costs(self, state.candidates)

    def _members(self, state: Memo) -> list[Candidate]:
        """The cheapest first, which is asked where others are worth the same."""
        costs = costs_of(self, state.candidates)
        order = sorted(range(len(costs)), key=lambda member: (costs[member] or 0.0, member))
        return [state.candidates[member] for member in order]

    def _found(self, state: Memo) -> list[Mapping[str, Any]]:
        return [outcome(state, job) for job in self._choices(state)]

    def _used(self, state: Memo) -> tuple[list[Candidate], list[int]]:
        """Those who are asked about any row, and their numbers among all."""
        used = sorted({member for values in self._found(state) for member in values["asked"]})
        members = self._members(state)
        return [members[i] for i in used], used

    def _routers(self, state: Memo) -> list[Job]:
        members, _ = self._used(state)
        return [self._job("router", state, members, fold, outputs=("model",)) for fold in all_and_each(self.problem)]

    def _choices(self, state: Memo) -> list[Job]:
        members = self._members(state)
        costs = {"costs": costs_of(self, members), "budget": self.budget}
        return [self._job("route", state, members, fold, params=costs) for fold in all_and_each(self.problem)]

    def _job(self, runner: str, state: Memo, members: Sequence[Candidate], fold: int | None, **more: Any) -> Job:
        train = self.problem.train
        return Job(
            runner=runner,
            inputs={**targets(self.problem), **train.counting, **out_of_fold(members), "x": train.x},
            params={**self.problem.measuring(1), "reads": self._reads, "without_fold": fold, **more.pop("params", {})},
            seed=derive_seed(state.seed, runner, -1 if fold is None else fold),
            threads=self.threads,
            label=self.labelled(runner, fold),
            **more,
        )
