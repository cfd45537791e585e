"""What processes that join have in common: the problem, a name, and the jobs and outcomes that they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Failed
from concours.core.job import Job
from concours.core.joint import Artifacts, Joint
from concours.core.problem import Problem
from concours.core.process import Memo, MemoProcess
from concours.kernels.joining.selection import least


@dataclass(frozen=True, kw_only=True)
class Joining(MemoProcess):
    """A process that joins its candidates into one entrant.

    Attributes:
        how: its way to join, a name of `core.joins.JOINS`.
        name: of the alliance; by default that of the way.
        limits: of what predicting may cost, by name, for the ways that keep such.
        costs: of asking candidates about a row, by digest, for the ways that count such; empty where none are declared.
        budget: what asking about a row may cost on average, for the ways that count costs; none where that is open.
        known: by digest those that the candidates join themselves, at any depth, where they are alliances.
        rounds: of reading what others say, for the ways to talk; 0 for as many as is usual.
        options: what else it was told, by the keys that its way takes (`core.joins.Join.takes`).
        threads: of each job.
    """

    how: ClassVar[str]
    problem: Problem
    name: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)
    costs: Mapping[Digest, float] = field(default_factory=dict)
    budget: float | None = None
    known: Mapping[Digest, Candidate] = field(default_factory=dict)
    rounds: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 1

    @property
    def called(self) -> str:
        """The name of the alliance."""
        return self.name or self.how

    def alliance(
        self,
        rule: str,
        members: Sequence[Candidate],
        weights: Sequence[float],
        fold_weights: Sequence[Sequence[float]] = (),
        artifacts: Artifacts | None = None,
        prepare: str | None = "none",
    ) -> Entrant:
        """The entrant that joins members by a rule (`kernels.joining.blending`, `boosted`, `cascade`, `soup`, …).

        Args:
            prepare: how rows are prepared for models of its own.
        """
        joint = Joint(
            how=self.how,
            parents=tuple(member.entrant.digest for member in members),
            weights=tuple(weights),
            fold_weights=tuple(tuple(row) for row in fold_weights),
            artifacts=artifacts or Artifacts(),
        )
        return Entrant(name=self.called, recipe=rule, prepare=prepare, role="alliance", joint=joint)

    def told(self, state: Memo) -> str:
        """What is to be said of what came of it, in a line; by default nothing."""
        return ""

    def labelled(self, what: str, fold: int | None) -> str:
        """The label of a job that does something on all rows, or on those outside a fold."""
        return f"{self.called}: {what}" if fold is None else f"{self.called}: {what} without fold {fold + 1}"


def all_and_each(problem: Problem) -> list[int | None]:
    """What weights are found on: all rows, and the rows without each fold."""
    return [None, *problem.crossing]


def targets(problem: Problem) -> dict[str, Digest]:
    """The inputs of a job that chooses by the training part: its targets, what divides it, and weights of rows."""
    return {"y": problem.train.y, **problem.dividing, **problem.train.weighing}


def out_of_fold(candidates: Sequence[Candidate]) -> dict[str, Digest]:
    """The inputs of a job that reads candidates' out-of-fold predictions."""
    return {f"oof{i}": c.oof for i, c in enumerate(candidates) if c.oof}


def recipes_of(candidates: Sequence[Candidate]) -> list[str]:
    """What the models of candidates are made by, whose code a job runs that reads these models."""
    return sorted({candidate.entrant.recipe for candidate in candidates})


def sizes_of(kept: Sequence[Sequence[Digest]], called: str) -> Job:
    """Asks for the bytes that predicting with each of some candidates needs, by what is kept of them."""
    models = {f"model{i}_{j}": digest for i, digests in enumerate(kept) for j, digest in enumerate(digests)}
    params = {"models": [len(digests) for digests in kept]}
    return Job(runner="size", inputs=models, params=params, label=f"{called}: sizes")


def outcome(state: Memo, job: Job) -> Mapping[str, Any]:
    """The values that a job yielded.

    Raises:
        ValueError: it failed, with the reason, or has not ended.
    """
    event = state.ended(job)
    if event is None or isinstance(event, Failed):
        raise ValueError(event.reason if event else f"{job.label} has not ended")
    return event.values


def best_size(by_fold: Sequence[Mapping[str, Any]]) -> int:
    """The number of picks at which the mean loss over the rows of all folds is least; the first of those that differ by
    rounding alone.
    """
    rows = sum(values["rows"] for values in by_fold) or 1
    steps = zip(*(values["held_out"] for values in by_fold), strict=False)
    shares = [values["rows"] / rows for values in by_fold]
    losses = [sum(s * loss for s, loss in zip(shares, step, strict=True)) for step in steps]
    return int(least(losses)[0]) + 1


def best_paths(final: Mapping[str, Any], by_fold: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """The picks that count: of the final selection as many as do best over all folds, of a fold's as do best on others.

    So the rows of a fold say nothing of how many picks join them.
    """
    others = [[values for other, values in enumerate(by_fold) if other != fold] for fold in range(len(by_fold))]
    sizes = [best_size(by_fold), *(best_size(values) for values in others)]
    return [list(values["path"][:size]) for values, size in zip((final, *by_fold), sizes, strict=True)]
