"""The budgeted alliance: greedy selection within declared limits of what predicting with it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from concours.cooperate.joining import Joining, all_and_each, best_paths, out_of_fold, outcome, sizes_of, targets
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done
from concours.core.job import Job
from concours.core.joint import Artifacts
from concours.core.lineage import kept_objects, row_s_of, unanswering
from concours.core.process import Memo, Plan, unfinished

LIMITS = ("latency_ms", "size_mb")


@dataclass(frozen=True, kw_only=True)
class Budgeted(Joining):
    """Members picked as `Greedy` does, such that all together stay within limits, and cross-fitted like it.

    What a member costs is added up: what two members share, a preparation, or a model where they are alliances
    themselves, counts for both. The size of models is the
    same in every run; how long they take is measured, so that with a limit of it two runs may pick different members.
    Predictions in a file cost nothing and answer nothing: who has no more is not picked.

    Attributes:
        limits: `latency_ms`, milliseconds to prepare and predict one row of many on one core; `size_mb`, megabytes
            (10⁶ bytes) of all files that predicting needs. One or both.
    """

    how: ClassVar[str] = "budgeted"
    steps: int = 50

    def plan(self, state: Memo) -> Plan:
        done = state.done(sizes := self._sizes(state))
        jobs = self._selects(state, done) if done and self._within(state, done) else []
        return unfinished(state, [sizes, *jobs])

    def result(self, state: Memo) -> Entrant:
        """The alliance; of a single member where no two are within the limits.

        Raises:
            ValueError: no member is within the limits, or a selection failed; the message says so.
        """
        outcome(state, sizes := self._sizes(state))
        done = state.done(sizes)
        if done is None:
            raise ValueError("the sizes of models are not known")
        costs = self._costs(state, done)
        members = self._within(state, done)
        if not members:
            raise ValueError(self._too_costly(costs))
        final, *by_fold = [outcome(state, job) for job in self._selects(state, done)]
        paths = best_paths(final, by_fold)
        picked = sorted({pick for path in paths for pick in path})
        weights = [[path.count(pick) / len(path) for pick in picked] for path in paths]
        used = [costs[members[pick]] for pick in set(paths[0])]
        uses = {name: float(f"{sum(cost[name] or 0.0 for cost in used):.3g}") for name in self.limits}
        chosen = [state.candidates[members[pick]] for pick in picked]
        kept = Artifacts(limits=dict(self.limits), uses=uses)
        return self.alliance("mean", chosen, weights[0], weights[1:], kept)

    def _costs(self, state: Memo, done: Done) -> list[dict[str, float | None]]:
        """Of each candidate, by the names of the limits; none where one was not measured."""
        known = zip(state.candidates, done.values["bytes"], strict=True)
        costs = [{"latency_ms": self._latency_ms(c), "size_mb": size / 1e6} for c, size in known]
        return [{name: cost[name] for name in self.limits} for cost in costs]

    def _within(self, state: Memo, done: Done) -> list[int]:
        """The numbers of the candidates that can be asked, and are within the limits alone."""
        return [
            number
            for number, cost in enumerate(self._costs(state, done))
            if all(value is not None and value <= self.limits[name] for name, value in cost.items())
            and not unanswering(state.candidates[number], self.known)
        ]

    def _selects(self, state: Memo, done: Done) -> list[Job]:
        members = self._within(state, done)
        costs = self._costs(state, done)
        return [
            Job(
                runner="select",
                inputs={
                    **targets(self.problem),
                    **out_of_fold([state.candidates[number] for number in members]),
                },
                params={
                    **self.problem.measuring(1),
                    "steps": self.steps,
                    "without_fold": fold,
                    "limits": list(self.limits.values()),
                    "costs": [list(costs[number].values()) for number in members],
                },
                threads=self.threads,
                label=self.labelled("select", fold),
            )
            for fold in all_and_each(self.problem)
        ]

    def _too_costly(self, costs: list[dict[str, float | None]]) -> str:
        parts = []
        for name, limit in self.limits.items():
            known = [value for cost in costs if (value := cost[name]) is not None]
            least = f"the least of a member is {min(known):.3g}" if known else "it was not measured"
            parts.append(f"{name} = {limit:g} ({least})")
        return f"no member is within {' and '.join(parts)}"

    def _latency_ms(self, candidate: Candidate) -> float | None:
        row_s = row_s_of(candidate, self.known)
        return None if row_s is None else float(f"{1000 * row_s:.3g}")

    def _sizes(self, state: Memo) -> Job:
        """Asks for the bytes that predicting with each candidate needs."""
        return sizes_of([kept_objects(candidate, self.known) for candidate in state.candidates], self.called)
