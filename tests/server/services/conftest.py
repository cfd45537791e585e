"""A platform with some desk, on each kind of database; services are called as routes call them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, insert, text
from sqlalchemy.engine import Connection

from concours.core.event import utc_now
from concours.server.actor import Actor
from concours.server.database.tables import USERS
from concours.server.platform import Platform
from concours.server.services.access import Access, accessed
from concours.server.services.files import Kept, keep
from concours.server.settings import Settings

_number = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    """One that is new, on SQLite and on PostgreSQL."""
    told = {}
    if request.param == "postgresql":
        told["database"] = _fresh(request.getfixturevalue("postgresql"))
    opened = Platform.opened(Settings.of(tmp_path / "platform", **told))
    yield opened
    opened.close()


def _fresh(url: str) -> str:
    name = f"services{next(_number)}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.replace("/postgres?", f"/{name}?")


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
