"""Credit: one job an alliance, after the evaluation, that says what each member is worth to it. It decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.core.seeds import derive_seed


@dataclass(frozen=True, kw_only=True)
class Credit(MemoProcess):
    """Shapley values of the members of each alliance, on the test part.

    Candidates are all that are complete, the alliances among them. A member that has no weight in its alliance adds
    nothing to anyone, so that it is no part of the job; nor is there one for an alliance of a single member.
    """

    problem: Problem
    threads: int = 1

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, list(self._jobs(state).values()))

    def outcomes(self, state: Memo) -> dict[str, tuple[tuple[str, ...], Done | Failed]]:
        """By the name of the alliance, the names of its members in the order of the values, and how the job ended."""
        jobs = self._jobs(state)
        ended = {name: state.ended(job) for name, job in jobs.items()}
        alliances = {c.entrant.name: c for c in state.candidates}
        return {
            name: (tuple(c.entrant.name for c in self._parts(state, alliances[name])[0]), event)
            for name, event in ended.items()
            if event is not None
        }

    @property
    def part(self) -> str:
        """Which predictions count: `test`, or `oof` where there is no test part."""
        return "test" if self.problem.test else "oof"

    def _jobs(self, state: Memo) -> dict[str, Job]:
        alliances = [c for c in state.candidates if c.entrant.role == "alliance"]
        parts = {c.entrant.name: self._parts(state, c) for c in alliances}
        return {
            c.entrant.name: self._job(state, c, *parts[c.entrant.name])
            for c in alliances
            if len(parts[c.entrant.name][0]) > 1
        }

    def _parts(self, state: Memo, alliance: Candidate) -> tuple[list[Candidate], list[list[float]]]:
        """The members that have a weight where it judges, and their weights, or those of each fold."""
        params = alliance.entrant.params
        crossed = self.part == "oof" and params.get("fold_weights")
        weights = [list(row) for row in (params["fold_weights"] if crossed else [params["weights"]])]
        layered = "model" in params
        known = {c.entrant.digest: c for c in state.candidates}
        used = [i for i in range(len(weights[0])) if layered or any(row[i] for row in weights)]
        members = [known[alliance.entrant.parents[i]] for i in used]
        return members, [[row[i] for i in used] for row in weights]

    def _job(
        self, state: Memo, alliance: Candidate, members: Sequence[Candidate], weights: Sequence[Sequence[float]]
    ) -> Job:
        problem, params, name = self.problem, alliance.entrant.params, alliance.entrant.name
        refit = name == "stack"
        judging = problem.test or problem.train
        inputs: dict[str, Digest | None] = {
            "y": judging.y,
            **judging.counting,
            "train_weights": problem.train.weights,
            "train_y": problem.train.y,
            "folds": problem.folds,
            **{f"predictions{i}": c.test if problem.test else c.oof for i, c in enumerate(members)},
        }
        if refit and problem.test:
            inputs |= {f"oof{i}": c.oof for i, c in enumerate(members)}
        if "model" in params:
            learners = [params["model"]] if problem.test else params["fold_models"]
            inputs |= {f"model{i}": model for i, model in enumerate(learners)}
        return Job(
            kind="credit",
            inputs={key: digest for key, digest in inputs.items() if digest},
            params={
                **problem.measuring(1),
                "how": alliance.entrant.recipe,
                "refit": refit,
                "part": self.part,
                "weights": weights,
                "calibration": _plain(alliance.calibration),
                "decision": _plain(alliance.decision),
                "decisions": [_plain(member.decision) for member in members],
            },
            seed=derive_seed(state.seed, "credit", alliance.entrant.digest),
            threads=self.threads,
            label=f"{name}: credit",
        )


def _plain(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if value is None else dict(value)
