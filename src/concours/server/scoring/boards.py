"""Which boards are to be driven now, and what each is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, cast, literal, or_, select, update
from sqlalchemy.engine import Row

from concours.compete.hosted import Hosted
from concours.core.digests import Digest
from concours.core.process import Hearing
from concours.core.typed import typed
from concours.server.database.opened import Database
from concours.server.database.tables import COMPETITIONS, FILES, PHASES, SIGNALS
from concours.server.database.texts import json_of, text_of
from concours.server.hosting.competition import Competition
from concours.server.hosting.opened import Asked, Opened
from concours.server.hosting.programs import board_of
from concours.server.scoring.arena import ArenaProjection, poll_of
from concours.server.scoring.projections import Projection


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A board that is driven.

    Attributes:
        name: to whom its signals are addressed.
        competition: its number.
        projection: makes what writes down what follows from it.
    """

    name: str
    competition: int
    process: Hearing[Any]
    seed: int
    projection: Callable[[Database], Projection | ArenaProjection]


@dataclass(frozen=True, kw_only=True)
class Began:
    """What a board begins with.

    Attributes:
        phase: its key.
        asked: none where a scorer of the host's reads the files.
        files: all of the competition's folder, by path, and what programs are given (`Opened.sent`).
    """

    competition: Competition
    phase: str
    asked: Asked | None
    files: Mapping[str, Digest]

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        asked = self.asked and {**vars(self.asked), "problem": self.asked.problem.to_json()}
        return {**vars(self), "competition": self.competition.to_json(), "asked": asked, "files": dict(self.files)}


def wanted(database: Database) -> Iterator[Kept]:
    """The boards of phases that are open or are being closed, and of those for which something has come in."""
    called = select(SIGNALS.c.board).distinct()
    at_work = or_(PHASES.c.state.in_(("open", "closing")), (literal("phase ") + cast(PHASES.c.id, String)).in_(called))
    with database.reading() as db:
        rows = db.execute(select(PHASES).where(at_work).order_by(PHASES.c.id)).all()
    for row in rows:
        began = _began(database, row) if row.began is None else json_of(row.began)
        if began:
            yield _kept(row.id, row.competition, typed(Began, began))


def _began(database: Database, row: Row[Any]) -> dict[str, Any] | None:
    """Settles what a board begins with; none where its competition was not opened."""
    with database.writing() as db:
        of = db.execute(select(COMPETITIONS).where(COMPETITIONS.c.id == row.competition)).one()
        if of.opened is None:
            return None
        competition, opened = Competition.from_json(json_of(of.settings)), Opened.from_json(json_of(of.opened))
        asked = next((one for one in opened.asked if one.phase == row.key), None)
        found = db.execute(select(FILES.c.path, FILES.c.digest).where(FILES.c.competition == of.id))
        files = {**{path: Digest(digest) for path, digest in found}, **opened.sent}
        value = Began(competition=competition, phase=row.key, asked=asked, files=files).to_json()
        db.execute(update(PHASES).where(PHASES.c.id == row.id).values(began=text_of(value)))
    return value


def _kept(id: int, competition: int, began: Began) -> Kept:
    name = f"phase {id}"
    if began.competition.arena:
        return Kept(
            name=name,
            competition=competition,
            process=poll_of(name, began.competition.arena, began.files),
            seed=began.competition.seed,
            projection=lambda database: ArenaProjection(database, name, id),
        )
    return Kept(
        name=name,
        competition=competition,
        process=_hosted(name, began),
        seed=began.competition.seed,
        projection=lambda database: Projection(database, name, id),
    )


def _hosted(name: str, began: Began) -> Hosted:
    phase = next(one for one in began.competition.phases if one.key == began.phase)
    return board_of(name, began.competition, phase, began.asked, began.files)
