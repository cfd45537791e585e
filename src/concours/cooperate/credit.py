"""Credit: one job an alliance, after the evaluation, that says what each member is worth to it. It decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from concours.cooperate.joining import recipes_of
from concours.cooperate.terms import Terms, terms_of
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.lineage import by_digest, in_turn
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
        alliances = {c.entrant.name: c.entrant.joint for c in state.candidates}
        names = by_digest(c.entrant for c in state.candidates)
        return {
            name: (in_turn(terms_of(joint, by_fold=self.part == "oof").members, names), event)
            for name, event in ended.items()
            if event is not None and (joint := alliances[name])
        }

    @property
    def part(self) -> str:
        """Which predictions count: `test`, or `oof` where there is no test part."""
        return "test" if self.problem.test else "oof"

    def _jobs(self, state: Memo) -> dict[str, Job]:
        alliances = [(c, c.entrant.joint) for c in state.candidates if c.entrant.joint]
        terms = {c.entrant.name: terms_of(joint, by_fold=self.part == "oof") for c, joint in alliances}
        return {
            c.entrant.name: self._job(state, c, terms[c.entrant.name])
            for c, _ in alliances
            if len(terms[c.entrant.name].members) > 1
        }

    def _job(self, state: Memo, alliance: Candidate, terms: Terms) -> Job:
        problem, name = self.problem, alliance.entrant.name
        known = {c.entrant.digest: c for c in state.candidates}
        members = [known[digest] for digest in terms.members]
        judging = problem.test or problem.train
        merged = [c.models if problem.test else c.fold_models for c in members if terms.mixes]
        inputs: dict[str, Digest | None] = {
            "y": judging.y,
            **judging.counting,
            "train_weights": problem.train.weights,
            "train_y": problem.train.y,
            "folds": problem.folds,
            **{f"predictions{i}": c.test if problem.test else c.oof for i, c in enumerate(members)},
            **{f"model{i}": model for i, model in enumerate(terms.learners)},
            **{f"model{i}_{j}": model for i, each in enumerate(merged) for j, model in enumerate(each)},
        }
        if terms.handicaps or terms.scorers:
            inputs["x"] = judging.x
        if terms.refit and problem.test:
            inputs |= {f"oof{i}": c.oof for i, c in enumerate(members)}
        return Job(
            runner="credit",
            inputs={key: digest for key, digest in inputs.items() if digest},
            params={
                **problem.measuring(1),
                "how": alliance.entrant.recipe,
                "refit": terms.refit,
                "part": self.part,
                "weights": [list(row) for row in terms.weights],
                **(_merging(terms, members, merged) if merged else {}),
                **({"thresholds": [list(row) for row in terms.thresholds]} if terms.thresholds else {}),
                **({"scorers": [list(row) for row in terms.scorers]} if terms.scorers else {}),
                **({"handicaps": [list(row) for row in terms.handicaps]} if terms.handicaps else {}),
                "calibration": _plain(alliance.calibration),
                "decision": _plain(alliance.decision),
                "decisions": [_plain(member.decision) for member in members],
            },
            seed=derive_seed(state.seed, "credit", alliance.entrant.digest),
            threads=self.threads,
            label=f"{name}: credit",
        )


def _merging(terms: Terms, members: Sequence[Candidate], merged: Sequence[Sequence[Digest]]) -> dict[str, Any]:
    """What a job must be told to merge models again."""
    mixes = [[list(mix.weights), dict(mix.kept)] for mix in terms.mixes]
    return {"models": [len(each) for each in merged], "recipes": recipes_of(members), "mixes": mixes}


def _plain(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if value is None else dict(value)
