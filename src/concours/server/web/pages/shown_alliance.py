"""An alliance as its page shows it: weights, credit, and who complements whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from concours.report.axis import NOTHING, decimals, fixed, percent
from concours.server.services.boards import Board
from concours.server.web.pages.words import N_


@dataclass(frozen=True, kw_only=True)
class Member:
    """A member. at, length: of the bar of its credit; low, high: of its standard error; in percent."""

    team: int | None
    name: str
    weight: str
    credit: str
    at: float
    length: float
    low: float | None
    high: float | None
    share: str
    without: str


@dataclass(frozen=True, kw_only=True)
class Cell:
    """How the errors of two members go together; depth: of its colour, from -10 to 10."""

    text: str
    depth: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of the grid of members."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True)
class ShownAlliance:
    """An alliance. zero: where no credit lies on the axis of bars, in percent."""

    lead: str
    score: str
    best: str
    gain: str
    unsure: bool
    zero: float
    members: tuple[Member, ...]
    grid: tuple[Line, ...]


def shown_alliance(board: Board, say: Callable[[str], str]) -> ShownAlliance | None:
    """The alliance of a board; none where there is none yet."""
    content = board.alliance
    if not content or not content.get("members") or not board.metrics:
        return None
    return _shown(content, board, say)


_SURE = N_("Together the best entries do better than any of them alone, by more than chance explains.")
_UNSURE = N_("Together the best entries do no better yet than chance explains.")


def _shown(content: Mapping[str, Any], board: Board, say: Callable[[str], str]) -> ShownAlliance:
    members: Sequence[Mapping[str, Any]] = content["members"]
    sure = bool(content.get("certain"))
    digits = decimals([one["credit"] for one in members if one.get("credit")], digits=2)
    ends = [0.0]
    for one in members:
        if one.get("credit") is not None:
            ends += [one["credit"] - (one.get("stderr") or 0), one["credit"] + (one.get("stderr") or 0)]
    low, high = min(ends), max(ends)
    high = high if high > low else low + 1
    best = next((row.score for row in board.rows if row.rank == 1), None)
    return ShownAlliance(
        lead=say(_SURE if sure else _UNSURE),
        score=fixed(content.get("score"), 4),
        best=fixed(best, 4),
        gain=_gain(content),
        unsure=not sure,
        zero=percent(0.0, low, high),
        members=tuple(_member(one, board, low, high, digits, sure=sure) for one in members),
        grid=_grid(content, members, board),
    )


def _member(one: Mapping[str, Any], board: Board, low: float, high: float, digits: int, *, sure: bool) -> Member:
    credit, stderr = one.get("credit"), one.get("stderr")
    start, end = sorted((percent(0.0, low, high), percent(credit or 0.0, low, high)))
    return Member(
        team=_team(one),
        name=_name(one, board),
        weight=fixed(one.get("weight"), 2),
        credit=_with_error(credit, stderr, digits),
        at=start,
        length=end - start,
        low=None if credit is None or stderr is None else percent(credit - stderr, low, high),
        high=None if credit is None or stderr is None else percent(credit + stderr, low, high),
        share=f"{100 * one['share']:.0f}%" if sure and one.get("share") is not None else NOTHING,
        without=fixed(one.get("without"), digits),
    )


def _grid(content: Mapping[str, Any], members: Sequence[Mapping[str, Any]], board: Board) -> tuple[Line, ...]:
    """How the errors of two members go together: `content["alike"]`, correlations, none of who never errs."""
    alike: Sequence[Sequence[float | None]] = content.get("alike") or ()
    return tuple(
        Line(
            name=_name(one, board),
            cells=tuple(
                Cell(text="" if here == there else fixed(value, 2), depth=_depth(0.0 if here == there else value))
                for there, value in enumerate(row)
            ),
        )
        for here, (one, row) in enumerate(zip(members, alike, strict=False))
    )


def _depth(value: float | None) -> int:
    return round(10 * max(-1.0, min(1.0, value or 0.0)))


def _gain(content: Mapping[str, Any]) -> str:
    """The gain over the best entry, with its interval."""
    gain, ends = content.get("gain"), content.get("gain_ci")
    if gain is None:
        return NOTHING
    return (
        fixed(gain, 4) if not ends or None in ends else f"{fixed(gain, 4)} [{fixed(ends[0], 4)}, {fixed(ends[1], 4)}]"
    )


def _team(one: Mapping[str, Any]) -> int | None:
    team = one.get("team")
    return int(team) if team is not None and str(team).isdecimal() else None


def _name(one: Mapping[str, Any], board: Board) -> str:
    team = _team(one)
    return next((row.name for row in board.rows if row.team == team and team is not None), str(one.get("name", "")))


def _with_error(value: float | None, stderr: float | None, digits: int) -> str:
    if value is None:
        return NOTHING
    return fixed(value, digits) if stderr is None else f"{fixed(value, digits)} ± {fixed(stderr, digits)}"
