"""A SQLite file that several threads and processes write to at once."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from concours.core.errors import ContentRefused, NoSpace, RunFolderError

_IN_MEMORY = ":memory:"
"""What SQLite calls a database without a file."""
_PATIENCE_S = 60.0
"""How long to wait for others who write."""

_PAGES = 10_000
"""Written ahead, some 40 MB, before they are moved into the file, which waits for the disk and holds up who asks."""


class Database:
    """A connection that the threads of one process share.

    Written ahead (WAL), so that readers and a writer do not wait for one another. What was committed outlives the
    process whichever way it ends; a power failure may take the last moments, and leaves a whole file. The file must lie
    on a disk of this machine.

    Raises, of every method:
        ContentRefused: the file is no SQLite database, or is damaged.
        NoSpace: the disk is full.
        RunFolderError: it cannot be opened or written, or others have held it for a minute.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        self._lock = threading.RLock()
        with self._told():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.name != _IN_MEMORY and not path.exists():  # SQLite gives its other files the same rights
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
            try:
                self._begin(schema)
            except BaseException:
                self._connection.close()
                raise

    def _begin(self, schema: str) -> None:
        """The journal's mode is changed under a lock that SQLite does not wait for."""
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode=WAL")
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.01)
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(f"PRAGMA wal_autocheckpoint={_PAGES}")
        self._connection.execute(schema)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a statement yields."""
        with self._lock, self._told():
            return self._connection.execute(sql, values).fetchall()

    def changed(self, sql: str, values: Sequence[Any] = ()) -> int:
        """How many rows a statement changed; it is a transaction of its own."""
        with self._lock, self._told():
            return self._connection.execute(sql, values).rowcount

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, which no other writes beside."""
        with self._lock, self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "full" in str(error):
                raise NoSpace(f"{self.path}: the disk is full; free space and run the same command again") from None
            if "malformed" in str(error):
                raise self._damaged(error) from None
            raise RunFolderError(
                f"{self.path}: cannot be used ({error}); it must be a file on a disk of this machine, free to write"
            ) from None
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from None
        except OSError as error:
            raise RunFolderError(
                f"{self.path}: cannot be made ({error.strerror}); name a folder that may be written"
            ) from None

    def _damaged(self, error: sqlite3.Error) -> ContentRefused:
        return ContentRefused(f"{self.path}: no whole SQLite file ({error}); move it away, and a new one is begun")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
