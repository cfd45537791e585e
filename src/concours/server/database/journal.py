"""The journal of a board, as rows of a table: the one truth about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from sqlalchemy import func, insert, select
from sqlalchemy.engine import Engine

from concours.core.digests import Digest, canonical_json
from concours.core.event import event_from_json, event_to_json
from concours.core.ports import Record
from concours.server.database.tables import JOURNAL
from concours.server.database.texts import json_of

_AT_A_TIME = 1000


class SqlJournal:
    """A journal (`core.ports.Journal`) of one board in a database. Each record is committed by itself.

    Two that write the same journal at once do not both go on: numbers are the table's key, and whoever comes second is
    refused with `sqlalchemy.exc.IntegrityError`.
    """

    def __init__(self, engine: Engine, board: str) -> None:
        self._engine, self._board = engine, board
        with engine.connect().execution_options(reads=True) as db:
            last = db.execute(select(func.max(JOURNAL.c.number)).where(JOURNAL.c.board == board)).scalar()
        self._numbers = count(0 if last is None else last + 1)

    def append(self, record: Record) -> int:
        text = canonical_json(event_to_json(record.event)).decode()
        number = next(self._numbers)
        with self._engine.begin() as db:
            db.execute(insert(JOURNAL).values(board=self._board, number=number, event=text, code=record.code))
        return number

    def records(self, after: int = -1) -> Iterator[Record]:
        while True:
            with self._engine.connect().execution_options(reads=True) as db:
                rows = db.execute(
                    select(JOURNAL.c.number, JOURNAL.c.event, JOURNAL.c.code)
                    .where(JOURNAL.c.board == self._board, JOURNAL.c.number > after)
                    .order_by(JOURNAL.c.number)
                    .limit(_AT_A_TIME)
                ).all()
            for number, event, code in rows:
                yield replace(
                    Record(event=event_from_json(json_of(event)), code=None if code is None else Digest(code)),
                    number=number,
                )
            if len(rows) < _AT_A_TIME:
                return
            after = rows[-1].number

    def flush(self) -> None:
        """Nothing is left to do: what `append` returned from is committed."""

    def close(self) -> None:
        """Nothing is held open."""
