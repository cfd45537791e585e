"""Duels between complete candidates, as jobs: what `Tournament` and `Arena` ask for."""

from __future__ import annotations

from collections.abc import Sequence

from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.seeds import derive_seed

Duel = tuple[int, int, int, int]
"""First and second by their places among the players, from where in the order of the rows, and how many rows."""


def players_of(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that can be compared, in an order that does not depend on how they came: by name.

    Not by digest: that of an alliance covers its weights, whose last digits differ from processor to processor, and who
    meets whom would too.
    """
    return sorted((candidate for candidate in candidates if candidate.oof), key=lambda one: one.entrant.name)


def duels_job(
    problem: Problem,
    players: Sequence[Candidate],
    pairs: Sequence[Duel],
    *,
    seed: int,
    band: float,
    threads: int,
    label: str,
) -> Job:
    """Some duels, as one job.

    Args:
        seed: of the contest; all jobs of it take the rows in one order.
        band: see `engine.runners.duel`.
    """
    predictions = {f"predictions{place}": player.oof or Digest("") for place, player in enumerate(players)}
    return Job(
        runner="duels",
        inputs={"y": problem.train.y, "folds": problem.folds, **problem.train.counting, **predictions},
        params={
            **problem.measuring(1),
            "decisions": [None if player.decision is None else dict(player.decision) for player in players],
            "rows_seed": derive_seed(seed, "duels"),
            "band": band,
            "pairs": [list(pair) for pair in pairs],
        },
        threads=threads,
        label=label,
    )
