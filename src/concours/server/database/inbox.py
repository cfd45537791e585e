"""What comes in for boards: rows of a table, until the journal has them."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.engine import Connection, Engine

from concours.core.event import Signal, signal_from_json
from concours.server.database.tables import SIGNALS
from concours.server.database.texts import json_of, text_of


def put(db: Connection, signal: Signal) -> None:
    """Takes a signal in, with the transaction that it belongs to."""
    content = {**vars(signal), "body": dict(signal.body)}
    db.execute(insert(SIGNALS).values(board=signal.to, signal=text_of(content)))


class PostClosed(Exception):
    """Nothing is fetched any more: whoever waits for something to come in is to leave."""


class Post:
    """Fetches what has come in for all boards, by one query, and hands it to their inboxes.

    Args:
        changed: held by whoever waits; all that wait are woken when something has come.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.changed = threading.Condition()
        self._come: dict[str, dict[int, Signal]] = defaultdict(dict)
        self._given: set[int] = set()
        self.closed = False

    def close(self) -> None:
        """Whoever waits at an inbox leaves it, by `PostClosed`."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def fetch(self) -> int:
        """Looks once; how many signals are new. Raises SQLAlchemyError: the database is away."""
        with self._engine.connect().execution_options(reads=True) as db:
            rows = db.execute(
                select(SIGNALS.c.number, SIGNALS.c.board, SIGNALS.c.signal).order_by(SIGNALS.c.number)
            ).all()
        new = [row for row in rows if row.number not in self._given]
        if new:
            with self.changed:
                for number, board, text in new:
                    self._given.add(number)
                    self._come[board][number] = signal_from_json(json_of(text))
                self.changed.notify_all()
        return len(new)

    def waiting(self, board: str) -> dict[int, Signal]:
        """What has come for a board and was not taken yet. To be called with `changed` held."""
        return self._come[board]

    def gone(self, numbers: Sequence[int]) -> None:
        """What is in a journal for good."""
        with self._engine.begin() as db:
            db.execute(delete(SIGNALS).where(SIGNALS.c.number.in_(numbers)))
        self._given.difference_update(numbers)


class SqlInbox:
    """An inbox (`core.ports.Inbox`) of one board in a database, through a `Post` that fetches for all."""

    def __init__(self, post: Post, board: str) -> None:
        self._post, self._board = post, board
        self._taken: dict[int, str] = {}

    def poll(self, timeout_s: float) -> Sequence[Signal]:
        """Raises PostClosed: the post is."""
        until = time.monotonic() + timeout_s
        with self._post.changed:
            while not (found := self._new()) and (left := until - time.monotonic()) > 0:
                if self._post.closed:
                    raise PostClosed
                self._post.changed.wait(left)
            if self._post.closed:
                raise PostClosed
            self._taken |= {number: signal.id for number, signal in found.items()}
        return list(found.values())

    def done(self, id: str) -> None:
        numbers = [number for number, taken in self._taken.items() if taken == id]
        if numbers:
            self._post.gone(numbers)
        with self._post.changed:
            for number in numbers:
                del self._taken[number]
                self._post.waiting(self._board).pop(number, None)

    def _new(self) -> dict[int, Signal]:
        waiting = self._post.waiting(self._board)
        return {number: signal for number, signal in waiting.items() if number not in self._taken}
