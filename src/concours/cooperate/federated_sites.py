"""What is told of a federation: its rounds, its sites, and how well each site's own rows are predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from concours.cooperate.federated import Round
from concours.cooperate.federation import Federating
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.core.seeds import derive_seed


@dataclass(frozen=True, kw_only=True)
class SiteScores(MemoProcess):
    """How well candidates predict each site's own rows: out-of-fold, of which there are more than in the test part.

    Attributes:
        sites: the site of each row of the training part, and how many there are.
    """

    problem: Problem
    sites: Digest
    count: int

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [self._job(state)])

    def scores(self, state: Memo) -> Mapping[str, Any]:
        """Of each candidate in turn `scores` and `intervals` over the sites; `rows` of each. Nothing if it failed."""
        done = state.done(self._job(state))
        return done.values if done else {}

    def _job(self, state: Memo) -> Job:
        told = {f"predictions{i}": c.oof for i, c in enumerate(state.candidates) if c.oof}
        return Job(
            runner="score_sites",
            inputs={"y": self.problem.train.y, "folds": self.problem.folds, "sites": self.sites, **told},
            params={
                **self.problem.measuring(1),
                "sites": self.count,
                "decisions": [None if c.decision is None else dict(c.decision) for c in state.candidates],
            },
            seed=derive_seed(state.seed, "federation", "sites"),
            label="federation: every site's score",
        )


def shown_rounds(process: Federating, state: Memo) -> dict[str, Any]:
    """The rounds, over all folds, and what each site did in them, as JSON.

    Of `rounds` each has `score`, the mean over the folds on the rows that they hold out, `loss`, of training, and of
    one fold on average `down` and `up` in bytes, `asked`, `dropped` and `late`. `parts` are, of each site, its mean
    part in the rounds that it sent something in, and `norms` the mean length of what it sent, none where it never did.
    """
    folds = [list(process.history(state, place)) for place in range(len(process.folds))]
    count = len(process.federation.names)
    begun = [done.values["bytes"] for place in range(len(folds)) if (done := process.begun(state, place))]
    return {
        "rounds": [_round(rounds) for rounds in _aligned(folds)],
        "parts": _of_sites(folds, "weights", count),
        "norms": _of_sites(folds, "norms", count),
        "sums": int(sum(begun) / len(begun)) if begun else 0,
    }


def _aligned(folds: Sequence[Sequence[tuple[Round, Done]]]) -> list[list[tuple[Round, Done]]]:
    """Of each round, those of the folds that have come so far."""
    longest = max((len(fold) for fold in folds), default=0)
    return [[fold[number] for fold in folds if number < len(fold)] for number in range(longest)]


def _round(each: Sequence[tuple[Round, Done]]) -> dict[str, Any]:
    values = [done.values for _, done in each]
    return {
        "score": _mean([value["score"] for value in values]),
        "loss": _mean([value["loss"] for value in values]),
        "down": _mean([value["down"] * len(round.asked) for (round, _), value in zip(each, values, strict=True)]),
        "up": _mean([value["up"] for value in values]),
        "asked": _mean([len(round.asked) for round, _ in each]),
        "dropped": _mean([len(round.dropped) for round, _ in each]),
        "late": _mean([len(round.late) for round, _ in each]),
    }


def _of_sites(folds: Sequence[Sequence[tuple[Round, Done]]], what: str, count: int) -> list[float | None]:
    found: list[list[float]] = [[] for _ in range(count)]
    for fold in folds:
        for _, done in fold:
            for site, value in zip(done.values["sites"], done.values[what], strict=True):
                found[site].append(value)
    return [_mean(values) for values in found]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def with_predictions(candidates: Sequence[Candidate], names: Sequence[str]) -> list[Candidate]:
    """Those of these names that have out-of-fold predictions, in the order of the names."""
    known = {candidate.entrant.name: candidate for candidate in candidates if candidate.oof}
    return [known[name] for name in names if name in known]
