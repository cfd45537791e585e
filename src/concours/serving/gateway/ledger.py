"""Budgets that hold exactly: the worst is reserved before a request is sent, and settled by what it took.

Each check and the change that it allows are one statement, so nothing that others do comes between them, whether they
are threads, tasks or processes. What belongs together is one transaction: after any end of the process the books agree.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Connection, case, create_engine, event, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from concours.core.errors import ContestError
from concours.serving.gateway.tables import BUDGETS, METADATA, REQUESTS

_AGAIN: Final = ("lost", "failed")
"""States of a request that may be asked again by its id: no answer is known to have come of it."""
_SECONDS_KEPT: Final = 256
_JUDGED: Final = 100_000
_NO_LIMIT: Final = 8 * 10**18
"""What a key without a limit may spend: a request more still fits into 64 bits."""
_LOCK: Final = 0x636F6E636F757273
"""The word concours, as the number of a lock."""


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What a request came to.

    Attributes:
        cost: in `UNIT` of money; no more than was reserved is ever charged.
        state, offer, rows, tokens_in, tokens_out, counting, seconds, said: as the columns of the table.
    """

    state: str
    cost: int = 0
    offer: str | None = None
    rows: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    counting: str = "none"
    seconds: float | None = None
    said: str | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A request before it is sent: who asks, under which id, for what, and who was chosen with which probability."""

    key: str
    id: str
    asked: str
    chosen: str | None = None
    propensity: float | None = None
    considered: str | None = None
    began: float = field(default_factory=time.time)

    @property
    def columns(self) -> dict[str, Any]:
        day = datetime.fromtimestamp(self.began, UTC).date().isoformat()
        return {**vars(self), "day": day, "rows": 0, "tokens_in": 0, "tokens_out": 0, "counting": "none"}


class Ledger:
    """The books of one gateway, in any database that SQLAlchemy reaches. Threads and processes may share it.

    Args:
        url: of the database, as SQLAlchemy has it: `sqlite:///file.db`, `postgresql+psycopg://…`.

    Raises:
        ContestError: the URL or the database cannot be used; the message shows no password.
    """

    def __init__(self, url: str) -> None:
        self._engine, self._backend = _opened(url)
        try:
            METADATA.create_all(self._engine)
        except SQLAlchemyError as error:
            raise ContestError(f"database {_shown(url)}: {_why(error)}") from None

    # Budgets

    def admit(self, budgets: Mapping[str, int | None]) -> None:
        """Writes what each key may spend; what it has spent stays."""
        with self._engine.begin() as books:
            for key, most in budgets.items():
                if not books.execute(update(BUDGETS).where(BUDGETS.c.key == key).values(most=most)).rowcount:
                    books.execute(insert(BUDGETS).values(key=key, most=most, spent=0, reserved=0))

    def reserve(self, entry: Entry, worst: int) -> str:
        """Takes the worst that a request can cost out of its key's budget, and writes the request down.

        A request that was lost or failed may come again under its id: its row is taken up, and what it was charged is
        given back, so that it is charged once.

        Returns:
            Nothing where it is done; `spent` where it does not fit; else the state of the request that has this id.

        Law: spent + reserved <= most, always, whoever reserves at the same time.
        """
        mine = (REQUESTS.c.key == entry.key) & (REQUESTS.c.id == entry.id)
        fresh = entry.columns | {"state": "open", "reserved": worst, "cost": 0}
        with self._engine.begin() as books:
            written = self._backend.insert(REQUESTS).on_conflict_do_nothing().returning(REQUESTS.c.id)
            if books.execute(written, {**fresh, "tries": 1}).first() is None:
                again = update(REQUESTS).where(mine & REQUESTS.c.state.in_(_AGAIN)).values(state="open")
                if not books.execute(again).rowcount:
                    return str(books.execute(select(REQUESTS.c.state).where(mine)).scalar())
                charged = select(REQUESTS.c.cost).where(mine).scalar_subquery()
                back = update(BUDGETS).where(BUDGETS.c.key == entry.key).values(spent=BUDGETS.c.spent - charged)
                books.execute(back)
                books.execute(update(REQUESTS).where(mine).values(**fresh, tries=REQUESTS.c.tries + 1))
            if not self._take(books, entry.key, worst):
                books.rollback()
                return "spent"
        return ""

    def extend(self, key: str, id: str, more: int) -> bool:
        """Reserves more for a request under way; nothing is taken if it does not fit."""
        with self._engine.begin() as books:
            mine = (REQUESTS.c.key == key) & (REQUESTS.c.id == id) & (REQUESTS.c.state == "open")
            if not self._take(books, key, more):
                return False
            if not books.execute(update(REQUESTS).where(mine).values(reserved=REQUESTS.c.reserved + more)).rowcount:
                books.rollback()
                return False
        return True

    def settle(self, key: str, id: str, bill: Bill) -> bool:
        """Puts back what was reserved for a request and takes what it cost; False where it is settled already.

        Law: of many calls for one request, one has an effect.
        """
        mine = (REQUESTS.c.key == key) & (REQUESTS.c.id == id)
        with self._engine.begin() as books:
            if not books.execute(
                update(REQUESTS).where(mine & (REQUESTS.c.state == "open")).values(**vars(bill))
            ).rowcount:
                return False
            reserved = select(REQUESTS.c.reserved).where(mine).scalar_subquery()
            books.execute(
                update(BUDGETS)
                .where(BUDGETS.c.key == key)
                .values(reserved=BUDGETS.c.reserved - reserved, spent=BUDGETS.c.spent + bill.cost)
            )
        return True

    def note(self, entry: Entry, bill: Bill) -> None:
        """Writes down a request that nothing was reserved for, since it costs nothing; once under its id."""
        values = {**entry.columns, **vars(bill), "reserved": 0, "tries": 1}
        with self._engine.begin() as books:
            books.execute(self._backend.insert(REQUESTS).on_conflict_do_nothing(), values)

    def close_lost(self) -> int:
        """Charges what was reserved for requests that an earlier gateway left open; says how many there were.

        The endpoint may have answered them, so that they count at their worst, and no budget is overrun.
        """
        left = (REQUESTS.c.state == "open") & (REQUESTS.c.key == BUDGETS.c.key)
        sums = select(func.coalesce(func.sum(REQUESTS.c.reserved), 0)).where(left).scalar_subquery()
        with self._engine.begin() as books:
            books.execute(update(BUDGETS).values(spent=BUDGETS.c.spent + sums, reserved=BUDGETS.c.reserved - sums))
            return books.execute(
                update(REQUESTS)
                .where(REQUESTS.c.state == "open")
                .values(state="lost", cost=REQUESTS.c.reserved, offer=REQUESTS.c.chosen)
            ).rowcount

    def left(self, key: str) -> int | None:
        """What may still be reserved; None where there is no limit."""
        with self._engine.connect() as books:
            most, gone = books.execute(
                select(BUDGETS.c.most, BUDGETS.c.spent + BUDGETS.c.reserved).where(BUDGETS.c.key == key)
            ).one()
        return None if most is None else most - gone

    def budgets(self) -> list[dict[str, Any]]:
        """Each key's `most`, `spent` and `reserved`, by name."""
        with self._engine.connect() as books:
            return [dict(row) for row in books.execute(select(BUDGETS).order_by(BUDGETS.c.key)).mappings()]

    @staticmethod
    def _take(books: Connection, key: str, worst: int) -> bool:
        most = func.coalesce(BUDGETS.c.most, _NO_LIMIT)
        fits = BUDGETS.c.spent + BUDGETS.c.reserved + worst <= most
        taken = update(BUDGETS).where((BUDGETS.c.key == key) & fits).values(reserved=BUDGETS.c.reserved + worst)
        return books.execute(taken).rowcount == 1

    # What is known of requests

    def request(self, key: str | None, id: str) -> dict[str, Any] | None:
        """The row of a request; None where the key has none of this id."""
        with self._engine.connect() as books:
            found = books.execute(select(REQUESTS).where((REQUESTS.c.key == key) & (REQUESTS.c.id == id)))
            row = found.mappings().first()
        return None if row is None else dict(row)

    def score(self, key: str, id: str, score: float) -> bool:
        """Writes down the score of an answer; False where it has one already, or there was none. One statement."""
        answered = REQUESTS.c.offer.is_not(None) & (REQUESTS.c.state == "settled") & REQUESTS.c.score.is_(None)
        mine = (REQUESTS.c.key == key) & (REQUESTS.c.id == id) & answered
        with self._engine.begin() as books:
            return books.execute(update(REQUESTS).where(mine).values(score=score)).rowcount == 1

    def scores(self) -> dict[str, tuple[int, float]]:
        """Of each offer that feedback has reached, how many scores there are, and their sum."""
        columns = REQUESTS.c.offer, func.count(), func.sum(REQUESTS.c.score)
        asked = select(*columns).where(REQUESTS.c.score.is_not(None)).group_by(REQUESTS.c.offer)
        with self._engine.connect() as books:
            return {offer: (count, total) for offer, count, total in books.execute(asked)}

    def judged(self) -> Sequence[Mapping[str, Any]]:
        """The last 100,000 requests that were chosen for and judged: `chosen`, `propensity`, `considered`, `score`."""
        columns = REQUESTS.c.chosen, REQUESTS.c.propensity, REQUESTS.c.considered, REQUESTS.c.score
        asked = select(*columns).where(REQUESTS.c.score.is_not(None) & REQUESTS.c.considered.is_not(None))
        asked = asked.order_by(REQUESTS.c.began.desc()).limit(_JUDGED)
        with self._engine.connect() as books:
            return [dict(row) for row in books.execute(asked).mappings()]

    def seconds(self, offer: str) -> list[float]:
        """How long the last answers of an offer took to begin, the oldest first."""
        asked = select(REQUESTS.c.seconds).where((REQUESTS.c.offer == offer) & REQUESTS.c.seconds.is_not(None))
        with self._engine.connect() as books:
            found = books.execute(asked.order_by(REQUESTS.c.began.desc()).limit(_SECONDS_KEPT)).scalars()
            return [*found][::-1]

    def usage(self) -> list[dict[str, Any]]:
        """Sums by day, key and offer: the last day first."""
        by = REQUESTS.c.day, REQUESTS.c.key, REQUESTS.c.offer
        states = {name: func.sum(_ones(REQUESTS.c.state == state)) for name, state in _STATES.items()}
        counts = {word: func.sum(_ones(REQUESTS.c.counting == word)) for word in ("bound", "over")}
        sums = {name: func.sum(REQUESTS.c[name]) for name in ("rows", "tokens_in", "tokens_out", "cost")}
        columns = {"requests": func.count(), **states, **counts, **sums, "charged_lost": _charged("lost")}
        asked = select(*by, *(column.label(name) for name, column in columns.items())).group_by(*by)
        with self._engine.connect() as books:
            ordered = asked.order_by(REQUESTS.c.day.desc(), REQUESTS.c.key, REQUESTS.c.offer)
            return [
                {name: value if isinstance(value, (str, type(None))) else int(value) for name, value in row.items()}
                for row in books.execute(ordered).mappings()
            ]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps others from being the gateway of this database, until it is left or the process ends.

        Raises:
            ContestError: another gateway is.
        """
        with self._backend.hold(self._engine):
            yield

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


_STATES: Final = {"under_way": "open", "failed": "failed", "kept": "kept", "lost": "lost"}


def _ones(condition: Any) -> Any:
    return case((condition, 1), else_=0)


def _charged(state: str) -> Any:
    return func.sum(REQUESTS.c.cost * _ones(REQUESTS.c.state == state))


def _opened(url: str) -> tuple[Engine, _Backend]:
    wrong = f"database: {_shown(url)} is no URL of a database: expected sqlite:///FILE or postgresql+psycopg://…"
    try:
        backend = _BACKENDS[make_url(url).get_backend_name()]
        engine = create_engine(url, **backend.options)
    except (ArgumentError, NoSuchModuleError, KeyError):
        raise ContestError(wrong) from None
    except ModuleNotFoundError as error:
        raise ContestError(f"database {_shown(url)} needs a package: pip install {error.name}") from None
    if backend.prepare:
        event.listen(engine, "connect", backend.prepare)
    return engine, backend


def _as_wal(connection: Any, _: Any) -> None:
    """Readers and the writer do not wait for one another, and what was committed outlives the process."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


