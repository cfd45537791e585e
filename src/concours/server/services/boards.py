"""Boards, as they may be shown: read from what the journal has come to, never scored here."""

from __future__ import annotations

import csv
import io
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from sqlalchemy import String, cast, literal, select
from sqlalchemy.engine import Connection

from concours.core.errors import nearest
from concours.core.event import utc_now
from concours.core.sheets import as_text
from concours.kernels.ranking.shared import mean_ranks, shared_ranks
from concours.server.database.tables import (
    ALLIANCES,
    APPLIED,
    EDITIONS,
    MEMBERS,
    PLACES,
    SCORES,
    SUBMISSIONS,
    TALLIES,
    TEAMS,
    USERS,
)
from concours.server.database.texts import json_of
from concours.server.hosting.competition import BoardOf
from concours.server.refusals import Forbidden, NotSignedIn, Unknown
from concours.server.services.access import Access
from concours.server.services.stages import Measured, Stage, settings_of, shown_to, stage, stages

Part = Literal["public", "private"]
_PARTS: Final[Mapping[Part, str]] = {"public": "public", "private": "rest"}
"""What the parts of the test rows are called in the tables."""

NO_SCORE: Final = "nothing of theirs has a score"
_BY_METRIC: Final = ("metrics", "intervals", "unsure")
_KEPT = 64
_DRAWN = 10


@dataclass(frozen=True, kw_only=True)
class View:
    """A board that may be looked at.

    Attributes:
        phase: the key of its phase; `key` and `title` are its own.
        part: whose rows it shows by default: the private ones once they are scored.
        hidden: whether hosts alone see it now.
    """

    phase: str
    phase_title: str
    key: str
    title: str
    part: Part
    hidden: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a board.

    Attributes:
        rank: shared by equal scores, 1, 1, 3; none of a baseline, and of who has no score.
        best, worst: the places that the data cannot rule out. Law: best <= rank <= worst.
        team: none of a baseline.
        entry: the submission that stands there.
        score, interval: by the first metric of the board; of a board by mean of ranks that mean, without an interval.
        metrics, intervals: all of the board.
        entries, last: how much the team has sent in the phase, and when the last.
        moved: places that it has won since the public board, on the private one.
        reason: why there is no rank, or something is not known.
    """

    rank: int | None
    best: int | None
    worst: int | None
    team: int | None
    name: str
    members: tuple[str, ...]
    baseline: bool
    entry: int | None
    score: float | None
    interval: tuple[float, float] | None
    metrics: Mapping[str, float | None]
    intervals: Mapping[str, tuple[float, float]]
    entries: int
    last: str | None
    moved: int | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board: the ranked in order, with baselines where their scores would stand; who has no score last.

    Attributes:
        metrics: the columns.
        rank_by: the first metric, or the mean of the ranks by each.
        alliance: what the best entries achieve together, as `ALLIANCES` has it; none where it is switched off.
        version: what is kept of it is old when this is another.
        updated: when the scores were last brought up to date; none if there were none.
        over: whether the phase has ended, so that this is final.
    """

    competition: str
    phase: str
    phase_title: str
    key: str
    title: str
    part: Part
    metrics: tuple[Measured, ...]
    rank_by: Literal["first metric", "mean of ranks"]
    rows: tuple[Row, ...]
    alliance: Mapping[str, Any] | None
    version: str
    updated: str | None
    ends: str | None
    over: bool


@dataclass(frozen=True, kw_only=True)
class Climb:
    """The best score of a team so far, each time that it became better: (time, score)."""

    team: int
    name: str
    points: tuple[tuple[str, float], ...]


# Which there are


def views(db: Connection, access: Access) -> tuple[View, ...]:
    """All boards that whoever asks may see, in the order of the phases."""
    return tuple(
        View(
            phase=of.key,
            phase_title=of.title,
            key=one.key,
            title=one.title,
            part="private" if of.over else "public",
            hidden=one.hidden or (of.settings.board == "hidden" and not of.over),
        )
        for of in stages(db, access)
        if not _why_hidden(access, of)
        for one in _declared(access, of)
        if access.host or not one.hidden
    )


def _declared(access: Access, of: Stage) -> tuple[BoardOf, ...]:
    """The boards of a phase; by default one, with all metrics."""
    names = tuple(metric.name for metric in of.metrics)
    return tuple(settings_of(access).boards) or (BoardOf(key="main", title="Board", metrics=names),)


