"""Alliances whose members' predictions are added up: plain average, vote, greedy selection, and stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Failed
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.core.seeds import derive_seed


@dataclass(frozen=True, kw_only=True)
class Average(MemoProcess):
    """Every candidate with the same weight. Asks for no job."""

    problem: Problem

    def plan(self, state: Memo) -> Plan:
        return Plan(status="finished")

    def result(self, state: Memo) -> Entrant:
        return _equal("average", "mean", state.candidates)


@dataclass(frozen=True, kw_only=True)
class Vote(MemoProcess):
    """Every candidate has one vote, for its most probable class. Asks for no job."""

    problem: Problem

    def plan(self, state: Memo) -> Plan:
        return Plan(status="finished")

    def result(self, state: Memo) -> Entrant:
        return _equal("vote", "vote", state.candidates)


@dataclass(frozen=True, kw_only=True)
class Greedy(MemoProcess):
    """Ensemble selection from a library of models (Caruana et al. 2004) on out-of-fold predictions.

    Members are picked one at a time, with replacement, on all folds. To be compared with its members the alliance
    also needs predictions that its weights have not seen: for the rows of a fold they are picked on the other folds.
    How many picks there are is what does best on those rows: with more of them the weights fit chance.
    """

    problem: Problem
    steps: int = 100
    threads: int = 1

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [self._select(state, fold) for fold in all_and_each(self.problem)])

    def result(self, state: Memo) -> Entrant:
        """The alliance.

        Raises:
            ValueError: a selection failed; the message has its reason.
        """
        final, *by_fold = [outcome(state, self._select(state, fold)) for fold in all_and_each(self.problem)]
        paths = best_paths(final, by_fold)
        members = sorted({member for path in paths for member in path})
        weights = [[path.count(member) / len(path) for member in members] for path in paths]
        params: dict[str, Any] = {"weights": weights[0], "fold_weights": weights[1:]}
        return alliance("greedy", "mean", [state.candidates[i] for i in members], params)

    def _select(self, state: Memo, fold: int | None) -> Job:
        return Job(
            kind="select",
            inputs={**targets(self.problem), **out_of_fold(state.candidates)},
            params={**self.problem.measuring(1), "steps": self.steps, "without_fold": fold},
            seed=derive_seed(state.seed, "select", -1 if fold is None else fold),
            threads=self.threads,
            label="greedy: select" if fold is None else f"greedy: select without fold {fold + 1}",
        )


@dataclass(frozen=True, kw_only=True)
class Stack(MemoProcess):
    """Weights with which all members together lose least: a logarithmic opinion pool, or a weighted sum of numbers.

    As with `Greedy`, the rows of a fold are joined by weights found on the other folds.
    """

    problem: Problem
    threads: int = 1

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [self._weigh(state, fold) for fold in all_and_each(self.problem)])

    def result(self, state: Memo) -> Entrant:
        """The alliance.

        Raises:
            ValueError: weights could not be found; the message has the reason.
        """
        weights = [list(outcome(state, self._weigh(state, fold))["weights"]) for fold in all_and_each(self.problem)]
        params: dict[str, Any] = {"weights": weights[0], "fold_weights": weights[1:]}
        return alliance("stack", "pool" if self.problem.classes else "mean", state.candidates, params)

    def _weigh(self, state: Memo, fold: int | None) -> Job:
        return Job(
            kind="weigh",
            inputs={**targets(self.problem), **out_of_fold(state.candidates)},
            params={"classes": len(self.problem.classes), "without_fold": fold},
            seed=derive_seed(state.seed, "weigh", -1 if fold is None else fold),
            threads=self.threads,
            label="stack: weigh" if fold is None else f"stack: weigh without fold {fold + 1}",
        )


def all_and_each(problem: Problem) -> list[int | None]:
    """What weights are found on: all rows, and the rows without each fold."""
    return [None, *problem.crossing]


def targets(problem: Problem) -> dict[str, Digest]:
    """The inputs of a job that chooses by the training part: its targets, folds, and weights of rows."""
    return {"y": problem.train.y, "folds": problem.folds, **problem.train.weighing}


def out_of_fold(candidates: Sequence[Candidate]) -> dict[str, Digest]:
    """The inputs of a job that reads candidates' out-of-fold predictions."""
    return {f"oof{i}": c.oof for i, c in enumerate(candidates) if c.oof}


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
    """The number of picks at which the mean loss over the rows of all folds is least, the first of equal ones."""
    rows = sum(values["rows"] for values in by_fold)
    steps = zip(*(values["held_out"] for values in by_fold), strict=False)
    shares = [values["rows"] / rows for values in by_fold]
    losses = [sum(s * loss for s, loss in zip(shares, step, strict=True)) for step in steps]
    return losses.index(min(losses)) + 1


def best_paths(final: Mapping[str, Any], by_fold: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """The picks that count: of the final selection as many as do best over all folds, of a fold's as do best on others.

    So the rows of a fold say nothing of how many picks join them.
    """
    others = [[values for other, values in enumerate(by_fold) if other != fold] for fold in range(len(by_fold))]
    sizes = [best_size(by_fold), *(best_size(values) for values in others)]
    return [list(values["path"][:size]) for values, size in zip((final, *by_fold), sizes, strict=True)]


def _equal(name: str, recipe: str, members: Sequence[Candidate]) -> Entrant:
    return alliance(name, recipe, members, {"weights": [1 / len(members)] * len(members)})


def alliance(name: str, recipe: str, members: Sequence[Candidate], params: dict[str, Any]) -> Entrant:
    """The entrant that joins members in some way."""
    parents = tuple(member.entrant.digest for member in members)
    return Entrant(name=name, recipe=recipe, params=params, prepare="none", role="alliance", parents=parents)
