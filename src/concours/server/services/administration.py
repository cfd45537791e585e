"""What administrators look at: workers, the queue, storage, health, and what is forgotten when."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from concours.server.actor import Actor
from concours.server.database.tables import (
    APPLIED,
    COMPETITIONS,
    FILES,
    OPENINGS,
    PHASES,
    SIGNALS,
    SUBMISSIONS,
    TOKENS,
    USERS,
)
from concours.server.database.texts import json_of
from concours.server.database.work_tables import WORK, WORKERS
from concours.server.platform import Platform
from concours.server.services.access import Rule, require
from concours.server.services.retention import RETENTION

_THERE_S: Final = 90.0
"""A worker that was seen within so many seconds is there."""
_LATE_S: Final = 60.0
"""What came in for a board is taken sooner than that, or something is wrong."""
_FREE_SHARE: Final = 0.05
_MOST: Final = 500


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker that pulls jobs.

    Attributes:
        of: whose token it came with.
        there: whether it was seen just now.
        sandbox: why it can make none, and gets no programs of others; empty where it can.
        does: labels of the jobs that it has.
    """

    name: str
    of: str
    version: str
    seen: str
    there: bool
    sandbox: str
    does: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class WorkToken:
    """A token that workers come with. used: when last; empty where never."""

    id: int
    name: str
    of: str
    created: str
    used: str


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What is to be done.

    Attributes:
        jobs: of leased workers, by state.
        oldest: since when the first of those that wait does; empty where none does.
        submissions: that wait or run, by state.
        openings: competitions whose data is to be read.
        signals: that no journal has yet.
        boards: at work, by name: when their projections were written last.
    """

    jobs: Mapping[str, int]
    oldest: str
    submissions: Mapping[str, int]
    openings: int
    signals: int
    boards: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What a competition keeps, in bytes. files: its folder; submissions: what was sent to it."""

    competition: str
    files: int
    submissions: int


@dataclass(frozen=True, kw_only=True)
class Storage:
    """What is kept. free, total: bytes of the disk of this machine on which the platform's folder lies."""

    competitions: tuple[Stored, ...]
    store: str
    free: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Part:
    """How a part of the platform does, in words."""

    name: str
    state: Literal["well", "look", "bad"]
    words: str


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """What is forgotten, and how many days after it has served."""

    what: str
    days: float


def workers(db: Connection, who: Actor) -> tuple[Worker, ...]:
    """Workers, those seen last first. Raises NotSignedIn, Forbidden; so do all others."""
    require(who, Rule.ADMINISTRATOR)
    since = _before(_THERE_S)
    does: dict[str, list[str]] = {}
    for worker, spec in db.execute(select(WORK.c.worker, WORK.c.spec).where(WORK.c.state == "leased")):
        does.setdefault(worker, []).append(_label(spec))
    rows = db.execute(select(WORKERS).order_by(WORKERS.c.seen.desc(), WORKERS.c.name).limit(_MOST))
    return tuple(
        Worker(
            name=row.name.partition("/")[2] or row.name,
            of=row.name.partition("/")[0],
            version=row.version,
            seen=row.seen,
            there=row.seen >= since,
            sandbox=row.sandbox,
            does=tuple(sorted(does.get(row.name, ()))),
        )
        for row in rows
    )


def work_tokens(db: Connection, who: Actor) -> tuple[WorkToken, ...]:
    """The tokens that workers come with, of everybody."""
    require(who, Rule.ADMINISTRATOR)
    rows = db.execute(
        select(TOKENS, USERS.c.name.label("of"))
        .join(USERS, USERS.c.id == TOKENS.c.user)
        .where(TOKENS.c.scopes == "work")
        .order_by(TOKENS.c.id.desc())
        .limit(_MOST)
    )
    return tuple(
        WorkToken(id=row.id, name=row.name, of=row.of, created=row.created, used=row.used or "") for row in rows
    )


def queue(db: Connection, who: Actor) -> Waiting:
    """What is to be done."""
    require(who, Rule.ADMINISTRATOR)
    unfinished = ("waiting", "leased")
    oldest = db.execute(select(func.min(WORK.c.asked)).where(WORK.c.state == "waiting")).scalar()
    boards = db.execute(
        select(APPLIED.c.board, APPLIED.c.at).where(APPLIED.c.at >= _before(86400.0)).order_by(APPLIED.c.at.desc())
    )
    return Waiting(
        jobs=_counted(db, WORK.c.state, WORK.c.state.in_(unfinished)),
        oldest=oldest or "",
        submissions=_counted(db, SUBMISSIONS.c.state, SUBMISSIONS.c.state.in_(("waiting", "running"))),
        openings=_count(db, OPENINGS, OPENINGS.c.state == "waiting"),
        signals=_count(db, SIGNALS),
        boards={row.board: row.at for row in boards.fetchmany(_MOST)},
    )


