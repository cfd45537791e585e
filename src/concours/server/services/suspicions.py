"""What hosts may want to look at: numbers that are unusual, said without accusing anybody.

Two teams may send one file because both took the sample, share an address because they share an office, and agree
because both are right. The words say what was seen and what else explains it; what follows is for people to decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import String, cast, func, literal, select
from sqlalchemy.engine import Connection

from concours.server.database.tables import PHASES, SUBMISSIONS, SUSPICIONS, TEAMS
from concours.server.database.texts import json_of
from concours.server.services.access import Access, Rule

Kind = Literal["file", "address", "alike", "gap", "failed"]

WORDS: Final[Mapping[Kind, str]] = {
    "file": "These teams have sent the same file. A file that everybody has, such as the sample, explains that; so "
    "does a notebook that was shared openly.",
    "address": "These teams have sent from the same address. A household, an office, a school or a VPN explains that; "
    "so does one person in several teams.",
    "alike": "Predictions of these teams are nearly the same also where they differ from what is usual. A notebook "
    "that was shared openly explains that, and so do simple models of the same columns.",
    "gap": "The private score of this entry is further from its public one than chance allows, once what shifts all "
    "teams alike is taken off. An entry that was fitted to the public rows explains that.",
    "failed": "Predictions of teams could not be compared. That is tried again once other entries are the best of "
    "their teams, and when the phase ends.",
}
"""What stands beside each kind, for hosts to read."""

_MOST: Final = 200


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """Something unusual.

    Attributes:
        phase: its key.
        kind: a row of `WORDS`.
        teams: their names; none of `failed`.
        submissions: the entries that it was seen in.
        value: of `file` and `address` how many teams; of `alike` the correlation of what the two say beyond what is
            usual; of `gap` by how many standard errors the private score lies above where the public one puts it.
        detail: further numbers (`compete.hosted_watch`).
    """

    phase: str
    kind: Kind
    teams: tuple[str, ...]
    submissions: tuple[int, ...]
    value: float
    detail: Mapping[str, Any]

    @property
    def words(self) -> str:
        """What stands beside it."""
        return WORDS[self.kind]


def found(db: Connection, access: Access) -> tuple[Suspicion, ...]:
    """What is unusual in a competition, by phase and kind, the strongest first. Raises Forbidden."""
    access.require(Rule.HOST)
    every = [
        *_shared(db, access, "file", SUBMISSIONS.c.digest),
        *_shared(db, access, "address", SUBMISSIONS.c.address),
        *_measured(db, access),
    ]
    return tuple(
        sorted(every, key=lambda one: (one.phase, list(WORDS).index(one.kind), -abs(one.value), one.submissions))
    )


def _shared(db: Connection, access: Access, kind: Kind, column: Any) -> Iterator[Suspicion]:
    """What entries of several teams have in common: `column` holds a digest, which is shown to nobody."""
    its = (
        SUBMISSIONS.c.competition == access.competition.id,
        SUBMISSIONS.c.team.is_not(None),
        SUBMISSIONS.c.of.is_(None),
        column != "",
    )
    several = (
        select(SUBMISSIONS.c.phase, column.label("common"))
        .where(*its)
        .group_by(SUBMISSIONS.c.phase, column)
        .having(func.count(SUBMISSIONS.c.team.distinct()) > 1)
        .order_by(func.count(SUBMISSIONS.c.team.distinct()).desc(), SUBMISSIONS.c.phase, column)
        .limit(_MOST)
        .subquery()
    )
    rows = db.execute(
        select(PHASES.c.key, several.c.common, TEAMS.c.name, func.min(SUBMISSIONS.c.id).label("entry"))
        .join(SUBMISSIONS, (SUBMISSIONS.c.phase == several.c.phase) & (column == several.c.common))
        .join(TEAMS, TEAMS.c.id == SUBMISSIONS.c.team)
        .join(PHASES, PHASES.c.id == several.c.phase)
        .where(*its)
        .group_by(PHASES.c.key, several.c.common, TEAMS.c.name)
        .order_by(PHASES.c.key, several.c.common, TEAMS.c.name)
    )
    groups: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for key, common, team, entry in rows:
        groups.setdefault((key, common), []).append((team, entry))
    for (key, _), seen in groups.items():
        teams, entries = zip(*seen, strict=True)
        yield Suspicion(phase=key, kind=kind, teams=teams, submissions=entries, value=float(len(teams)), detail={})


def _measured(db: Connection, access: Access) -> Iterator[Suspicion]:
    """What the boards' projection has measured."""
    rows = db.execute(
        select(SUSPICIONS, PHASES.c.key)
        .join(PHASES, SUSPICIONS.c.board == literal("phase ") + cast(PHASES.c.id, String))
        .where(PHASES.c.competition == access.competition.id)
        .order_by(func.abs(SUSPICIONS.c.value).desc(), SUSPICIONS.c.entry, SUSPICIONS.c.other)
        .limit(_MOST)
    ).all()
    entries = {number for row in rows for number in (row.entry, row.other) if number}
    named = db.execute(
        select(SUBMISSIONS.c.id, TEAMS.c.name)
        .join(TEAMS, TEAMS.c.id == SUBMISSIONS.c.team)
        .where(SUBMISSIONS.c.id.in_(sorted(entries)))
    )
    teams = {row.id: row.name for row in named}
    for row in rows:
        its = tuple(number for number in (row.entry, row.other) if number)
        yield Suspicion(
            phase=row.key,
            kind=row.kind,
            teams=tuple(teams.get(number, "") for number in its),
            submissions=its,
            value=row.value,
            detail=json_of(row.detail),
        )
