"""A database of the platform that is open: made anew, or brought to the form of this version."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
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

_MIGRATIONS = Path(__file__).parent / "migrations"
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
            with engine.connect():
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

    def upgrade(self) -> None:
        """Brings the tables to the form of this version. Raises ContestError: they are of a later one."""
        with self.engine.begin() as db:
            newest = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
            here = MigrationContext.configure(db).get_current_revision()
            known = {script.revision for script in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()}
            if here is not None and here not in known:
                raise ContestError(
                    f"the database is of a later version of Concours (its form is {here}, this one knows {newest}): "
                    "install that one"
                )
            config = Config()
            config.set_main_option("script_location", str(_MIGRATIONS))
            config.attributes["connection"] = db
            command.upgrade(config, "head")

    def close(self) -> None:
        self.engine.dispose()


def _as_sqlite(connection: Any, _: Any) -> None:
    """What was committed outlives a power cut, and keys of other tables are held. Transactions are begun by us."""
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=FULL")


def _at_once(db: Connection) -> None:
    """A transaction that will write has the lock from its beginning: what it reads is what it writes over."""
    reads = db.get_execution_options().get("reads")
    db.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
