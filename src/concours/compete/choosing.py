"""Choosing: what each choice by out-of-fold predictions flatters the one chosen by, where the same rows judge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.core.seeds import derive_seed

Interval = tuple[float, float]


def differing(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The first of those whose out-of-fold predictions, and decisions, are the same."""
    found: dict[tuple[Digest | None, str], Candidate] = {}
    for candidate in candidates:
        found.setdefault((candidate.oof, str(candidate.decision)), candidate)
    return tuple(found.values())


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One that was chosen.

    Attributes:
        chosen: with out-of-fold predictions, as all.
        others: that it was chosen from; those that predict the same count once.
        intervals: of its scores by metric, as if it had been alone; none where they are not defined.
    """

    chosen: Candidate
    others: tuple[Candidate, ...]
    intervals: Mapping[str, Interval | None]

    @property
    def all(self) -> tuple[Candidate, ...]:
        """The one chosen, and those that differ from it and from one another."""
        return differing((self.chosen, *self.others))


@dataclass(frozen=True, kw_only=True)
class Choosing(MemoProcess):
    """One job a choice: it is made again on rows that are drawn anew, and scored on those left out.

    Attributes:
        choices: by the name of whose they are.
    """

    problem: Problem
    choices: Mapping[str, Choice]
    threads: int = 1

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [job for _, job in self._jobs(state)])

    def outcomes(self, state: Memo) -> dict[str, Done | Failed]:
        """How the jobs ended that have: `values` has corrected scores, and intervals, by metric."""
        return {name: event for name, job in self._jobs(state) if (event := state.ended(job))}

    def _jobs(self, state: Memo) -> Iterator[tuple[str, Job]]:
        train = self.problem.train
        for name, choice in self.choices.items():
            candidates = choice.all
            predictions = {f"predictions{i}": digest for i, c in enumerate(candidates) if (digest := c.oof)}
            yield (
                name,
                Job(
                    runner="choice",
                    inputs={"y": train.y, "folds": self.problem.folds, **train.counting, **predictions},
                    params={
                        **self.problem.measuring(),
                        "decisions": [c.decision and dict(c.decision) for c in candidates],
                        "intervals": {metric: ends and list(ends) for metric, ends in choice.intervals.items()},
                    },
                    seed=derive_seed(state.seed, "choice"),
                    threads=self.threads,
                    label=f"{name}: choose again",
                ),
            )
