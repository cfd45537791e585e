"""What changes, told to pages that are open: one look at the database for all of them, as server-sent events.

An event says that something has changed, and not what: whoever hears it asks for it, by the routes that know who may
see it. So events that come quickly are one, and nobody who reads slowly holds anything up.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, or_, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from concours.core.event import utc_now
from concours.server.database.opened import Database
from concours.server.database.tables import CHANGES
from concours.server.web.limits import Turns

_LOOKS_S: Final = 0.25
_BEAT_S: Final = 15.0
_LONGEST_S: Final = 600.0
"""How long one connection is kept: then it is begun anew, and who may hear what is asked anew."""
_KEPT_S: Final = 600.0
_LATE_S: Final = 30.0
_MOST_LATE: Final = 200
MOST: Final = 5000
MOST_EACH: Final = 500
"""Connections in all, and from one network."""


class Crowded(Exception):
    """There are as many connections as one process keeps."""


class Feed:
    """Follows the table of changes as long as somebody listens. All of it runs in the loop of the web process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: dict[str, set[Listener]] = defaultdict(set)
        self._many = 0
        self._each = Turns(MOST_EACH, "pages are open at your address already; close some")
        self._task: asyncio.Task[None] | None = None
        self._beginning = asyncio.Lock()
        self._ended = False

    @property
    def many(self) -> int:
        """How many connections there are."""
        return self._many

    def end(self) -> None:
        """Ends all streams, and those that begin later: the platform leaves, and would wait for them."""
        self._ended = True
        for listener in {each for some in self._listeners.values() for each in some}:
            listener.wake()

    async def events(self, topics: Iterable[str], after: int | None, who: str | None = None) -> AsyncIterator[str]:
        """The events of some topics, as the stream carries them. Law: from the first line on, after every change of one
        there is an event of it.

        Args:
            after: the number of the last change that whoever listens knows of: what has come since is told at once.

            who: listens, of whom no more than `MOST_EACH` do; none of this machine itself.

        Raises:
            Crowded: before the first event.
            TooMany: of theirs, likewise.
        """
        with self._listening(topics) as listener, nullcontext() if who is None else self._each.taken(who):
            await self._begin()
            if after is not None:
                listener.hear(await asyncio.to_thread(missed, self._database, sorted(listener.topics), after))
            yield "retry: 2000\n\n"
            ends = time.monotonic() + _LONGEST_S
            while time.monotonic() < ends and not self._ended:
                for topic, number in (await listener.heard(_BEAT_S)).items():
                    yield f"id: {number}\nevent: change\ndata: {topic}\n\n"
                yield ":\n\n"

    @contextmanager
    def _listening(self, topics: Iterable[str]) -> Iterator[Listener]:
        if self._many >= MOST:
            raise Crowded
        listener = Listener(frozenset(topics))
        self._many += 1
        for topic in listener.topics:
            self._listeners[topic].add(listener)
        try:
            yield listener
        finally:
            self._many -= 1
            for topic in listener.topics:
                self._listeners[topic].discard(listener)
                if not self._listeners[topic]:
                    del self._listeners[topic]

    async def _begin(self) -> None:
        """From here on nothing is missed."""
        async with self._beginning:
            if self._task is None or self._task.done():
                look = _Look(self._database)
                await asyncio.to_thread(look)
                self._task = asyncio.create_task(self._follow(look))

    async def _follow(self, look: _Look) -> None:
        while self._many:
            with suppress(SQLAlchemyError):  # it is away, and what has changed meanwhile is told when it is back
                for topic, number in (await asyncio.to_thread(look)).items():
                    for listener in self._listeners.get(topic, ()):
                        listener.hear({topic: number})
            await asyncio.sleep(_LOOKS_S)


class Listener:
    """One connection: the topics that it is told of, and what it has not been told yet, one number a topic."""

    def __init__(self, topics: frozenset[str]) -> None:
        self.topics = topics
        self._news: dict[str, int] = {}
        self._woken = asyncio.Event()

    def hear(self, news: Mapping[str, int]) -> None:
        """Takes what has changed."""
        for topic, number in news.items():
            self._news[topic] = max(number, self._news.get(topic, 0))
            self._woken.set()

    def wake(self) -> None:
        """Nothing may have changed; whoever waits looks around."""
        self._woken.set()

    async def heard(self, timeout_s: float) -> dict[str, int]:
        """What has changed since the last call; waits for something so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), timeout_s)
        self._woken.clear()
        news, self._news = self._news, {}
        return dict(sorted(news.items(), key=lambda item: item[1]))


class _Look:
    """Looks for rows that are new, and forgets old ones now and then.

    Numbers are given before rows are committed, so a row may come after one with a higher number: numbers that were
    left out are looked for again for a while.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last: int | None = None
        self._late: dict[int, float] = {}
        self._forgot = time.monotonic()

    def __call__(self) -> dict[str, int]:
        with self._database.reading() as db:
            if self._last is None:
                self._last = db.execute(select(func.max(CHANGES.c.number))).scalar() or 0
                return {}
            new = or_(CHANGES.c.number > self._last, CHANGES.c.number.in_(sorted(self._late)))
            rows = db.execute(select(CHANGES.c.number, CHANGES.c.topic).where(new).order_by(CHANGES.c.number)).all()
        self._note([row.number for row in rows])
        if time.monotonic() > self._forgot + _KEPT_S / 10:
            self._forgot = time.monotonic()
            self._forget()
        return {row.topic: row.number for row in rows}

    def _note(self, numbers: list[int]) -> None:
        now, last = time.monotonic(), self._last or 0
        for number in numbers:
            self._late.pop(number, None)
        highest = max([last, *numbers])
        missing = set(range(max(last + 1, highest - _MOST_LATE), highest)) - set(numbers)
        self._late |= dict.fromkeys(missing, now + _LATE_S)
        self._late = {number: until for number, until in self._late.items() if until > now}
        self._last = highest

    def _forget(self) -> None:
        with self._database.writing() as db:
            last = db.execute(select(func.max(CHANGES.c.number))).scalar()
            old = (CHANGES.c.at < _ago(_KEPT_S), CHANGES.c.number < (last or 0))
            db.execute(delete(CHANGES).where(*old))


def missed(database: Database, topics: Iterable[str], after: int) -> dict[str, int]:
    """What has changed of some topics since a change; all of them where that is longer ago than is kept."""
    with database.reading() as db:
        first, last = db.execute(select(func.min(CHANGES.c.number), func.max(CHANGES.c.number))).one()
        if first is None or first > after + 1 or last < after:
            return dict.fromkeys(topics, last or 0)
        return _since(db, topics, after)


def _since(db: Connection, topics: Iterable[str], after: int) -> dict[str, int]:
    newest = func.max(CHANGES.c.number)
    its = (CHANGES.c.number > after, CHANGES.c.topic.in_(list(topics)))
    rows = db.execute(select(CHANGES.c.topic, newest.label("newest")).where(*its).group_by(CHANGES.c.topic))
    return {row.topic: row.newest for row in rows}


def _ago(seconds: float) -> str:
    moment = datetime.fromisoformat(utc_now()) - timedelta(seconds=seconds)
    return moment.isoformat(timespec="microseconds")
