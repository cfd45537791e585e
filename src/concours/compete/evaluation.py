"""The evaluation: all candidates scored together, once, on rows that nothing was chosen by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.problem import Goal, Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.core.seeds import derive_seed


@dataclass(frozen=True, kw_only=True)
class Evaluation(MemoProcess):
    """One job that scores every candidate on one part and estimates how their scores vary together.

    Attributes:
        part: `test`, or `oof` where the problem has no test part.
        tried: what some of the candidates were chosen from by the rows that judge, trials of searches: they do not
            stand on the board, and are tested with those that do.
        level: at which ranks are certain, where it is not the usual one.
    """

    problem: Problem
    part: Literal["test", "oof"] = "test"
    tried: tuple[Candidate, ...] = ()
    threads: int = 1
    level: float | None = None

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [self._job(state)] if state.candidates else [])

    def outcome(self, state: Memo) -> Done | Failed | None:
        """How the job ended: `values` has scores, intervals, ranks and tiers in the order of the candidates."""
        return state.ended(self._job(state))

    def _job(self, state: Memo) -> Job:
        rows = self.problem.test if self.part == "test" and self.problem.test else self.problem.train
        evaluated = (*state.candidates, *self.tried)
        predictions = {f"predictions{i}": self._predictions(c) for i, c in enumerate(evaluated)}
        standing = {"standing": len(state.candidates)} if self.tried else {}
        further = {**rows.counting, **({"folds": self.problem.folds} if self.part == "oof" else {})}
        level = {} if self.level is None else {"level": self.level}
        decisions = [candidate.decision and dict(candidate.decision) for candidate in evaluated]
        return Job(
            runner="evaluate",
            inputs={"y": rows.y, **further, **{name: digest for name, digest in predictions.items() if digest}},
            params={**self.problem.measuring(), "decisions": decisions, **standing, **rows.looking, **level},
            seed=derive_seed(state.seed, "judge"),
            threads=self.threads,
            label="evaluate",
        )

    def _predictions(self, candidate: Candidate) -> Digest | None:
        return candidate.test if self.part == "test" else candidate.oof


def line_at(values: Mapping[str, Any], place: int, metrics: Sequence[Goal]) -> dict[str, Any]:
    """What a standing says of the one at a place of the lists that an evaluation, or a ranking, gives.

    Args:
        metrics: in their order, the one that ranks first: what is recalled from a journal has its keys sorted.
    """
    scores, names = values["scores"], [goal.name for goal in metrics]
    return {
        "rank": values["rank"][place],
        "rank_best": values["rank_best"][place],
        "rank_worst": values["rank_worst"][place],
        "score": scores[names[0]][place],
        "ci": _ends(values["ci"][place]),
        "metrics": {name: scores[name][place] for name in names},
        "intervals": {name: ends for name in names if (ends := _ends(values["intervals"][name][place]))},
        "ranks": {name: tuple(places) for name in names if (places := values["ranks"][name][place])},
        "unsure": {name: each[place] for name, each in values["unsure"].items() if each[place]},
        "tier": values["tier"][place],
    }


def _ends(interval: Sequence[float] | None) -> tuple[float, float] | None:
    return (interval[0], interval[1]) if interval else None