def storage(db: Connection, who: Actor, platform: Platform) -> Storage:
    """What is kept, the largest first."""
    require(who, Rule.ADMINISTRATOR)
    files, sent = (
        {
            row[0]: int(row[1])
            for row in db.execute(select(t.c.competition, func.sum(t.c.size)).group_by(t.c.competition))
        }
        for t in (FILES, SUBMISSIONS)
    )
    every = [
        Stored(competition=row.slug, files=files.get(row.id, 0), submissions=sent.get(row.id, 0))
        for row in db.execute(select(COMPETITIONS.c.id, COMPETITIONS.c.slug))
    ]
    disk = shutil.disk_usage(platform.settings.data)
    ordered = sorted(every, key=lambda one: (-one.files - one.submissions, one.competition))
    kind = "s3" if "://" in platform.settings.store else "files"
    return Storage(competitions=tuple(ordered), store=kind, free=disk.free, total=disk.total)


def health(db: Connection, who: Actor, platform: Platform) -> tuple[Part, ...]:
    """How each part of the platform does."""
    require(who, Rule.ADMINISTRATOR)
    return (
        _database(db),
        _disk(platform.settings.data),
        _store(platform),
        _conductor(db),
        _workers(db),
    )


def forgotten(who: Actor) -> tuple[Forgotten, ...]:
    """What is forgotten, and when."""
    require(who, Rule.ADMINISTRATOR)
    return tuple(Forgotten(what=kept.what, days=kept.days) for kept in RETENTION.values())


# Health


def _database(db: Connection) -> Part:
    began = time.perf_counter()
    db.execute(select(func.count()).select_from(USERS)).scalar()
    took = time.perf_counter() - began
    words = f"{db.dialect.name} answers in {took * 1000:.0f} ms"
    return Part(name="database", state="well" if took < 1 else "look", words=words)


def _disk(data: Path) -> Part:
    disk = shutil.disk_usage(data)
    share = disk.free / disk.total
    words = f"{disk.free / 1e9:,.1f} GB of {disk.total / 1e9:,.1f} GB are free"
    return Part(name="disk", state="well" if share > _FREE_SHARE else "bad", words=words)


def _store(platform: Platform) -> Part:
    folder = platform.store.folder
    at = folder if folder.is_dir() else platform.settings.data
    writes = os.access(at, os.W_OK)
    words = "objects can be written" if writes else "nothing can be written into its folder"
    return Part(name="store", state="well" if writes else "bad", words=words)


def _conductor(db: Connection) -> Part:
    """By what waits for it: a signal that is taken late, or a phase that should have begun."""
    first = db.execute(select(SIGNALS.c.signal).order_by(SIGNALS.c.number).limit(1)).scalar()
    late = first is not None and json_of(first)["at"] < _before(_LATE_S)
    begun = _count(
        db,
        PHASES.join(COMPETITIONS, COMPETITIONS.c.id == PHASES.c.competition),
        COMPETITIONS.c.state == "published",
        PHASES.c.state == "waiting",
        PHASES.c.begins < _before(_LATE_S),
    )
    if late or begun:
        words = "it does not take what has come in: look at its log, and whether `concours up` runs"
        return Part(name="conductor", state="bad", words=words)
    return Part(name="conductor", state="well", words="nothing waits for it longer than it should")


def _workers(db: Connection) -> Part:
    there = db.execute(select(WORKERS.c.sandbox).where(WORKERS.c.seen >= _before(_THERE_S))).scalars().all()
    able = sum(not why for why in there)
    if able:
        return Part(name="workers", state="well", words=f"{able} can run programs of others")
    why = f": {there[0]}" if there else ", for no worker is there"
    return Part(name="workers", state="look", words=f"submissions of code wait{why}")


def _before(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="microseconds")


def _label(spec: str) -> str:
    job = json_of(spec)
    return str(job["label"] or job["runner"])


def _count(db: Connection, of: Any, *where: Any) -> int:
    return int(db.execute(select(func.count()).select_from(of).where(*where)).scalar_one())


def _counted(db: Connection, by: Any, *where: Any) -> dict[str, int]:
    rows: Sequence[Any] = db.execute(select(by, func.count()).where(*where).group_by(by).order_by(by)).all()
    return {row[0]: row[1] for row in rows}
