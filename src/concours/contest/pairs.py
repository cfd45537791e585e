"""Pairs before judges, after the leaderboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.compete.pairs import Pairs
from concours.compete.shown import ShownPairs
from concours.contest.setup import Setup
from concours.contest.stages import Format
from concours.core.entrant import Candidate
from concours.engine.loop import Engine


def pairs(engine: Engine, setup: Setup, candidates: Sequence[Candidate], until_s: float | None) -> Mapping[str, Any]:
    """What judges say of each two."""
    process = Pairs(problem=setup.problem, threads=setup.threads)
    state = engine.drive(process, candidates, seed=setup.seed, until_s=until_s)
    return process.shown(state) or {}


def _unsuited(setup: Setup) -> str:
    judges = setup.problem.output.meta.get("judges", ())
    if filed := [judge["name"] for judge in judges if "said" in judge]:
        return (
            f"the verdicts of {filed[0]} are in a file, and nobody can be asked about pairs; rate it by concours rate"
        )
    if judges:
        return ""
    return "nobody judges: name a judge by [[task.judge]], in a task of text-generation"


FORMATS = {
    "pairs": Format(
        what="a leaderboard; then judges compare what each wrote with what each other wrote",
        after=pairs,
        shown=ShownPairs,
        unsuited=_unsuited,
    )
}
