"""The databases that books, journals and boards may lie in, and what each does in its own way."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from sqlalchemy import create_engine, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from concours.core.errors import ContestError

_NO_ROOM: Final = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE")
"""By which SQLite says that the disk, a quota or a limit on the size of files leaves no room."""
_LOCK: Final = 0x636F6E63 << 32
"""The number of a lock begins with the letters conc, and ends with a sum of what it is held for."""


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A row of the table of databases.

    Attributes:
        insert: a statement that may leave out what is there already.
        hold: keeps others from being what one process alone may be for a database, such as its gateway, while the
            context lasts, whether the process leaves it or dies. Raises ContestError: another is.
        options: of its driver.
        prepare: what a connection begins with.
    """

    insert: Any
    hold: Callable[[Engine, str], AbstractContextManager[None]]
    options: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[Any, Any], None] | None = None


def opened(url: str) -> tuple[Engine, Backend]:
    """A database by its URL, and its row. Raises ContestError: it is no URL of one, or its driver is missing."""
    wrong = f"database: {shown(url)} is no URL of a database: expected sqlite:///FILE or postgresql+psycopg://…"
    try:
        at = make_url(url)
        at = at.set(drivername="postgresql+psycopg") if at.drivername in ("postgres", "postgresql") else at
        backend = _BACKENDS[at.get_backend_name()]
        engine = create_engine(at, **backend.options)
    except (ArgumentError, NoSuchModuleError, KeyError):
        raise ContestError(wrong) from None
    except ModuleNotFoundError as error:
        raise ContestError(f"database {shown(url)} needs a package: pip install {error.name}") from None
    if backend.prepare:
        event.listen(engine, "connect", backend.prepare)
    return engine, backend


def shown(url: str) -> str:
    """A URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "the text given"


def why(error: SQLAlchemyError) -> str:
    """What a database says, without the statement and its values."""
    return str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]


def is_full(error: SQLAlchemyError) -> bool:
    """Whether a database says that its disk is full."""
    said = getattr(error, "orig", None)
    of_sqlite = getattr(said, "sqlite_errorname", "") or ""
    of_postgresql = getattr(said, "sqlstate", "") or ""
    return of_sqlite in _NO_ROOM or of_postgresql == "53100"


def _as_wal(connection: Any, _: Any) -> None:
    """Readers and the writer do not wait for one another, and what was committed outlives the process."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


@contextmanager
def _hold_file(engine: Engine, what: str) -> Iterator[None]:
    """A lock on a file beside the database, which the system lets go when the process ends, however it does."""
    if engine.url.database in (None, "", ":memory:"):
        raise ContestError(f"database: what lies in memory is lost when the {what} ends; name a file, sqlite:///FILE")
    with Path(f"{engine.url.database}.{what}.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise _taken(engine, what) from None
        yield


@contextmanager
def _hold_advisory(engine: Engine, what: str) -> Iterator[None]:
    """A lock of the database's own, which goes with its connection."""
    with engine.connect() as connection:
        connection.detach()  # so that leaving closes it, and the pool does not keep it with its lock
        if not connection.execute(select(func.pg_try_advisory_lock(_LOCK + crc32(what.encode())))).scalar():
            raise _taken(engine, what)
        connection.commit()
        yield


def _taken(engine: Engine, what: str) -> ContestError:
    where = engine.url.render_as_string(hide_password=True)
    return ContestError(f"another {what} has the database {where}: end it, or name another database")


_BACKENDS: Final[Mapping[str, Backend]] = {
    "sqlite": Backend(
        insert=sqlite.insert, hold=_hold_file, options={"connect_args": {"timeout": 30}}, prepare=_as_wal
    ),
    "postgresql": Backend(insert=postgresql.insert, hold=_hold_advisory),
}
