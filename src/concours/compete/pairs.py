"""Pairs before judges: each candidate's texts against each other's, on the rows of the part that evaluates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from concours.compete.shown import ShownPairs
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.core.seeds import derive_seed


@dataclass(frozen=True, kw_only=True)
class Side:
    """What a job reads of two whose texts judges have compared.

    Attributes:
        name, other: of the two; `core.kind.REFERENCE` of the reference, and nothing where nobody says whom.
        texts, others: what they wrote.
        verdicts: on the texts of the first.
    """

    name: str
    other: str
    texts: Digest
    others: Digest
    verdicts: Digest


def inputs_of(sides: Sequence[Side]) -> dict[str, Digest]:
    """The inputs of `judgements`, `texts0`, `others0`, `verdicts0`, …"""
    names = ("texts", "others", "verdicts")
    return {f"{name}{number}": getattr(side, name) for number, side in enumerate(sides) for name in names}


def names_of(sides: Sequence[Side]) -> list[list[str]]:
    """Its parameter `pairs`."""
    return [[side.name, side.other] for side in sides]


@dataclass(frozen=True, kw_only=True)
class Pairs(MemoProcess):
    """A job for each two that judges are asked about, and one that sums up what they said.

    Those who join others do not meet: they mostly say what one of these says. Nor does the baseline.
    """

    problem: Problem
    threads: int = 1

    def plan(self, state: Memo) -> Plan:
        pairs = [job for _, _, job in self._pairs(state)]
        done = bool(pairs) and all(state.done(job) for job in pairs)
        return unfinished(state, [*pairs, *([self._summed_up(state)] if done else [])])

    def shown(self, state: Memo) -> ShownPairs | None:
        """What came of it; none while it is under way, or where fewer than two could meet."""
        pairs = self._pairs(state)
        if not pairs:
            return None
        failed = next((end for *_, job in pairs if isinstance(end := state.ended(job), Failed)), None)
        if failed:
            return ShownPairs(name="pairs", sides=[], judgements={}, reason=failed.reason)
        if not all(state.done(job) for *_, job in pairs):
            return None
        told = state.ended(self._summed_up(state))
        if not isinstance(told, Done):
            return None if told is None else ShownPairs(name="pairs", sides=[], judgements={}, reason=told.reason)
        sides = [(one.entrant.name, other.entrant.name, self._verdicts(state, job)) for one, other, job in pairs]
        return ShownPairs(name="pairs", sides=sides, judgements=dict(told.values), reason="")

    def _players(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        singles = [c for c in candidates if c.entrant.role == "single" and self._texts(c)]
        return sorted(singles, key=lambda candidate: (candidate.entrant.digest, candidate.entrant.name))

    def _pairs(self, state: Memo) -> list[tuple[Candidate, Candidate, Job]]:
        players = self._players(state.candidates)
        return [(one, other, self._job(state, one, other)) for one, other in combinations(players, 2)]

    def _job(self, state: Memo, one: Candidate, other: Candidate) -> Job:
        part = self.problem.test or self.problem.train
        return Job(
            runner="judge_pair",
            inputs={"x": part.x, "texts": self._texts(one), "others": self._texts(other)},
            params={"output": self.problem.output.told, "judges": list(self.problem.output.meta["judges"])},
            seed=derive_seed(state.seed, "judge"),
            outputs=("verdicts",),
            label=f"{one.entrant.name} and {other.entrant.name}: judge",
        )

    def _summed_up(self, state: Memo) -> Job:
        sides = [
            Side(
                name=one.entrant.name,
                other=other.entrant.name,
                texts=self._texts(one),
                others=self._texts(other),
                verdicts=self._verdicts(state, job),
            )
            for one, other, job in self._pairs(state)
        ]
        return Job(
            runner="judgements",
            inputs=inputs_of(sides),
            params={"pairs": names_of(sides)},
            threads=self.threads,
            label="pairs: what judges said",
        )

    def _verdicts(self, state: Memo, job: Job) -> Digest:
        done = state.done(job)
        return done.outputs["verdicts"] if done else Digest("")

    def _texts(self, candidate: Candidate) -> Digest:
        return (candidate.test if self.problem.test else candidate.oof) or Digest("")
