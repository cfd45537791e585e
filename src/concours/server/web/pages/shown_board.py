"""A board as its page shows it: texts, and where the marks of its intervals lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from concours.report.axis import NOTHING, decimals, fixed, linear, percent
from concours.report.figures import Curve, Plane
from concours.server.services.boards import Board, Climb, Row
from concours.server.services.rescoring import Rescore
from concours.server.services.stages import RATING
from concours.server.web.pages.lists import Pages
from concours.server.web.pages.words import N_

ROWS = 100
"""Lines of a board on a page."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line.

    Attributes:
        at, low, high: in percent of the axis of intervals; none where there is no score, or no interval.
        under, over: whether something of it lies beyond the lower or the upper end of that axis.
        beyond: whether the score itself does.
    """

    team: int | None
    name: str
    people: str = ""
    baseline: bool = False
    place: int | None = None
    move: int = 0
    possible: str = ""
    score: str = NOTHING
    ends: str = ""
    said: str = ""
    at: float | None = None
    low: float | None = None
    high: float | None = None
    under: bool = False
    over: bool = False
    beyond: bool = False
    others: tuple[str, ...] = ()
    entries: str = ""
    last: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Together(Line):
    """The line of the alliance. members: how many teams' entries it joins; gain: over the best entry, as a text."""

    members: int
    gain: str = ""