@contextmanager
def _hold_file(engine: Engine) -> Iterator[None]:
    """A lock on a file beside the database, which the system lets go when the process ends, however it does."""
    with Path(f"{engine.url.database}.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise _taken(engine) from None
        yield


@contextmanager
def _hold_advisory(engine: Engine) -> Iterator[None]:
    """A lock of the database's own, which goes with its connection."""
    with engine.connect() as connection:
        connection.detach()  # so that leaving closes it, and the pool does not keep it with its lock
        if not connection.execute(select(func.pg_try_advisory_lock(_LOCK))).scalar():
            raise _taken(engine)
        connection.commit()
        yield


def _taken(engine: Engine) -> ContestError:
    return ContestError(
        f"another gateway has the database {engine.url.render_as_string(hide_password=True)}: end it, or name another "
        "in [gateway] database"
    )


@dataclass(frozen=True, kw_only=True)
class _Backend:
    """What a kind of database does in its own way: inserts unless there, is held by one, begins a connection."""

    insert: Any
    hold: Callable[[Engine], AbstractContextManager[None]]
    options: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[Any, Any], None] | None = None


_BACKENDS: Final[Mapping[str, _Backend]] = {
    "sqlite": _Backend(
        insert=sqlite.insert, hold=_hold_file, options={"connect_args": {"timeout": 30}}, prepare=_as_wal
    ),
    "postgresql": _Backend(insert=postgresql.insert, hold=_hold_advisory),
}


def _shown(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "the text given"


def _why(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
