"""Competitions that are to be opened: their data is read by a job, and what it found is written down."""

from __future__ import annotations

import json
from concurrent.futures import Future
from typing import Final

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection

from concours.core.event import Done, Failed, utc_now
from concours.core.job import Job
from concours.server.database.tables import CHANGES, COMPETITIONS, OPENINGS, PHASES
from concours.server.database.texts import text_of
from concours.server.hosting.opened import Opened
from concours.server.platform import Platform
from concours.server.scoring.hub import Hub

_WAITING: Final = "waiting"


class Openings:
    """Has what waits done. What ended while nobody conducted is done again: its job is a function of the files."""

    def __init__(self, platform: Platform, hub: Hub) -> None:
        self._database, self._hub = platform.database, hub
        self._under_way: dict[int, Future[Done | Failed]] = {}

    def look(self) -> None:
        """Asks for what is new, and writes down what has ended."""
        with self._database.reading() as db:
            rows = db.execute(select(OPENINGS.c.id, OPENINGS.c.job).where(OPENINGS.c.state == _WAITING)).all()
        for id, job in rows:
            if id not in self._under_way:
                self._under_way[id] = self._hub.do(Job.from_json(json.loads(job)))
        for id in [id for id, ended in self._under_way.items() if ended.done()]:
            with self._database.writing() as db:
                write_down(db, id, self._under_way.pop(id).result())


def write_down(db: Connection, opening: int, event: Done | Failed) -> None:
    """What came of an opening: each phase has its problem, or the host a complaint.

    What was read of an earlier version of the competition counts for nothing: another opening is on its way.
    """
    row = db.execute(select(OPENINGS).where(OPENINGS.c.id == opening)).one()
    db.execute(update(OPENINGS).where(OPENINGS.c.id == opening).values(state="ended"))
    of = COMPETITIONS.c.id == row.competition
    if db.execute(select(COMPETITIONS.c.version).where(of)).scalar() != row.version:
        return
    if isinstance(event, Failed):
        db.execute(update(COMPETITIONS).where(of).values(complaint=event.reason, opened=None))
    else:
        opened = event.values["opened"]
        db.execute(update(COMPETITIONS).where(of).values(complaint="", opened=text_of(opened)))
        for asked in Opened.from_json(opened).asked:
            db.execute(
                update(PHASES)
                .where(PHASES.c.competition == row.competition, PHASES.c.key == asked.phase)
                .values(problem=asked.problem.digest)
            )
    db.execute(update(COMPETITIONS).where(of, COMPETITIONS.c.state == "checking").values(state="draft"))
    db.execute(insert(CHANGES).values(topic=f"competition {row.competition}", at=utc_now()))
