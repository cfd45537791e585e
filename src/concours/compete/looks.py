"""Looks: language models are asked in growing portions of the rows that judge, until their ranks are settled.

After each portion all that could be asked are compared on the rows that all have answered, by tests that hold over all
looks together (`kernels.ranking.sequential`): so it may stop at any of them. What it leads to is a problem whose test
part is the rows of the last look, and no other row counts anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from concours.compete.evaluation import Evaluation
from concours.compete.jobs import Final, Jobs
from concours.core.entrant import Candidate
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.problem import Part, Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.core.seeds import derive_seed
from concours.kernels.ranking.portions import portions
from concours.kernels.scoring.intervals import LEVEL

Stop = Literal["", "best separates", "ranks separate"]
STOPS: tuple[Stop, ...] = ("best separates", "ranks separate")

SOUGHT = 0.1
"""The difference of scores, as a share of their range, that is found the soonest; tests hold for any."""


def _best(values: Mapping[str, Any]) -> bool:
    return 1 in values["rank_worst"]


def _all(values: Mapping[str, Any]) -> bool:
    return values["rank_best"] == values["rank_worst"] and None not in values["rank_best"]


_SETTLED: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {"best separates": _best, "ranks separate": _all}
"""Whether an evaluation tells enough: that one is certainly better than all others, or everybody's rank."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was known at one look.

    Attributes:
        part: the rows that judge.
        candidates: all, of those whose predictions are there with the ones of these rows.
        failed: why those could not be asked who could not, by name.
        settled: whether the ranks asked for were.
    """

    part: Part
    candidates: tuple[Candidate, ...]
    failed: Mapping[str, str]
    settled: bool = False


@dataclass(frozen=True, kw_only=True)
class Looks(MemoProcess):
    """Asks candidates that are asked in words, beside those whose predictions are there, in portions.

    Attributes:
        stop: what is to be settled.
        final, threads: as of the leaderboard, whose jobs these are.
        scale: of what is sought, in the unit of the ranking metric.
        others: how many will stand on the board beside these: ranks are settled at such a level that all pairs of the
            board, which are tested together, leave those certain that are.
    """

    problem: Problem
    stop: Stop
    final: Final = "bag"
    threads: int = 1
    scale: float = SOUGHT
    others: int = 0

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, self._walked(state)[1])

    def looks(self, state: Memo) -> list[Look]:
        """Those that were had, in their order; where one could not be completed, the rows of the one before count."""
        return self._walked(state)[0]

    def cut_short(self, state: Memo) -> str:
        """Why the next portion could not be asked, of whoever could be before; empty where nothing failed."""
        return self._walked(state)[2]

    def _walked(self, state: Memo) -> tuple[list[Look], list[Job], str]:
        """The looks so far, the jobs of the next one, and why there is none where somebody could not be asked."""
        looks: list[Look] = []
        test = self.problem.test
        for most in portions(test.rows) if test else ():
            portion = self._portion(state, most)
            drawn = state.ended(portion)
            if not isinstance(drawn, Done):
                return looks, [portion], drawn.reason if drawn else ""
            look, jobs = self._look(state, drawn)
            if look is None:
                return looks, jobs, ""
            if looks and (new := look.failed.keys() - looks[-1].failed.keys()):
                return looks, [], f"{min(new)}: {look.failed[min(new)]}"
            looks.append(look)
            if look.settled:
                break
        return looks, [], ""

    def _look(self, state: Memo, drawn: Done) -> tuple[Look | None, list[Job]]:
        """What is known of a portion; without all of it, the jobs that it takes."""
        problem = self._judged_by(drawn)
        everyone = self._narrowed(state.candidates, drawn)
        asks = {c.entrant.name: self._ask(state, problem, c) for c in everyone if c.entrant.had.calls}
        ended = {name: state.ended(job) for name, job in asks.items()}
        if None in ended.values():
            return None, list(asks.values())
        answered = {name: event.outputs["test"] for name, event in ended.items() if isinstance(event, Done)}
        judged = [replace(c, test=answered[c.entrant.name]) if c.entrant.name in answered else c for c in everyone]
        known = replace(state, candidates=tuple(c for c in judged if c.test))
        evaluation = Evaluation(problem=problem, threads=self.threads, level=self._level(len(known.candidates)))
        outcome = evaluation.outcome(known)
        if outcome is None and known.candidates:
            return None, list(evaluation.plan(known).jobs)
        failed = {name: event.reason for name, event in ended.items() if isinstance(event, Failed)}
        settled = isinstance(outcome, Done) and len(known.candidates) > 1 and _SETTLED[self.stop](outcome.values)
        part = problem.test or problem.train
        return Look(part=part, candidates=tuple(everyone), failed=failed, settled=settled), []

    def _level(self, candidates: int) -> float:
        """What may go wrong is shared by all pairs of the board, as by Holm's correction at its most careful."""
        everyone = candidates + self.others
        share = candidates * (candidates - 1) / max(everyone * (everyone - 1), 1)
        return 1 - (1 - LEVEL) * share

    def _portion(self, state: Memo, most: int) -> Job:
        part = self.problem.test or self.problem.train
        recorded = {f"predictions{i}": c.test for i, c in enumerate(state.candidates) if c.test}
        return Job(
            runner="portion",
            inputs={"x": part.x, "y": part.y, "ids": part.ids, **part.counting, **recorded},
            params={"rows": part.rows, "most": most, "rows_seed": derive_seed(state.seed, "portions")},
            outputs=("x", "y", "ids", *part.counting, *recorded),
            label=f"{most} rows that judge",
        )

    def _ask(self, state: Memo, problem: Problem, candidate: Candidate) -> Job:
        """The leaderboard's own job."""
        jobs = Jobs(problem=problem, final=self.final, threads=self.threads, seed=state.seed, candidate=candidate)
        return jobs.ask()

    def _judged_by(self, drawn: Done) -> Problem:
        found = drawn.outputs
        part = Part(
            x=found["x"],
            y=found["y"],
            ids=found["ids"],
            rows=drawn.values["rows"],
            groups=found.get("groups"),
            sought=self.scale,
        )
        return replace(self.problem, test=part, public=None)

    def _narrowed(self, candidates: Sequence[Candidate], drawn: Done) -> list[Candidate]:
        return [replace(c, test=drawn.outputs.get(f"predictions{i}", c.test)) for i, c in enumerate(candidates)]
