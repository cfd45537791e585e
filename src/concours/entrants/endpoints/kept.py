"""Answers that have been paid for, kept for ever, and who is asking for which at the moment."""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from concours.core.errors import ContentRefused
from concours.entrants.endpoints.database import Database
from concours.entrants.endpoints.replies import Reply, Unreadable, read

_ANSWERS = "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, at REAL, seconds REAL, raw TEXT)"
_FLIGHTS = (
    "CREATE TABLE IF NOT EXISTS flights (key TEXT PRIMARY KEY, host TEXT, pid INTEGER, owner TEXT, until REAL) "
    "WITHOUT ROWID"
)
_END = "DELETE FROM flights WHERE key = ? AND owner = ?"
_MANY = 500
"""Values of one statement; SQLite bounds them."""

LEASE_S = 60.0
"""How long a flight is believed that is not renewed, where its process cannot be looked for."""


@dataclass(frozen=True)
class Owner:
    """Somebody who asks: a process, and which of its askers."""

    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    name: str = field(default_factory=lambda: uuid.uuid4().hex)


class Answers:
    """A file of answers: JSON text as it came, by the key of the call. It never expires and holds no secret.

    Only whole answers are put into it; an error or what was cut never is. Threads and processes may share the file.

    A flight is a key that somebody is asking for: others wait for it instead of asking too. It ends with the answer,
    when it is released, when its process has ended, or, where that is on another machine, a minute after it was last
    renewed.

    Raises, of every method: as `Database`.
    """

    def __init__(self, path: Path | str) -> None:
        self._file = Database(Path(path), _ANSWERS)
        self._file.changed(_FLIGHTS)

    def get(self, keys: Sequence[str]) -> dict[str, Reply]:
        """Those of the answers that are there.

        Raises:
            ContentRefused: what is there is no answer; names the key.
        """
        found: dict[str, Reply] = {}
        for some in _portions(keys):
            marks = ",".join("?" * len(some))
            rows = self._file.rows(f"SELECT key, seconds, raw FROM answers WHERE key IN ({marks})", some)  # noqa: S608
            for key, seconds, raw in rows:
                found[key] = self._read(key, seconds, raw)
        return found

    def _read(self, key: str, seconds: float, raw: str) -> Reply:
        try:
            return read(raw, seconds)
        except (Unreadable, TypeError) as error:
            raise ContentRefused(
                f"{self._file.path}: what lies under {key} is no answer ({error}); without its row it is asked again"
            ) from None

    def put(self, key: str, reply: Reply) -> None:
        """Keeps an answer; one that is there already stays."""
        self._file.changed(
            "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?)", (key, time.time(), reply.seconds, reply.raw)
        )

    def take(self, keys: Sequence[str], owner: Owner, over: Iterable[str] = ()) -> tuple[dict[str, Reply], list[str]]:
        """The answers that have come meanwhile, and the keys that the owner is to ask for from now on.

        The rest of them somebody else is asking for. Flights of the owner that are `over` end.
        """
        now = time.time()
        with self._file.writing() as cursor:
            cursor.executemany(_END, [(key, owner.name) for key in over])
            found = self.get(keys)
            missing = [key for key in keys if key not in found]
            others = self._asked_by_others(missing, owner, now)
            ours = [key for key in missing if key not in others]
            cursor.executemany(
                "INSERT OR REPLACE INTO flights VALUES (?, ?, ?, ?, ?)",
                [(key, owner.host, owner.pid, owner.name, now + LEASE_S) for key in ours],
            )
        return found, ours

    def _asked_by_others(self, keys: Sequence[str], owner: Owner, now: float) -> set[str]:
        found: set[str] = set()
        for some in _portions(keys):
            marks = ",".join("?" * len(some))
            rows = self._file.rows(
                f"SELECT key, host, pid, until FROM flights WHERE key IN ({marks}) AND owner != ?",  # noqa: S608
                [*some, owner.name],
            )
            found.update(key for key, host, pid, until in rows if _flies(host, pid, until, now))
        return found

    def renew(self, owner: Owner) -> None:
        """Says that the owner is still asking."""
        self._file.changed("UPDATE flights SET until = ? WHERE owner = ?", (time.time() + LEASE_S, owner.name))

    def release(self, owner: Owner, keys: Iterable[str] | None = None) -> None:
        """Ends flights of the owner: some, or all."""
        with self._file.writing() as cursor:
            if keys is None:
                cursor.execute("DELETE FROM flights WHERE owner = ?", (owner.name,))
            else:
                cursor.executemany(_END, [(key, owner.name) for key in keys])

    def __len__(self) -> int:
        return int(self._file.rows("SELECT count(*) FROM answers")[0][0])

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Answers:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _flies(host: str, pid: int, until: float, now: float) -> bool:
    """Whether somebody is still asking."""
    if until < now or until > now + 2 * LEASE_S:
        return False
    return host != socket.gethostname() or _lives(pid)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _portions(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _MANY):
        yield keys[start : start + _MANY]