def _why_hidden(access: Access, of: Stage) -> str:
    """Why somebody does not see the boards of a phase; empty where they do."""
    if access.host or of.over or of.settings.board == "visible":
        return ""
    if of.settings.board == "hidden":
        return f"the board of phase {of.key!r} is hidden until the phase has ended"
    return "" if access.member else f"the board of phase {of.key!r} is for members: join first"


def require_seen(access: Access, of: Stage) -> None:
    """Raises Forbidden, NotSignedIn: the boards of a phase are hidden from whoever asks."""
    if why := _why_hidden(access, of):
        raise Forbidden(why) if access.actor.signed_in else NotSignedIn(f"{why}; sign in first")


def _chosen(access: Access, of: Stage, key: str) -> BoardOf:
    require_seen(access, of)
    known = [one for one in _declared(access, of) if access.host or not one.hidden]
    if not known:
        raise Unknown(f"the boards of phase {of.key!r} are for hosts")
    if not key:
        return known[0]
    found = next((one for one in known if one.key == key), None)
    if found is None:
        raise Unknown(f"there is no board {key!r}; {nearest(key, [one.key for one in known])}")
    return found


# One of them


def _version(db: Connection, access: Access, of: Stage) -> tuple[str, str | None]:
    applied = db.execute(select(APPLIED.c.number, APPLIED.c.at).where(APPLIED.c.board == of.board)).one_or_none()
    edition = db.execute(select(EDITIONS.c.number).where(EDITIONS.c.phase == of.id)).scalar() or 0
    number, at = (applied.number, applied.at) if applied else (-1, None)
    shown = int(access.competition.alliance)
    return f"{of.id}.{number}.{edition}.{of.state}.{access.competition.version}.{shown}", at


def board(
    db: Connection, access: Access, phase: str = "", key: str = "", *, part: Part | Literal[""] = "", now: str = ""
) -> Board:
    """A board as somebody may see it; it is kept in memory until its version is another.

    Args:
        phase: a key; empty for the phase that is open, or else the last.
        key: of a board; empty for the first.
        part: the private rows once the phase has ended, by default; else the public ones.

    Raises:
        Unknown: there is no such phase or board, or private rows are not scored yet.
        Forbidden, NotSignedIn: it is hidden from whoever asks.
    """
    of = stage(db, access, phase, now or utc_now())
    declared = _chosen(access, of, key)
    if part == "private" and not of.over:
        raise Unknown(f"the private scores of phase {of.key!r} are shown when it has ended")
    shown: Part = part or ("private" if of.over and _has(db, of, "private") else "public")
    stamp, updated = _version(db, access, of)
    name = (db.engine, stamp, declared.key, shown, access.host)
    if made := _boards.get(name):
        return made
    with _reading:  # one thread reads it, and all who wait for it have it then
        if name not in _boards:
            _boards[name] = _read(db, access, of, declared, shown, stamp, updated)
            while len(_boards) > _KEPT:
                _boards.popitem(last=False)
        return _boards[name]


_boards: OrderedDict[Any, Board] = OrderedDict()
_reading = threading.Lock()


def _has(db: Connection, of: Stage, part: Part) -> bool:
    its = (PLACES.c.board == of.board, PLACES.c.part == _PARTS[part])
    return db.execute(select(PLACES.c.entry).where(*its).limit(1)).first() is not None


def _read(
    db: Connection, access: Access, of: Stage, declared: BoardOf, part: Part, stamp: str, updated: str | None
) -> Board:
    known = {metric.name: metric for metric in of.metrics}
    metrics = tuple(known[name] for name in declared.metrics if name in known)
    rows = _rows(db, access, of, declared, metrics, part)
    if part == "private":
        before = {row.team: row.rank for row in _rows(db, access, of, declared, metrics, "public")}
        rows = [_moved(row, before.get(row.team)) for row in rows]
    return Board(
        competition=access.competition.slug,
        phase=of.key,
        phase_title=of.title,
        key=declared.key,
        title=declared.title,
        part=part,
        metrics=metrics,
        rank_by=declared.rank,
        rows=tuple(rows),
        alliance=_alliance(db, access, of, part),
        version=stamp,
        updated=updated,
        ends=of.ends,
        over=of.over,
    )


def _moved(row: Row, before: int | None) -> Row:
    return row if row.rank is None or before is None else replace(row, moved=before - row.rank)


