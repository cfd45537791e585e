"""Duels after the leaderboard: tournaments and the arena, between the candidates that are complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.api.forms import Form, between, is_of, one_of, whole
from concours.api.setup import Setup
from concours.api.stages import Format, Option
from concours.compete.arena import Arena
from concours.compete.shown import ShownArena, ShownTournament
from concours.compete.tournament import SYSTEMS, Tournament
from concours.core.entrant import Candidate
from concours.engine.loop import Engine

_LEVEL = between(0.5, 1)
_BAND = Form("a number from 0 and below 1", lambda value: is_of(int, float)(value) and 0 <= value < 1)


def arena(engine: Engine, setup: Setup, candidates: Sequence[Candidate], until_s: float | None) -> Mapping[str, Any]:
    """Ratings from battles on single rows."""
    process = Arena(problem=setup.problem, threads=setup.threads, **setup.options)
    state = engine.drive(process, candidates, seed=setup.seed, until_s=until_s)
    return process.shown(state)


def tournament(
    engine: Engine, setup: Setup, candidates: Sequence[Candidate], until_s: float | None
) -> Mapping[str, Any]:
    """Rounds of duels."""
    process = Tournament(problem=setup.problem, threads=setup.threads, **setup.options)
    state = engine.drive(process, candidates, seed=setup.seed, until_s=until_s)
    return process.shown(state)


FORMATS = {
    "tournament": Format(
        what="a leaderboard; then all on it meet in duels on some rows",
        options={
            "system": Option(form=one_of(*SYSTEMS), default="swiss", what="who meets whom"),
            "rows": Option(form=whole(2), default=200, what="of a duel"),
            "rounds": Option(
                form=whole(1, 1000),
                default=None,
                what="of a Swiss; one more than the logarithm to base 2 of the players",
            ),
            "level": Option(
                form=_LEVEL, default=0.95, what="at which a difference is beyond noise, and no tie, in a match"
            ),
        },
        after=tournament,
        shown=ShownTournament,
    ),
    "arena": Format(
        what="a leaderboard; then all on it meet row by row, and are rated as from votes",
        options={
            "battles": Option(form=whole(1, 100_000_000), default=20_000, what="how many rows may be compared"),
            "rows": Option(form=whole(1), default=25, what="of a duel"),
            "level": Option(
                form=_LEVEL, default=0.95, what="at which the first must be better than all others, all looks together"
            ),
            "band": Option(
                form=_BAND, default=0.01, what="differences up to this times the median score of a row are ties"
            ),
        },
        after=arena,
        shown=ShownArena,
    ),
}
