"""What a hosted board shows: a line for each team and each baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from concours.compete.answered import Answered
from concours.compete.evaluation import line_at
from concours.compete.hosted_board import Board, Part, Ranking, current, scoring_of
from concours.core.frozen import frozen
from concours.core.standings import Standing, Standings


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a board, and the entry behind it."""

    entry: str
    standing: Standing


def board_lines(state: Board) -> Standings:
    """The board as it may be shown: by the rest of the rows once they are scored, until then by the public ones."""
    part: Part = "rest" if state.rest else "public"
    return Standings(tuple(line.standing for line in lines(state, part)))


def lines(state: Board, part: Part) -> tuple[Line, ...]:
    """The ranked first, by a part of the rows; baselines among them by their score; then those that are not ranked, and
    why.

    A team has the line of the entry by which it is ranked; else of its best; else of its latest.
    """
    ranked = state.rest if part == "rest" else state.public
    entries = _ranked(state, ranked) if ranked else {}
    found = [
        _line(state, *entries[side], ranked) if ranked and side in entries else unranked(state, side, ranked)
        for side in state.sides
    ]
    goal = scoring_of(state, current(state)).metrics[0]
    sign = -1.0 if goal.greater_is_better else 1.0

    def place(line: Line) -> tuple[bool, float, bool]:
        standing = line.standing
        beside = standing.entrant.role == "baseline" and standing.score is not None
        return (standing.rank is None and not beside, sign * (standing.score or 0.0), beside)

    return tuple(sorted((line for line in found if line is not None), key=place))


def _ranked(state: Board, ranked: Answered[Ranking]) -> dict[str, tuple[str, int]]:
    """By side the entry that has its place, and where it stands in the lists: of several the one with the best rank.

    Of two finals one alone has a rank; of teams that were merged since they were ranked each has one.
    """
    found: dict[str, tuple[str, int]] = {}
    ranks = ranked.values.get("rank", ())
    for place, entry in enumerate(ranked.asked.entries):
        side = state.side_of(entry)
        if not ranked.values or entry in state.withdrawn:
            continue
        if side not in found or (ranks[place] or len(ranks) + 1) < (ranks[found[side][1]] or len(ranks) + 1):
            found[side] = (entry, place)
    return found


def _line(state: Board, entry: str, place: int, ranked: Answered[Ranking]) -> Line:
    scoring, score = scoring_of(state, ranked.asked.problem), state.score(ranked.asked.problem, entry)
    values = line_at(ranked.values, place, scoring.metrics)
    if ranked.asked.part == "public" and score:
        known = {name: tuple(ends) for name, ends in score.intervals.items() if ends}
        values |= {"intervals": known, "ci": known.get(scoring.metrics[0].name)}
    return Line(entry=entry, standing=Standing(entrant=state.entries[entry].entrant, **values))


def unranked(state: Board, side: str, ranked: Answered[Ranking] | None) -> Line | None:
    """The line of a side without a rank; none of one whose entries were all withdrawn."""
    digest, standing = current(state), state.of_side[side]
    if not standing:
        return None
    entry = state.best_of(digest, side) or standing[-1]
    entrant, result, score = state.entries[entry].entrant, state.results.get(entry), state.score(digest, entry)
    reason = (result.reason if result else "") or (score.reason if score else "")
    if reason:
        return Line(entry=entry, standing=Standing(entrant=entrant, status="failed", reason=reason))
    told = state.shown_score(digest, entry)
    if score is None or (told is None and state.value(digest, entry) is not None):
        return Line(entry=entry, standing=Standing(entrant=entrant, status="running"))
    names = [goal.name for goal in scoring_of(state, digest).metrics]
    metrics = {name: value for name in names if told and (value := told.metrics.get(name)) is not None}
    note = (ranked.reason if ranked else "") or "not ranked yet"
    value = metrics.get(names[0])
    line = Standing(entrant=entrant, score=value, metrics=metrics, unsure=score.unsure, note=note)
    return Line(entry=entry, standing=line)


@dataclass(frozen=True, kw_only=True)
class AllianceLine:
    """The alliance of a board.

    Attributes:
        members: ids of entries, the greatest weight first; lists in `values` are in this order.
        values: see `engine.runners.ally`; of the rest of the rows once these are scored.
        reason: why there is none; empty where there is.
    """

    members: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=lambda: frozen({}))
    reason: str = ""


def alliance_line(state: Board, *, joins: bool) -> AllianceLine:
    """What a board shows of its alliance.

    Args:
        joins: whether entries have predictions of rows.
    """
    if not state.allowed:
        return AllianceLine(reason="the host has switched the alliance off")
    if not joins:
        return AllianceLine(reason="a program of the host's scores entries: nothing is known of rows to join them by")
    known = state.last_alliance or state.alliance
    if known is None:
        soon = "the alliance is being formed" if state.allying else "an alliance needs two teams with a score"
        return AllianceLine(reason=soon)
    members = tuple(known.asked.entries[place] for place in known.values.get("members", ()))
    return AllianceLine(members=members, values=known.values, reason=known.reason)
