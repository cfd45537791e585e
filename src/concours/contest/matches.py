"""Matches before the leaderboard, of those who play a game; and ratings of all on it, once it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from concours.compete.matches import Matches, forfeited
from concours.compete.rated import Rating
from concours.compete.shown import ShownMatches
from concours.contest.setup import Setup
from concours.contest.stages import Format, Stage
from concours.core.entrant import Candidate
from concours.core.standings import Standing, StandingStatus
from concours.engine.loop import Engine

NAME = "matches"

_STATUS: Mapping[str, StandingStatus] = {
    "out_of_time": "out_of_time",
    "recipe": "skipped",
    "missing_package": "skipped",
}
"""Of who is not in the field, by the cause; an agent that cannot play a game says so when it gets ready."""


def play(engine: Engine, setup: Setup, candidates: Sequence[Candidate], until_s: float | None) -> Stage:
    """All against all; who failed, or did not meet all in time, does not go on."""
    process = Matches(problem=setup.problem, threads=setup.threads)
    engine.drive(process, candidates, seed=setup.seed, until_s=until_s)
    process = replace(process, counting=True)
    state = engine.drive(process, candidates, seed=setup.seed)
    field, failed = process.complete(state), process.failed(state)
    going = {candidate.entrant.name for candidate in field}
    away = []
    for candidate in candidates:
        if (name := candidate.entrant.name) in going:
            continue
        ended = failed.get(name)
        status = _STATUS.get(ended.cause, "failed") if ended else "out_of_time"
        away.append(
            Standing(
                entrant=candidate.entrant,
                status=status,
                reason=ended.reason if ended else "its matches are under way",
            )
        )
    shown = process.shown(state)
    return Stage(candidates=tuple(field), away=tuple(away), value=shown, warnings=tuple(forfeited(shown["forfeits"])))


def rate(engine: Engine, setup: Setup, candidates: Sequence[Candidate], until_s: float | None) -> Mapping[str, Any]:
    """Ratings of all on the board by their games from the openings that judge, who beats whom, and a game to replay."""
    process = Rating(problem=setup.problem, threads=setup.threads)
    state = engine.drive(process, candidates, seed=setup.seed, until_s=until_s)
    return process.shown(state)


def _unsuited(setup: Setup) -> str:
    return "" if "meet" in setup.problem.output.can else "matches are of agents, and this task is no game"


FORMATS = {
    NAME: Format(
        what="agents meet all others from every opening, and stand on a leaderboard by their points",
        before=play,
        after=rate,
        shown=ShownMatches,
        unsuited=_unsuited,
    ),
}
