"""Competitions that are to be opened: their data is read by a job, and what it found is written down."""

from __future__ import annotations

import json
from concurrent.futures import Future
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.engine import Connection, Row

from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.ports import Store
from concours.server.database.changes import tell
from concours.server.database.tables import COMPETITIONS, OPENINGS, PHASES
from concours.server.database.texts import text_of
from concours.server.hosting.opened import Opened
from concours.server.platform import Platform
from concours.server.scoring.hub import Hub
from concours.server.services import rescoring

_WAITING: Final = "waiting"


class Openings:
    """Has what waits done. What ended while nobody conducted is done again: its job is a function of the files."""

    def __init__(self, platform: Platform, hub: Hub) -> None:
        self._platform, self._hub = platform, hub
        self._under_way: dict[int, Future[Done | Failed]] = {}

    def look(self) -> None:
        """Asks for what is new, and writes down what has ended."""
        with self._platform.database.reading() as db:
            rows = db.execute(select(OPENINGS.c.id, OPENINGS.c.job).where(OPENINGS.c.state == _WAITING)).all()
        for id, job in rows:
            if id not in self._under_way:
                self._under_way[id] = self._hub.do(Job.from_json(json.loads(job)))
        for id in [id for id, ended in self._under_way.items() if ended.done()]:
            with self._platform.database.writing() as db:
                write_down(db, self._platform.store, id, self._under_way.pop(id).result())


def write_down(db: Connection, store: Store, opening: int, event: Done | Failed) -> None:
    """What came of an opening: each phase has its problem, or the host a complaint; a correction is applied.

    What was read of an earlier version of a draft counts for nothing: another opening is on its way.
    """
    row = db.execute(select(OPENINGS).where(OPENINGS.c.id == opening)).one()
    db.execute(update(OPENINGS).where(OPENINGS.c.id == opening).values(state="ended"))
    found = event.reason if isinstance(event, Failed) else Opened.from_json(event.values["opened"])
    if row.correction is not None:
        rescoring.apply(db, store, row.correction, found)
    else:
        _drafted(db, row, found)
    tell(db, f"competition {row.competition}")


def _drafted(db: Connection, row: Row[Any], found: Opened | str) -> None:
    of = COMPETITIONS.c.id == row.competition
    if db.execute(select(COMPETITIONS.c.version).where(of)).scalar() != row.version:
        return
    if isinstance(found, str):
        db.execute(update(COMPETITIONS).where(of).values(complaint=found, opened=None))
    else:
        db.execute(update(COMPETITIONS).where(of).values(complaint="", opened=text_of(found.to_json())))
        for asked in found.asked:
            mine = (PHASES.c.competition == row.competition, PHASES.c.key == asked.phase)
            db.execute(update(PHASES).where(*mine).values(problem=asked.problem.digest))
    db.execute(update(COMPETITIONS).where(of, COMPETITIONS.c.state == "checking").values(state="draft"))
