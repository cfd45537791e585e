"""Stopping early: how many of the rows that judge are asked about, which then is the test part of the contest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from concours.compete.looks import SOUGHT, STOPS, Looks, Stop
from concours.contest.setup import Setup
from concours.core.entrant import Candidate
from concours.core.errors import ContestError
from concours.core.problem import Part
from concours.core.typed import typed
from concours.core.written import counted
from concours.engine.loop import Engine
from concours.kernels.ranking.portions import portions
from concours.tasks.outputs.table import output_valued

_WANTED: Mapping[str, str] = {
    "best separates": "one is certainly better than all others",
    "ranks separate": "all ranks are certain",
}
"""What is waited for, in words."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """How far the rows that judge were asked about. A value.

    Attributes:
        stop: what was to be settled.
        part: the rows that judge.
        of: how many there were.
        looks: how many were known at each look.
        settled: whether what was to be settled was, at the last look.
        cut_short: why no more were asked about, where it was neither that nor the end of the rows.
    """

    stop: Stop
    part: Part
    of: int
    looks: tuple[int, ...]
    settled: bool
    cut_short: str = ""

    @property
    def said(self) -> str:
        """In a line, for people."""
        wanted = _WANTED[self.stop]
        why = (
            f"{wanted}, of those that were asked"
            if self.settled
            else f"there are no more, and it is not so that {wanted}"
        )
        if self.cut_short:
            why = f"the next portion could not be asked about ({self.cut_short})"
        return (
            f"{self.part.rows:,} of {counted(self.of, 'row')} judge, after {counted(len(self.looks), 'look')}: {why}; "
            "no other row counts, and ranks and intervals hold over all looks"
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        part = {name: value for name, value in asdict(self.part).items() if value}
        return {**vars(self), "part": part, "looks": list(self.looks)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Looked:
        """The inverse of `to_json`. Raises ContentRefused where it is something else."""
        return typed(cls, value)


def narrowed_to(setup: Setup, looked: Looked | None) -> Setup:
    """The setup with the rows that judge; as it is where all do."""
    if looked is None:
        return setup
    return replace(setup, problem=replace(setup.problem, test=looked.part, public=None))


def require_stoppable(setup: Setup) -> None:
    """Refuses to stop early where that has no meaning, or would not be sound.

    Raises:
        ContestError: says why.
    """
    if not setup.stop:
        return
    if setup.stop not in STOPS:
        raise ContestError(f"compete.stop must be one of {', '.join(STOPS)}; got {setup.stop!r}")
    test, asked = setup.problem.test, _compared(setup.candidates)
    if test is None:
        raise ContestError("compete.stop: it takes a test part; give one, or a share by task.split.test")
    if setup.problem.output.judged:
        raise ContestError("compete.stop: what judges grade is not asked about in portions; leave it out of this task")
    if test.weights or test.in_time or test.spans:
        raise ContestError(
            "compete.stop: rows are asked about in a drawn order, which suits no weights of rows and no time"
        )
    if len(asked) < 2 or not any(candidate.entrant.had.calls for candidate in asked):
        raise ContestError(
            "compete.stop: it takes two entrants that are asked in words, or one beside recorded answers"
        )
    if not np.isfinite(_width(setup)):
        first = setup.problem.metrics[0].name
        raise ContestError(
            f"compete.stop: {first} has no bounds, so that a few rows may turn it; rank by another metric"
        )


def announced(setup: Setup) -> str:
    """What stopping early will do, in a line; nothing where all rows are asked about."""
    if not setup.stop or setup.problem.test is None:
        return ""
    sizes = portions(setup.problem.test.rows)
    told = ", ".join(map(str, sizes[:3])) + (", …" if len(sizes) > 3 else "")
    wanted = _WANTED[setup.stop]
    return f"of the rows that judge {told} are asked about, until {wanted}; what follows is the most that it takes"


def looked_at(
    engine: Engine, setup: Setup, candidates: Sequence[Candidate], until_s: float | None
) -> tuple[list[Candidate], Looked | None]:
    """The candidates, and how far the rows that judge were asked about; none where all are, or it is not known yet.

    Raises:
        ContestError: the rows could not be divided.
    """
    test = setup.problem.test
    if not setup.stop or test is None:
        return list(candidates), None
    scale = SOUGHT * _width(setup)
    compared = _compared(candidates)
    looks = Looks(
        problem=setup.problem,
        stop=setup.stop,
        final=setup.final,
        threads=setup.threads,
        scale=scale,
        others=len(candidates) - len(compared) + len(setup.strategies),
    )
    state = engine.drive(looks, compared, seed=setup.seed, until_s=until_s)
    if looks.plan(state).status != "finished":  # an engine that only remembers, of a contest that is under way
        return list(candidates), None
    had, cut_short = looks.looks(state), looks.cut_short(state)
    if not had:
        raise ContestError(f"compete.stop: the rows that judge could not be divided: {cut_short}")
    last = had[-1]
    narrowed = {candidate.entrant.name: candidate for candidate in last.candidates}
    looked = Looked(
        stop=setup.stop,
        part=last.part,
        of=test.rows,
        looks=tuple(look.part.rows for look in had),
        settled=last.settled,
        cut_short=cut_short,
    )
    return [narrowed.get(candidate.entrant.name, candidate) for candidate in candidates], looked


def _compared(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that are asked in words, and those whose predictions of the rows that judge are there."""
    return [c for c in candidates if c.entrant.had.calls or (c.recorded and c.test)]


def _width(setup: Setup) -> float:
    """The range of the ranking metric; endless where it has none, or only its user knows."""
    output, name = output_valued(setup.problem.output), setup.problem.metrics[0].name
    if ":" in name:
        return np.inf
    metric = output.metric(name)
    return metric.high - metric.low