@dataclass(frozen=True, kw_only=True)
class History:
    """How scores rose: a plane, and what its colours mean."""

    plane: Plane
    keys: tuple[tuple[int, str], ...]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A part of a board.

    Attributes:
        root: address of the competition.
        voted: whether people rank it by votes, so that there are no rows.
        metric: what it ranks by; better: whether higher is, if it is known; others: the other columns.
        missing: who has no score, with the reason.
        found_by: what was searched for.
        rescores: how the board was scored anew, the latest first.
        cut: whether a bar goes on beyond the axis.
    """

    root: str
    part: str
    voted: bool
    metric: str
    better: bool | None
    by_ranks: bool
    others: tuple[str, ...]
    lines: tuple[Line, ...]
    joint: Together | None
    missing: tuple[Line, ...]
    moves: bool
    guarded: bool
    found_by: str
    pages: Pages
    history: History | None
    rescores: tuple[Rescore, ...] = ()

    @property
    def cut(self) -> bool:
        every = (*self.lines, *((self.joint,) if self.joint else ()))
        return any(line.under or line.over for line in every)


def shown(
    board: Board,
    climbs: Sequence[Climb],
    say: Callable[[str], str],
    *,
    root: str,
    path: str,
    page: int,
    find: str,
    guarded: bool,
    rescores: Sequence[Rescore] = (),
) -> Shown:
    """A page of a board.

    Args:
        say: gives texts in the language of the page.
        path: the address of the board, with what was asked but for the part.
        page: from 1; the last where there are fewer.
        find: only teams in whose name or members' names it occurs.
    """
    first = board.metrics[0] if board.metrics else None
    scale = _scale(board)
    found = [row for row in board.rows if _fits(row, find)]
    pages = Pages(page=min(max(1, page), -(-len(found) // ROWS) or 1), pages=-(-len(found) // ROWS) or 1, before=path)
    page = pages.page
    here = found[(page - 1) * ROWS : page * ROWS]
    lines = [(row, _line(row, board, scale)) for row in here]
    return Shown(
        root=root,
        part=board.part,
        voted=first == RATING,
        metric=first.name if first else "",
        better=first.greater_is_better if first else None,
        by_ranks=board.rank_by != "first metric",
        others=_others(board),
        lines=tuple(line for row, line in lines if row.score is not None),
        joint=_together(board, scale) if page == 1 and not find else None,
        missing=tuple(line for row, line in lines if row.score is None),
        moves=board.part == "private",
        guarded=guarded,
        found_by=find,
        pages=pages,
        rescores=tuple(rescores),
        history=_history(climbs, first.name if first else "", say) if page == 1 and not find else None,
    )


@dataclass(frozen=True)
class _Scale:
    """From the lowest to the highest end of intervals, but for those far out; and decimals of scores by metric."""

    low: float
    high: float
    digits: Mapping[str, int]

    def at(self, value: float) -> float:
        return percent(value, self.low, self.high)


def _scale(board: Board) -> _Scale:
    values = [end for row in board.rows if row.score is not None for end in (row.interval or (row.score, row.score))]
    axis = linear("", _bulk(values))
    digits = {}
    for metric in board.metrics:
        widths = [(ends[1] - ends[0]) / 2 for row in board.rows if (ends := row.intervals.get(metric.name))]
        digits[metric.name] = min(6, decimals(widths, digits=2)) if widths else 4
    return _Scale(axis.low, axis.high, digits)


def _bulk(values: Sequence[float]) -> Sequence[float]:
    """The values, but for those so far out that they would squeeze all others: those that lie further from the shortest
    stretch with three quarters of the values than that is long (after the shorth of Andrews et al., 1972).
    """
    ordered = sorted(values)
    most = -(-3 * len(ordered) // 4)
    if most < 2:
        return values
    lower, upper = min(zip(ordered, ordered[most - 1 :], strict=False), key=lambda ends: ends[1] - ends[0])
    reach = upper - lower
    return [value for value in values if lower - reach <= value <= upper + reach] if reach else values


def _line(row: Row, board: Board, scale: _Scale) -> Line:
    name = board.metrics[0].name if board.metrics else ""
    digits = scale.digits.get(name, 4) if board.rank_by == "first metric" else 2
    return Line(
        team=row.team,
        name=row.name,
        people=", ".join(row.members) if row.members != (row.name,) else "",
        baseline=row.baseline,
        place=row.rank,
        move=row.moved or 0,
        possible=_possible(row),
        score=fixed(row.score, digits),
        entries=str(row.entries) if row.entries else "",
        last=row.last or "",
        reason=row.reason,
        others=tuple(fixed(row.metrics.get(one), scale.digits[one]) for one in _others(board)),
        **_marks(row.score, row.interval, digits, scale),
    )


def _others(board: Board) -> tuple[str, ...]:
    """The columns beside the score."""
    names = tuple(metric.name for metric in board.metrics)
    return names if board.rank_by != "first metric" else names[1:]


def _marks(score: float | None, interval: tuple[float, float] | None, digits: int, scale: _Scale) -> dict[str, Any]:
    if score is None:
        return {}
    low, high = interval or (score, score)
    found = {
        "at": scale.at(score),
        "said": fixed(score, digits),
        "under": min(low, score) < scale.low,
        "over": max(high, score) > scale.high,
        "beyond": not scale.low <= score <= scale.high,
    }
    if interval is None:
        return found
    ends = f"[{fixed(low, digits)}, {fixed(high, digits)}]"
    return {**found, "low": scale.at(low), "high": scale.at(high), "ends": ends, "said": f"{found['said']} {ends}"}


def _possible(row: Row) -> str:
    if row.best is None or row.worst is None:
        return ""
    return str(row.best) if row.best == row.worst else f"{row.best}–{row.worst}"


def _fits(row: Row, find: str) -> bool:
    wanted = find.strip().casefold()
    return not wanted or any(wanted in name.casefold() for name in (row.name, *row.members))


def _together(board: Board, scale: _Scale) -> Together | None:
    content = board.alliance
    if not content or content.get("score") is None or not board.metrics:
        return None
    digits = scale.digits[board.metrics[0].name]
    interval = content.get("ci")
    gain = content.get("gain")
    return Together(
        team=None,
        name="",
        members=len(content.get("members", ())),
        gain="" if gain is None else f"{'+' if gain >= 0 else ''}{fixed(gain, digits)}",
        score=fixed(content["score"], digits),
        others=tuple(fixed(content.get("metrics", {}).get(one), scale.digits[one]) for one in _others(board)),
        **_marks(content["score"], tuple(interval) if interval else None, digits, scale),
    )


_CURVES = 8
_UNITS: Final = (
    (86400, N_("days since the first entry")),
    (3600, N_("hours since the first entry")),
    (60, N_("minutes since the first entry")),
)


def _history(climbs: Sequence[Climb], metric: str, say: Callable[[str], str]) -> History | None:
    """The best score so far of the first teams: steps, over days since the first entry."""
    drawn = [climb for climb in climbs if climb.points][:_CURVES]
    times = [_seconds(at) for climb in drawn for at, _ in climb.points]
    if len(set(times)) < 2:
        return None
    start, end = min(times), max(times)
    unit, name = next((unit, name) for unit, name in _UNITS if end - start > 2 * unit or unit == 60)
    x = linear(say(name), [0.0, (end - start) / unit], fit=True)
    y = linear(metric, [score for climb in drawn for _, score in climb.points])
    curves = tuple(
        Curve(name=climb.name, points=_steps(climb, x, y, start, end, unit), hue=hue, form="line")
        for hue, climb in enumerate(drawn)
    )
    return History(
        plane=Plane(x=x, y=y, curves=curves), keys=tuple((hue, climb.name) for hue, climb in enumerate(drawn))
    )


def _steps(climb: Climb, x: Any, y: Any, start: float, end: float, unit: float) -> tuple[tuple[float, float], ...]:
    points: list[tuple[float, float]] = []
    for at, score in climb.points:
        place = x.at((_seconds(at) - start) / unit)
        if points:
            points.append((place, points[-1][1]))
        points.append((place, y.at(score)))
    return (*points, (x.at((end - start) / unit), points[-1][1]))


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
