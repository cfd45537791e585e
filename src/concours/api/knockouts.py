"""Knockouts before the leaderboard: who goes on to it."""

from __future__ import annotations

from collections.abc import Sequence

from concours.api.forms import between, whole
from concours.api.setup import Setup
from concours.api.stages import Format, Option, Stage
from concours.compete.asha import Asha
from concours.compete.halving import Halving
from concours.compete.rungs import Knockout
from concours.compete.shown import Bracket
from concours.core.entrant import Candidate
from concours.core.process import Memo
from concours.engine.loop import Engine

OPTIONS = {
    "eta": Option(form=whole(2), default=3, what="by how much a rung has more rows than the one before"),
    "finalists": Option(form=whole(1), default=3, what="how many go on to the leaderboard at most"),
    "rungs": Option(
        form=whole(1, 8),
        default=None,
        what="how many there are before the leaderboard; as many as leave the first one 100 rows, and 4 at most",
    ),
    "level": Option(
        form=between(0.5, 1),
        default=0.95,
        what="at which who is worse than the best is so certainly, all rungs together",
    ),
}


def halving(engine: Engine, setup: Setup, candidates: Sequence[Candidate], until_s: float | None) -> Stage:
    """Successive halving among all but the baseline, which stands on every board."""
    knockout = Halving(problem=setup.problem, threads=setup.threads, **setup.options)
    state = engine.drive(knockout, _playing(candidates), seed=setup.seed, until_s=until_s)
    return _stage(knockout, state, candidates)


def asha(engine: Engine, setup: Setup, candidates: Sequence[Candidate], until_s: float | None) -> Stage:
    """The same, without waiting."""
    knockout = Asha(problem=setup.problem, threads=setup.threads, **setup.options)
    state = engine.drive(knockout, _playing(candidates), seed=setup.seed, until_s=until_s)
    return _stage(knockout, state, candidates)


def _playing(candidates: Sequence[Candidate]) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.entrant.role != "baseline"]


def _stage(knockout: Knockout, state: Memo, candidates: Sequence[Candidate]) -> Stage:
    lines, bracket = knockout.standings(state), knockout.bracket(state)
    by_name = {candidate.entrant.name: candidate for candidate in candidates}
    baseline = [candidate for candidate in candidates if candidate.entrant.role == "baseline"]
    through = [by_name[line.entrant.name] for line in lines if line.status in ("ok", "running")]
    over = "the knockout was over before its last rung: the time for it was up, or a comparison failed"
    return Stage(
        candidates=(*baseline, *through),
        away=tuple(line for line in lines if line.status not in ("ok", "running")),
        value=bracket,
        warnings=(over,) if bracket["over"] else (),
    )


FORMATS = {
    "halving": Format(
        what="entrants meet on growing shares of the rows; who is certainly worse than the best leaves",
        options=OPTIONS,
        before=halving,
        shown=Bracket,
    ),
    "asha": Format(
        what="halving in which nobody waits for a rung to be full", options=OPTIONS, before=asha, shown=Bracket
    ),
}
