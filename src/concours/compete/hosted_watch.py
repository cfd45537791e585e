"""What hosts of a board may want to look at: who predicts as another team does, and who has learned the public rows.

Nothing of it is shown to anybody else, and nothing on the board follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np

from concours.compete.hosted_board import Board, Pending, Watched, bests, current, scoring_of
from concours.core.frozen import frozen
from concours.core.job import Job
from concours.kernels.ranking.gaps import far_apart
from concours.kernels.watching.copies import FEWEST

_SHARE: Final = 10
_NOWHERE: Final = (np.nan, np.nan)


def watched(before: Board, state: Board, job: Callable[[Board, Watched], Job | None]) -> Board:
    """The board with another look under way at who predicts alike, where one is due.

    While the board is open that is so when the last has ended and a tenth of the sides, one at least, have another best
    entry since it began: so what looks cost for an entry does not grow with the teams. Once it is closed, and all that
    joined has ended, it is so until the best entries as they are then have been looked at.

    Law: of a closed board it does not hang on what was looked at when.
    """
    if state.watching or not (_due_in_the_end(state) if state.closed else _due(before, state)):
        return state
    every = (entry for entry in bests(state) if not state.entries[entry].baseline)
    wanted = Watched(problem=current(state), entries=tuple(every))
    if state.watch and state.watch.asked == wanted:
        return state
    asked = job(state, wanted) if len(wanted.entries) >= FEWEST else None
    pending = Pending(asked=wanted, job=asked) if asked else None
    if pending is None and state.watch is None and state.seen is state.best:
        return state
    return replace(state, watching=pending, watch=state.watch if pending else None, seen=state.best)


def _due(before: Board, state: Board) -> bool:
    if before.best is state.best and before.watching is None:
        return False
    mine = f"{current(state)} team "
    return sum(key.startswith(mine) for key in state.best.differing(state.seen)) >= max(len(state.sides) // _SHARE, 1)


def _due_in_the_end(state: Board) -> bool:
    return not (state.under_way or state.climbing or any(digest not in state.read for digest in state.problems))


@dataclass(frozen=True, kw_only=True)
class Unusual:
    """What was seen.

    Attributes:
        kind: `alike`, two teams predict nearly the same; `gap`, a private score is far from the public one; or
            `failed`, who predicts alike could not be looked at.
        entry: none of `failed`.
        other: the second of `alike`.
        value: of `alike` the correlation of what the two say beyond what is usual; of `gap` by how many standard errors
            the private score lies above where the public one puts it.
        detail: further numbers; of `failed` the reason.
    """

    kind: Literal["alike", "gap", "failed"]
    entry: str | None = None
    other: str | None = None
    value: float = 0.0
    detail: Mapping[str, Any] = field(default_factory=lambda: frozen({}))


def unusual(state: Board) -> Iterator[Unusual]:
    """All that is known to be unusual, of entries that stand and belong to different teams now."""
    yield from _alike(state)
    yield from _gaps(state)


def _alike(state: Board) -> Iterator[Unusual]:
    known = state.watch
    if known is None:
        return
    if known.reason:
        yield Unusual(kind="failed", detail={"reason": known.reason})
        return
    entries = known.asked.entries
    told = zip(*(known.values[name] for name in ("pairs", "correlation", "agree")), strict=True)
    for (first, second), correlation, agree in told:
        pair = sorted((entries[first], entries[second]), key=lambda entry: state.entries[entry].number)
        if any(entry in state.withdrawn for entry in pair) or len({state.team_of(entry) for entry in pair}) < 2:
            continue
        detail = {"rows": known.values["rows"], "entered": known.values["entered"], "agree": agree}
        yield Unusual(kind="alike", entry=pair[0], other=pair[1], value=correlation, detail=detail)


def _gaps(state: Board) -> Iterator[Unusual]:
    """Of the teams' finals, once the rest of the rows has ranked them; where intervals say how sure scores are."""
    ranked = state.rest
    if ranked is None or not ranked.values:
        return
    name = scoring_of(state, ranked.asked.problem).metrics[0].name
    finals = [(place, entry) for place, entry in enumerate(ranked.asked.entries) if not _aside(state, entry)]
    scores = [state.score(ranked.asked.problem, entry) for _, entry in finals]
    public = _floats([score.metrics.get(name) if score else None for score in scores])
    private = _floats([ranked.values["scores"][name][place] for place, _ in finals])
    ends = np.array([(score and score.intervals.get(name)) or _NOWHERE for score in scores]).reshape(-1, 2)
    others = np.array([ranked.values["intervals"][name][place] or _NOWHERE for place, _ in finals]).reshape(-1, 2)
    found = far_apart(public, ends, private, others)
    for at in np.flatnonzero(found.far).tolist():
        detail = {"public": public[at], "private": private[at], "entered": len(finals)}
        yield Unusual(kind="gap", entry=finals[at][1], value=float(found.off[at]), detail=detail)


def _aside(state: Board, entry: str) -> bool:
    return entry in state.withdrawn or state.entries[entry].baseline


def _floats(values: list[float | None]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
