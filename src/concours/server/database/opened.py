"""A database of the platform that is open: made anew, or brought to the form of this version."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from concours.core.errors import ContestError
from concours.stores.databases import Backend, opened, shown, why

_PATIENCE_S = 60.0
_LOOK_S = 0.1
MIGRATIONS = Path(__file__).parent / "migrations"
logging.getLogger("alembic").setLevel(logging.WARNING)


@dataclass(frozen=True, kw_only=True)
class Database:
    """A database of the platform.

    Attributes:
        backend: what it does in its own way.
    """

    engine: Engine
    backend: Backend

    @classmethod
    def at(cls, url: str) -> Database:
        """Raises ContestError: it is no URL of a database, or cannot be opened."""
        engine, backend = opened(url)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _as_sqlite)
            event.listen(engine, "begin", _at_once)
        try:
            with engine.connect().execution_options(reads=True):
                pass
        except SQLAlchemyError as error:
            raise ContestError(f"database: {shown(url)} cannot be opened: {why(error)}") from None
        return cls(engine=engine, backend=backend)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that writes nothing."""
        with self.engine.connect().execution_options(reads=True) as db:
            yield db

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, committed when the context ends well."""
        with self.engine.begin() as db:
            yield db

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection that sees all tables as they were at one instant, and writes nothing."""
        options = {"reads": True, **({"isolation_level": "REPEATABLE READ"} if self._shared else {})}
        with self.engine.connect().execution_options(**options) as db:
            yield db

    @property
    def _shared(self) -> bool:
        return self.engine.dialect.name != "sqlite"

    def form(self, db: Connection) -> str | None:
        """Which form the tables have; none where there are none."""
        return MigrationContext.configure(db).get_current_revision()

    def require_form(self) -> None:
        """Makes the tables where there are none. Raises ContestError: they are of another version."""
        with self.reading() as db:
            here = self.form(db)
        newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()
        if here is None:
            self.upgrade()
        elif here != newest:
            self._require_known(here)
            raise ContestError(
                f"the database is of an earlier version of Concours (its form is {here}, this one's {newest}): make a "
                "backup by that version, then run concours migrate"
            )

    def upgrade(self, to: str = "head", migrations: Path = MIGRATIONS) -> None:
        """Brings the tables to a form, by default this version's, by the migrations of a folder.

        Raises:
            ContestError: they are of a later version.
        """
        end = time.monotonic() + _PATIENCE_S

        def late() -> bool:
            time.sleep(_LOOK_S)
            return time.monotonic() > end

        with self.alone("migration", until=late) as alone:
            if not alone:
                raise ContestError("another process has been migrating this database for a minute: wait until it ends")
            self._upgrade(to, migrations)

    def _upgrade(self, to: str, migrations: Path) -> None:
        with self.engine.begin() as db:
            for known in (self.form(db), to):
                if known not in (None, "head"):
                    self._require_known(known)
            config = Config()
            config.set_main_option("script_location", str(migrations))
            config.attributes["connection"] = db
            command.upgrade(config, to)

    @contextmanager
    def alone(self, what: str, *, until: Callable[[], bool]) -> Iterator[bool]:
        """Whether this process alone is something for the database, such as its conductor, while the context lasts.

        Args:
            until: called while another is that: waits a moment, and says whether to give up.
        """
        while True:
            with ExitStack() as holding:
                try:
                    holding.enter_context(self.backend.hold(self.engine, what))
                except ContestError:
                    if until():
                        yield False
                        return
                    continue
                yield True
                return

    def _require_known(self, form: str | None) -> None:
        scripts = ScriptDirectory(str(MIGRATIONS))
        if form not in {script.revision for script in scripts.walk_revisions()}:
            raise ContestError(
                f"the database is of a later version of Concours (its form is {form}, this one knows "
                f"{scripts.get_current_head()}): install that one"
            )

    def close(self) -> None:
        self.engine.dispose()


def _as_sqlite(connection: Any, _: Any) -> None:
    """What was committed outlives a power cut, and keys of other tables are held. Transactions are begun by us."""
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=FULL")


def reads(db: Connection) -> bool:
    """Whether a connection is one that writes nothing (`Database.reading`)."""
    return bool(db.get_execution_options().get("reads"))


def _at_once(db: Connection) -> None:
    """A transaction that will write has the lock from its beginning: what it reads is what it writes over."""
    db.exec_driver_sql("BEGIN" if reads(db) else "BEGIN IMMEDIATE")
