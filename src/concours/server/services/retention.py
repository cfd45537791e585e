"""What the platform forgets, and when: rows that have served, and objects of the store that nothing names.

The conductor calls both once a day. Nothing that a result rests on is forgotten: journals, the files of submissions and
of competitions, and the audit log stay.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, String, Table, and_, delete, exists, or_, select
from sqlalchemy.engine import Connection

from concours.core.digests import Digest
from concours.core.errors import ObjectDamaged, ObjectNotFound
from concours.server.accounts import attempts
from concours.server.database.tables import (
    ATTEMPTS,
    BATTLES,
    CHANGES,
    KNOWN,
    LINKS,
    METADATA,
    OPENINGS,
    RESCORES,
    SESSIONS,
)
from concours.server.database.work_tables import WORK, WORK_LOG, WORKERS
from concours.stores.address import AddressedStore

_DAY_S: Final = 86400.0
_AT_A_TIME: Final = 1000
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """How long rows of a table are kept.

    Attributes:
        what: in words, for administrators.
        days: after they have served.
        served: which rows have, by a moment so many days ago.
    """

    table: Table
    what: str
    days: float
    served: Callable[[str], ColumnElement[bool]]


_ended_work: Final = WORK.c.state.in_(("ended", "cancelled"))

RETENTION: Final[Mapping[str, Kept]] = {
    "changes": Kept(
        table=CHANGES, what="what open pages are told", days=1 / 24, served=lambda before: CHANGES.c.at < before
    ),
    "sessions": Kept(
        table=SESSIONS, what="sessions, after their end", days=1, served=lambda before: SESSIONS.c.ends < before
    ),
    "links": Kept(
        table=LINKS, what="links that serve once, after their end", days=30, served=lambda before: LINKS.c.ends < before
    ),
    "attempts": Kept(
        table=ATTEMPTS,
        what="failed logins, after the last lock-out",
        days=1,
        served=lambda before: and_(ATTEMPTS.c.until.is_not(None), ATTEMPTS.c.until < before),
    ),
    "known": Kept(
        table=KNOWN,
        what="from where people log in",
        days=attempts.KNOWN_S / _DAY_S,
        served=lambda before: KNOWN.c.at < before,
    ),
    "logs": Kept(
        table=WORK_LOG,
        what="logs of runs that have ended",
        days=90,
        served=lambda before: exists().where(WORK.c.id == WORK_LOG.c.work, _ended_work, WORK.c.asked < before),
    ),
    "workers": Kept(
        table=WORKERS, what="workers that are not seen any more", days=30, served=lambda before: WORKERS.c.seen < before
    ),
    "battles": Kept(
        table=BATTLES,
        what="pairs of an arena that nobody has voted on",
        days=7,
        served=lambda before: and_(BATTLES.c.outcome == "", BATTLES.c.shown < before),
    ),
}
"""What is forgotten, a row each."""


@dataclass(frozen=True, kw_only=True)
class Freed:
    """How many objects were removed, and their bytes."""

    objects: int
    bytes: int


def retire(db: Connection, now: str) -> dict[str, int]:
    """Forgets the rows that have served; how many, by the name in `RETENTION`."""
    gone = {}
    for name, kept in RETENTION.items():
        before = datetime.fromisoformat(now) - timedelta(days=kept.days)
        served = kept.served(before.isoformat(timespec="microseconds"))
        gone[name] = db.execute(delete(kept.table).where(served)).rowcount
    done = select(WORK.c.id).where(_ended_work, ~exists().where(WORK_LOG.c.work == WORK.c.id))
    before = datetime.fromisoformat(now) - timedelta(days=RETENTION["logs"].days)
    old = WORK.c.asked < before.isoformat(timespec="microseconds")
    gone["work"] = db.execute(delete(WORK).where(WORK.c.id.in_(done), old)).rowcount
    gone["openings"] = db.execute(delete(OPENINGS).where(OPENINGS.c.state == "ended")).rowcount
    return gone


def garbage(db: Connection, store: AddressedStore, *, now_s: float | None = None) -> Freed:
    """Removes the objects that nothing in the database names, and what a kill left half written.

    An object that was put within a day stays: a request that runs has just put it, and will name it when it ends. What
    is put again is put anew, so what is about to be named is young, however long it lay there unnamed.

    Args:
        now_s: seconds since 1970; by default the clock's.
    """
    before = (time.time() if now_s is None else now_s) - _DAY_S
    live = set(_named(db)) | set(_within_problems(db, store))
    objects = size = 0
    for digest in store:
        if digest in live:
            continue
        with suppress(ObjectNotFound):  # another has just removed it
            if store.put_at(digest) < before:
                size += store.size(digest)
                store.delete(digest)
                objects += 1
    for path in store.leftovers():
        _remove_old(path, before)
    return Freed(objects=objects, bytes=size)


def leftovers(aside: Path, *, now_s: float | None = None) -> None:
    """Removes from the platform's folder what a kill left of requests: files older than a day."""
    before = (time.time() if now_s is None else now_s) - _DAY_S
    for path in aside.glob("*") if aside.is_dir() else ():
        if path.is_file() and not path.is_symlink():
            _remove_old(path, before)


def _named(db: Connection) -> Iterator[Digest]:
    """Every digest that stands in a text of the database, whatever it names."""
    for table in METADATA.sorted_tables:
        texts = [column for column in table.columns if isinstance(column.type, String)]
        if not texts:
            continue
        some = or_(*(column.contains("sha256:") for column in texts))
        for row in db.execute(select(*texts).where(some).execution_options(yield_per=_AT_A_TIME)):
            for text in row:
                yield from map(Digest, _DIGEST.findall(text or ""))


def _within_problems(db: Connection, store: AddressedStore) -> Iterator[Digest]:
    """What the problems of rescores name, before a journal does."""
    for problem in db.execute(select(RESCORES.c.problem).distinct()).scalars():
        with suppress(ObjectNotFound, ObjectDamaged), store.open(Digest(problem)) as content:
            yield from map(Digest, _DIGEST.findall(json.dumps(json.load(content))))


def _remove_old(path: Path, before: float) -> None:
    with suppress(FileNotFoundError):
        if path.stat().st_mtime < before:
            path.unlink()
