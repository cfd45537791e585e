"""A platform on each database, and people of each role."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("alembic")

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # starlette's, of a name of anyio's
    from fastapi.testclient import TestClient

from fastapi import FastAPI
from sqlalchemy import create_engine, insert, text

from concours.core.event import utc_now
from concours.server.accounts import sessions, tokens, users
from concours.server.accounts.passwords import hashed
from concours.server.actor import Actor
from concours.server.database.opened import Database
from concours.server.database.tables import COMPETITIONS, HOSTS, MEMBERS, TEAMS
from concours.server.platform import Platform
from concours.server.settings import Settings
from concours.server.web.app import make

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def _ready_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that is migrated and empty, to be copied."""
    file = tmp_path_factory.mktemp("ready") / "concours.db"
    database = Database.at(f"sqlite:///{file}")
    database.upgrade()
    with database.engine.connect() as db:
        db.exec_driver_sql("ROLLBACK")
        db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.exec_driver_sql("BEGIN")
    database.close()
    return file


@pytest.fixture(scope="session")
def _ready_postgresql(postgresql: str) -> str:
    """The same in PostgreSQL: the name of a database."""
    _admin(postgresql, "CREATE DATABASE ready")
    database = Database.at(_named(postgresql, "ready"))
    database.upgrade()
    database.close()
    return "ready"


@pytest.fixture(scope="session")
def new_postgresql(postgresql: str, _ready_postgresql: str) -> Callable[[], str]:
    """Makes databases that are empty; their URLs. They go with the server."""

    def new() -> str:
        name = f"test_{next(_NUMBERS)}"
        _admin(postgresql, f"CREATE DATABASE {name} TEMPLATE {_ready_postgresql}")
        return _named(postgresql, name)

    return new


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that is empty and of this test alone, of each kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("new_postgresql")())
    shutil.copy(request.getfixturevalue("_ready_sqlite"), tmp_path / "concours.db")
    return f"sqlite:///{tmp_path / 'concours.db'}"


@pytest.fixture
def platform(database_url: str, tmp_path: Path) -> Iterator[Platform]:
    """A platform that is open and empty, on SQLite and on PostgreSQL."""
    opened = Platform.opened(Settings.of(tmp_path, database=database_url))
    yield opened
    opened.close()


@pytest.fixture
def platform_sqlite(_ready_sqlite: Path, tmp_path: Path) -> Iterator[Platform]:
    """The same on SQLite alone, for what asks nothing of the database that both do not do alike."""
    shutil.copy(_ready_sqlite, tmp_path / "concours.db")
    opened = Platform.opened(Settings.of(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def app(platform: Platform) -> FastAPI:
    """The application of the platform."""
    return make(platform)


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    """A visitor's browser."""
    return browser(app)


@pytest.fixture
def people(app: FastAPI, platform: Platform) -> People:
    """People, and competitions for them to be something to."""
    return People(app=app, platform=platform)


def browser(app: FastAPI, address: str = "127.0.0.1", **headers: str) -> TestClient:
    """One that keeps cookies, follows no redirect, and asks from an address."""
    settings = app.state.platform.settings
    return TestClient(
        app,
        base_url=settings.address,
        client=(address, 50000),
        headers=headers,
        follow_redirects=False,
        raise_server_exceptions=False,
    )


@dataclass
class People:
    """Makes people and competitions in the database of a platform, without a request.

    Everybody's password is `PASSWORD`; it is hashed once.
    """

    app: FastAPI
    platform: Platform
    numbers: dict[str, int] = field(default_factory=dict)

    PASSWORD = "wine cellar ladder 9"

    def user(self, name: str, *, administrator: bool = False, password: bool = False) -> int:
        """Somebody's number; they are made when first asked for.

        Args:
            password: whether they can log in by `PASSWORD`; it costs a hash.
        """
        if name not in self.numbers:
            with self.platform.database.writing() as db:
                self.numbers[name] = users.add(
                    db,
                    name,
                    display=name.title(),
                    email=f"{name}@example.org",
                    administrator=administrator,
                    password=_kept() if password else None,
                )
        return self.numbers[name]

    def actor(self, name: str, scopes: Sequence[str] | None = None, *, administrator: bool = False) -> Actor:
        """Somebody, for a service."""
        return Actor(
            user=self.user(name, administrator=administrator),
            name=name,
            administrator=administrator,
            scopes=None if scopes is None else frozenset(scopes),
        )

    def browser(self, name: str, *, administrator: bool = False, address: str = "127.0.0.1") -> TestClient:
        """The browser of somebody who is signed in; what it sends carries the session's `x-form`, and `.form` is it."""
        user = self.user(name, administrator=administrator)
        with self.platform.database.writing() as db:
            cookie = sessions.begin(db, user)
            session = sessions.of(db, cookie)
        assert session is not None
        found = browser(self.app, address, **{"x-form": session.form})
        found.cookies.set("concours", cookie)
        found.form = session.form  # type: ignore[attr-defined]
        return found

    def program(self, name: str, *scopes: str, administrator: bool = False) -> TestClient:
        """A program of somebody's, with a token of some scopes."""
        user = self.user(name, administrator=administrator)
        who = Actor(user=user, name=name, administrator=True)
        with self.platform.database.writing() as db:
            _, token = tokens.add(db, who, "a program", scopes)
        return browser(self.app, authorization=f"Bearer {token}")

    def competition(
        self,
        slug: str = "wine",
        *,
        host: str = "hanna",
        state: str = "published",
        visibility: str = "all",
        settings: str = "{}",
        **more: Any,
    ) -> int:
        """A competition's number, with its host."""
        owner = self.user(host)
        with self.platform.database.writing() as db:
            id = db.execute(
                insert(COMPETITIONS)
                .values(
                    slug=slug,
                    title=slug.title(),
                    state=state,
                    visibility=visibility,
                    owner=owner,
                    settings=settings,
                    version=1,
                    alliance=True,
                    created=utc_now(),
                    published=None if state in ("draft", "checking") else utc_now(),
                    **more,
                )
                .returning(COMPETITIONS.c.id)
            ).scalar_one()
            db.execute(insert(HOSTS).values(competition=id, user=owner))
        return int(id)

    def member(self, name: str, competition: int, team: str = "") -> int:
        """Makes somebody a member, in a team of their own; the team's number."""
        user = self.user(name)
        with self.platform.database.writing() as db:
            id = db.execute(
                insert(TEAMS)
                .values(competition=competition, name=team or name, leader=user, created=utc_now())
                .returning(TEAMS.c.id)
            ).scalar_one()
            db.execute(insert(MEMBERS).values(competition=competition, user=user, team=id, accepted=utc_now()))
        return int(id)


_KEPT: list[str] = []


def _kept() -> str:
    if not _KEPT:
        _KEPT.append(hashed(People.PASSWORD))
    return _KEPT[0]


def _named(url: str, name: str) -> str:
    return url.replace("@/postgres?", f"@/{name}?")


def _admin(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="session")
def from_address() -> Callable[..., TestClient]:
    """Makes a visitor's browser at an address: `(app, address, **headers)`."""
    return browser
