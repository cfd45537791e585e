"""The phases of a competition as those who take part meet them: which one is open, and what it measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.engine import Connection, Row

from concours.core.errors import nearest
from concours.core.typed import typed
from concours.server.database.tables import PHASES
from concours.server.database.texts import json_of
from concours.server.hosting.competition import Competition, Phase
from concours.server.refusals import Conflict, Unknown
from concours.server.services.access import Access


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A metric of a phase, and which way is better."""

    name: str
    greater_is_better: bool


RATING: Final = Measured(name="rating", greater_is_better=True)
"""What an arena measures, by votes: points on the Elo scale."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A phase.

    Attributes:
        begins, ends: moments as `core.event.utc_now` writes them; no end where the host closes it by hand.
        metrics: the one that ranks first; none as long as the data has not been read.
        problem: the digest of the one that counts.
    """

    id: int
    key: str
    title: str
    begins: str
    ends: str | None
    state: Literal["waiting", "open", "closing", "closed"]
    settings: Phase
    metrics: tuple[Measured, ...]
    problem: str | None

    @property
    def board(self) -> str:
        """What its board is called in the journal and in signals."""
        return f"phase {self.id}"

    @property
    def over(self) -> bool:
        """Whether the private rows are scored, so that everything may be shown."""
        return self.state == "closed"

    def open_at(self, now: str) -> bool:
        """Whether something may be sent, by the clock."""
        return self.state in ("waiting", "open") and self.begins <= now and (self.ends is None or now < self.ends)

    def why_closed(self, now: str) -> str:
        """Why nothing is taken; empty where something is."""
        if self.open_at(now):
            return ""
        if now < self.begins and self.state == "waiting":
            return f"phase {self.key!r} begins at {moment(self.begins)}; send it then"
        ended = f" at {moment(self.ends)}" if self.ends and self.ends <= now else ""
        return f"phase {self.key!r} has ended{ended}: nothing more is taken"


def moment(text: str) -> str:
    """A time for people, `2026-01-31 23:59 UTC`."""
    return f"{text[:10]} {text[11:16]} UTC"


def stages(db: Connection, access: Access) -> tuple[Stage, ...]:
    """All phases of a competition, in order."""
    rows = db.execute(
        select(PHASES).where(PHASES.c.competition == access.competition.id).order_by(PHASES.c.number)
    ).all()
    return tuple(_stage(row, access) for row in rows)


def stage(db: Connection, access: Access, key: str, now: str) -> Stage:
    """A phase by its key; without one the phase that is open, else the next to open, else the last.

    Raises:
        Unknown: there is none of that key. Conflict: the competition has none yet.
    """
    found = stages(db, access)
    if not found:
        raise Conflict(f"{access.competition.title!r} has no phase yet")
    if not key:
        return next((one for one in found if one.open_at(now)), None) or _next(found, now)
    named = next((one for one in found if one.key == key), None)
    if named is None:
        raise Unknown(f"there is no phase {key!r}; {nearest(key, [one.key for one in found])}")
    return named


def stage_of(db: Connection, access: Access, phase: int) -> Stage:
    """A phase by its number. Raises Unknown: it is of another competition."""
    found = next((one for one in stages(db, access) if one.id == phase), None)
    if found is None:
        raise Unknown("there is no such phase")
    return found


def settings_of(access: Access) -> Competition:
    """What the host has declared."""
    return _competition(access.competition.settings)


def shown_to(access: Access, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of values by metric, those that whoever asks may see: what hidden boards alone show is for hosts."""
    boards = () if access.host else settings_of(access).boards
    open_to_all = {metric for one in boards if not one.hidden for metric in one.metrics}
    secret = {metric for one in boards if one.hidden for metric in one.metrics} - open_to_all
    return {name: value for name, value in values.items() if name not in secret}


def _next(found: Sequence[Stage], now: str) -> Stage:
    return next((one for one in found if now < one.begins), found[-1])


def _stage(row: Row[Any], access: Access) -> Stage:
    return Stage(
        id=row.id,
        key=row.key,
        title=row.title,
        begins=row.begins,
        ends=row.ends or None,
        state=row.state,
        settings=_phase(row.settings),
        metrics=_metrics(access, row.key),
        problem=row.problem,
    )


def _metrics(access: Access, phase: str) -> tuple[Measured, ...]:
    declared, opened = settings_of(access), access.competition.opened
    scorer = declared.scorer
    if declared.arena:
        return (RATING,)
    if scorer:
        return tuple(Measured(name=one.name, greater_is_better=one.greater_is_better) for one in scorer.measures)
    return _read_metrics(opened).get(phase, ()) if opened else ()


@lru_cache(maxsize=64)
def _read_metrics(opened: str) -> dict[str, tuple[Measured, ...]]:
    """Of what was found in the data of a competition (`hosting.opened.Opened`), what each phase measures."""
    return {
        asked["phase"]: tuple(
            Measured(name=goal["name"], greater_is_better=goal["greater_is_better"])
            for goal in asked["problem"]["metrics"]
        )
        for asked in json_of(opened)["asked"]
    }


@lru_cache(maxsize=256)
def _phase(settings: str) -> Phase:
    return typed(Phase, json_of(settings))


@lru_cache(maxsize=64)
def _competition(settings: str) -> Competition:
    return Competition.from_json(json_of(settings))