def _rows(
    db: Connection, access: Access, of: Stage, declared: BoardOf, metrics: Sequence[Measured], part: Part
) -> list[Row]:
    tallies = {
        row.team: row
        for row in db.execute(select(TALLIES.c.team, TALLIES.c.entries, TALLIES.c.last).where(TALLIES.c.phase == of.id))
    }
    its = select(TEAMS.c.id, TEAMS.c.name).where(TEAMS.c.competition == access.competition.id)
    names = {row.id: row.name for row in db.execute(its)}
    members = _members(db, access)
    placed = db.execute(
        select(PLACES.c.entry, PLACES.c.line, SUBMISSIONS.c.team, SUBMISSIONS.c.name)
        .join(SUBMISSIONS, SUBMISSIONS.c.id == PLACES.c.entry)
        .where(PLACES.c.board == of.board, PLACES.c.part == _PARTS[part])
        .order_by(PLACES.c.number)
    ).all()
    found: list[dict[str, Any]] = []
    seen: set[int] = set()
    for entry, text, team, entry_name in placed:
        if team is not None and team in seen:  # two teams that were merged have one line, their better one
            continue
        seen |= set() if team is None else {team}
        place = {"team": team, "name": names.get(team, entry_name), "baseline": team is None, "entry": entry}
        found.append({**_line(json_of(text), metrics, of), **place})
    unplaced = (team for team in tallies if team not in seen)
    for team in sorted(unplaced, key=lambda team: names[team].casefold()):
        place = {"team": team, "name": names[team], "baseline": False, "entry": None}
        found.append({**_line({}, metrics, of), **place, "reason": NO_SCORE})
    for values in found:
        tally = tallies.get(values["team"])
        values["members"] = members.get(values["team"], ())
        values["entries"], values["last"] = (tally.entries, tally.last) if tally else (0, None)
    return _ranked(found, declared, metrics)


def _members(db: Connection, access: Access) -> dict[int | None, tuple[str, ...]]:
    found: dict[int | None, tuple[str, ...]] = {}
    for team, name in db.execute(
        select(MEMBERS.c.team, USERS.c.display)
        .join(USERS, USERS.c.id == MEMBERS.c.user)
        .where(MEMBERS.c.competition == access.competition.id)
        .order_by(MEMBERS.c.accepted, USERS.c.id)
    ):
        found[team] = (*found.get(team, ()), name)
    return found


def _line(line: Mapping[str, Any], metrics: Sequence[Measured], of: Stage) -> dict[str, Any]:
    """What a line of the journal's board says by the metrics of one board: fields of a `Row`."""
    names = [metric.name for metric in metrics]
    values, ends = line.get("metrics", {}), line.get("intervals", {})
    first = names[0] if names else ""
    ranking = bool(of.metrics) and first == of.metrics[0].name
    within = (
        (line.get("rank_best"), line.get("rank_worst")) if ranking else tuple(line.get("ranks", {}).get(first, ()))[1:]
    )
    unsure = line.get("unsure", {}).get(first, "")
    return {
        "within": within if len(within) == 2 and None not in within else None,
        "score": values.get(first),
        "interval": tuple(ends[first]) if ends.get(first) else None,
        "metrics": {name: values.get(name) for name in names},
        "intervals": {name: tuple(ends[name]) for name in names if ends.get(name)},
        "reason": unsure or ("" if values.get(first) is not None else NO_SCORE),
    }


def _ranked(found: Sequence[dict[str, Any]], declared: BoardOf, metrics: Sequence[Measured]) -> list[Row]:
    """Rows with the places that follow from what they show, in that order; who has no score stands last."""
    if not found or not metrics:
        return [_row(values, 0, None, declared) for values in found]
    scores = np.array(
        [[np.nan if value is None else value for value in values["metrics"].values()] for values in found],
        dtype=np.float64,
    )
    placed = np.array([not values["baseline"] for values in found])
    greater = metrics[0].greater_is_better
    by = scores[:, 0]
    if declared.rank == "mean of ranks":
        by, greater = mean_ranks(scores, np.array([m.greater_is_better for m in metrics]), placed), False
    ranks = shared_ranks(np.where(placed, by, np.nan), greater_is_better=greater).tolist()
    order = np.argsort(-by if greater else by, kind="stable").tolist()  # what is no number comes last
    means = [None if value != value else value for value in by.tolist()]
    return [_row(found[at], ranks[at], means[at], declared) for at in order]


