"""A platform with some desk, on each kind of database; services are called as routes call them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection

from concours.core.digests import digest_bytes
from concours.core.event import utc_now
from concours.server.actor import Actor
from concours.server.database.tables import COMPETITIONS, MEMBERS, PHASES, PLACES, SIGNALS, SUBMISSIONS, TEAMS, USERS
from concours.server.database.texts import json_of, text_of
from concours.server.hosting.opened import Opened
from concours.server.platform import Platform
from concours.server.services import editing
from concours.server.services.access import Access, accessed
from concours.server.services.files import Kept, keep


@dataclass(frozen=True)
class Desk:
    """Who there is, and what they do."""

    platform: Platform
    host: Actor
    member: Actor
    other: Actor
    administrator: Actor

    def writing(self) -> AbstractContextManager[Connection]:
        return self.platform.database.writing()

    def reading(self) -> AbstractContextManager[Connection]:
        return self.platform.database.reading()

    def do(self, who: Actor, slug: str, what: Callable[..., Any], *more: Any, **named: Any) -> Any:
        """A service for somebody about a competition, in a transaction of its own."""
        with self.writing() as db:
            return what(db, self.access(db, who, slug), *more, **named)

    def access(self, db: Connection, who: Actor, slug: str) -> Access:
        return accessed(db, who, slug)

    def published(self, *phases: dict[str, Any], opened: Opened | None = None, slug: str = "flowers") -> list[int]:
        """A published competition of the host's; the numbers of its phases."""
        with self.writing() as db:
            editing.create(db, self.host, title=slug.title(), slug=slug)
        self.do(self.host, slug, editing.edit, self.platform.store, {"phases": list(phases)}, version=1)
        opened = opened or Opened()
        with self.writing() as db:
            of = db.execute(select(COMPETITIONS.c.id).where(COMPETITIONS.c.slug == slug)).scalar_one()
            values = {"state": "published", "opened": text_of(opened.to_json())}
            db.execute(update(COMPETITIONS).where(COMPETITIONS.c.id == of).values(**values))
            for asked in opened.asked:
                its = (PHASES.c.competition == of, PHASES.c.key == asked.phase)
                db.execute(update(PHASES).where(*its).values(problem=asked.problem.digest))
            return list(
                db.execute(select(PHASES.c.id).where(PHASES.c.competition == of).order_by(PHASES.c.number)).scalars()
            )

    def team(
        self, db: Connection, name: str, *, of: Actor | None = None, into: int | None = None, slug: str = "flowers"
    ) -> int:
        """A team's number; with somebody in it, where `of` is given."""
        competition = db.execute(select(COMPETITIONS.c.id).where(COMPETITIONS.c.slug == slug)).scalar_one()
        leader = (of or self.host).user
        values = {"competition": competition, "name": name, "leader": leader, "created": utc_now(), "into": into}
        team = db.execute(insert(TEAMS).values(**values).returning(TEAMS.c.id)).scalar_one()
        if of:
            db.execute(insert(MEMBERS).values(competition=competition, user=of.user, team=team, accepted=utc_now()))
        return team

    def entry(self, db: Connection, phase: int, team: int | None, **more: Any) -> int:
        """A submission's number; scored, unless something else is said."""
        values = {
            "competition": db.execute(select(PHASES.c.competition).where(PHASES.c.id == phase)).scalar_one(),
            "phase": phase,
            "team": team,
            "user": self.member.user,
            "name": "entry",
            "brings": "predictions",
            "called": "entry.csv",
            "digest": digest_bytes(b"a file"),
            "size": 6,
            "at": utc_now(),
            "state": "scored",
        }
        return db.execute(insert(SUBMISSIONS).values(**{**values, **more}).returning(SUBMISSIONS.c.id)).scalar_one()

    def places(self, db: Connection, phase: int, entries: list[tuple[int, int]], part: str = "public") -> None:
        """The board of a phase: teams with their entries, the best first."""
        board = f"phase {phase}"
        db.execute(delete(PLACES).where(PLACES.c.board == board, PLACES.c.part == part))
        for number, (team, entry) in enumerate(entries):
            values = {"board": board, "part": part, "entry": entry, "team": str(team), "number": number, "line": "{}"}
            db.execute(insert(PLACES).values(**values))

    def signals(self, db: Connection) -> list[dict[str, Any]]:
        """What has come in for boards."""
        return [json_of(text) for text in db.execute(select(SIGNALS.c.signal).order_by(SIGNALS.c.number)).scalars()]

    def kept(self, content: bytes) -> Kept:
        return keep(self.platform.store, BytesIO(content), len(content))


@pytest.fixture
def desk(platform: Platform) -> Desk:
    with platform.database.writing() as db:
        ids = {
            name: db.execute(
                insert(USERS)
                .values(name=name, display=name.title(), administrator=name == "anne", created=utc_now())
                .returning(USERS.c.id)
            ).scalar_one()
            for name in ("hanna", "mika", "omar", "anne")
        }
    actors = {name: Actor(user=number, name=name, administrator=name == "anne") for name, number in ids.items()}
    return Desk(platform, *actors.values())