def _row(values: dict[str, Any], rank: int, mean: float | None, declared: BoardOf) -> Row:
    within = values.pop("within")
    if declared.rank == "mean of ranks":
        values |= {"score": mean, "interval": None}
        within = None
    best, worst = (min(within[0], rank), max(within[1], rank)) if within and rank else (None, None)
    return Row(**values, rank=rank or None, best=best, worst=worst, moved=None)


# The alliance


def alliance(db: Connection, access: Access, phase: str = "", *, now: str = "") -> Mapping[str, Any] | None:
    """What the best entries achieve together, with each team's credit; none where there is none, or it is not shown.

    Raises:
        as `board` does.
    """
    return board(db, access, phase, now=now).alliance


def _alliance(db: Connection, access: Access, of: Stage, part: Part) -> Mapping[str, Any] | None:
    if not (access.competition.alliance and settings_of(access).alliance.shown):
        return None
    its = (ALLIANCES.c.board == of.board, ALLIANCES.c.part == _PARTS[part])
    text = db.execute(select(ALLIANCES.c.content).where(*its)).scalar()
    if text is None:
        return None
    found = dict(json_of(text))
    if of.metrics and not shown_to(access, {of.metrics[0].name: None}):  # it is chosen by what is for hosts
        return None
    return {name: shown_to(access, value) if name in _BY_METRIC and value else value for name, value in found.items()}


# How it came to be


def history(
    db: Connection, access: Access, phase: str = "", key: str = "", *, most: int = _DRAWN, now: str = ""
) -> tuple[Climb, ...]:
    """How the best public scores of the first teams rose, and that of one's own team; by the board's first metric.

    Raises:
        as `board` does.
    """
    now = now or utc_now()
    shown = board(db, access, phase, key, now=now)
    if not shown.metrics:
        return ()
    of = stage(db, access, shown.phase, now)
    first = shown.metrics[0]
    teams = [row.team for row in shown.rows if row.team is not None and row.rank is not None][:most]
    if access.team is not None and access.team not in teams:
        teams.append(access.team)
    rows = db.execute(
        select(SUBMISSIONS.c.team, SUBMISSIONS.c.at, SCORES.c.metrics, SCORES.c.shown)
        .join(SCORES, SCORES.c.entry == SUBMISSIONS.c.id)
        .where(
            SUBMISSIONS.c.team.in_(teams),
            SUBMISSIONS.c.phase == of.id,
            SCORES.c.board == literal("phase ") + cast(SUBMISSIONS.c.phase, String),  # teams are looked up first
            SCORES.c.problem == of.problem,
        )
        .order_by(SUBMISSIONS.c.at, SUBMISSIONS.c.id)
    ).all()
    sent: dict[int, list[tuple[str, float]]] = {team: [] for team in teams if team is not None}
    for team, at, metrics, guarded in rows:
        value = json_of(guarded or metrics).get(first.name)
        if value is not None:
            sent[team].append((at, float(value)))
    names = {row.team: row.name for row in shown.rows}
    return tuple(
        Climb(team=team, name=names[team], points=tuple(_rising(points, first)))
        for team, points in sent.items()
        if points
    )


def _rising(points: Iterable[tuple[str, float]], metric: Measured) -> Iterable[tuple[str, float]]:
    best: float | None = None
    for at, value in points:
        if best is None or (value > best if metric.greater_is_better else value < best):
            best = value
            yield at, value


# As a table


def as_csv(shown: Board) -> str:
    """A board as a table for spreadsheets, in UTF-8; what one would run as a formula stands behind an apostrophe."""
    names = [metric.name for metric in shown.metrics]
    head = ["rank", "rank_best", "rank_worst", "team", "members", *names, "low", "high", "entries", "last", "baseline"]
    with io.StringIO(newline="") as text:
        writer = csv.writer(text)
        writer.writerow([as_text(cell) for cell in head])
        for row in shown.rows:
            writer.writerow(_cells(row, names))
        return text.getvalue()


def _cells(row: Row, names: Sequence[str]) -> list[str]:
    low, high = row.interval or (None, None)
    numbers = [row.metrics.get(name) for name in names]
    cells: list[Any] = [
        row.rank,
        row.best,
        row.worst,
        row.name,
        ", ".join(row.members),
        *numbers,
        low,
        high,
        row.entries,
        row.last,
        "yes" if row.baseline else "",
    ]
    return ["" if cell is None else as_text(str(cell)) for cell in cells]
