"""Budgets that hold exactly: the worst is reserved before a request is sent, and settled by what it took.

Each check and the change that it allows are one statement, so nothing that others do comes between them, whether they
are threads, tasks or processes. What belongs together is one transaction: after any end of the process the books agree.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from concours.core.errors import ContestError
from concours.serving.gateway import statements
from concours.serving.gateway.offers import CANARIES
from concours.serving.gateway.tables import METADATA, REQUESTS
from concours.stores.databases import opened, shown, why


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What a request came to.

    Attributes:
        cost: in `UNIT` of money.
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
    def day(self) -> str:
        return datetime.fromtimestamp(self.began, UTC).date().isoformat()


class Ledger:
    """The books of one gateway, in any database that SQLAlchemy reaches. Threads and processes may share it.

    Args:
        url: of the database, as SQLAlchemy has it: `sqlite:///file.db`, `postgresql+psycopg://…`.

    Raises:
        ContestError: the URL or the database cannot be used; the message shows no password.
    """

    def __init__(self, url: str) -> None:
        self._engine, self._backend = opened(url)
        self._write = self._backend.insert(REQUESTS).on_conflict_do_nothing().returning(REQUESTS.c.id)
        try:
            METADATA.create_all(self._engine)
        except SQLAlchemyError as error:
            raise ContestError(f"database {shown(url)}: {why(error)}") from None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps others from being the gateway of this database, until it is left or the process ends.

        Raises:
            ContestError: another gateway is.
        """
        with self._backend.hold(self._engine, "gateway"):
            yield

    # Budgets

    def admit(self, budgets: Mapping[str, int | None]) -> None:
        """Writes what each key may spend; what it has spent stays."""
        with self._engine.begin() as books:
            for key, most in budgets.items():
                if not books.execute(statements.ALLOW, {"of_key": key, "most": most}).rowcount:
                    books.execute(statements.ALLOW_FIRST, {"key": key, "most": most})

    def reserve(self, entry: Entry, worst: int) -> str:
        """Takes the worst that a request can cost out of its key's budget, and writes the request down.

        A request that was lost or failed may come again under its id: its row is taken up, and what it was charged is
        given back, so that it is charged once.

        Returns:
            Nothing where it is done; `spent` where it does not fit; else the state of the request that has this id.

        Law: spent + reserved <= most, always, whoever reserves at the same time.
        """
        mine = {"of_key": entry.key, "of_id": entry.id}
        fresh = _row(entry, Bill(state="open"), reserved=worst)
        with self._engine.begin() as books:
            if books.execute(self._write, {**fresh, "tries": 1}).first() is None:
                if not books.execute(statements.TAKE_UP, mine).rowcount:
                    return str(books.execute(statements.REQUEST, mine).mappings().one()["state"])
                books.execute(statements.GIVE_BACK, mine)
                books.execute(statements.WRITE_ANEW, {**fresh, **mine})
            if not books.execute(statements.TAKE, {"of_key": entry.key, "worst": worst}).rowcount:
                books.rollback()
                return "spent"
        return ""

    def extend(self, key: str, id: str, more: int) -> bool:
        """Reserves more for a request under way; nothing is taken if it does not fit."""
        with self._engine.begin() as books:
            if (
                not books.execute(statements.TAKE, {"of_key": key, "worst": more}).rowcount
                or not books.execute(statements.RESERVE_MORE, {"of_key": key, "of_id": id, "worst": more}).rowcount
            ):
                books.rollback()
                return False
        return True

    def settle(self, key: str, id: str, bill: Bill) -> bool:
        """Puts back what was reserved for a request and takes what it cost; False where it is settled already.

        Law: of many calls for one request, one has an effect.
        """
        with self._engine.begin() as books:
            return self._settle(books, key, id, bill)

    def _settle(self, books: Connection, key: str, id: str, bill: Bill) -> bool:
        mine = {"of_key": key, "of_id": id}
        if not books.execute(statements.BILL, {**mine, **vars(bill)}).rowcount:
            return False
        books.execute(statements.SETTLE, {**mine, "paid": bill.cost})
        return True

    def note(self, entry: Entry, bill: Bill) -> None:
        """Writes down a request that nothing was reserved for, since it costs nothing; once under its id."""
        with self._engine.begin() as books:
            books.execute(self._write, {**_row(entry, bill, reserved=0), "tries": 1})

    def close_lost(self) -> int:
        """Charges what was reserved for requests that an earlier gateway left open; says how many there were.

        The endpoint may have answered them, so that they count at their worst, and no budget is overrun.
        """
        with self._engine.begin() as books:
            books.execute(statements.CHARGE_LOST)
            return books.execute(statements.LOSE).rowcount

    def left(self, key: str) -> int | None:
        """What may still be reserved; None where there is no limit."""
        with self._engine.connect() as books:
            return books.execute(statements.LEFT, {"of_key": key}).scalar_one()  # type: ignore[no-any-return]

    def budgets(self) -> list[dict[str, Any]]:
        """Each key's `most`, `spent` and `reserved`, by name."""
        return self._rows(statements.ALL_BUDGETS)

    # What is known of requests

    def request(self, key: str, id: str) -> dict[str, Any] | None:
        """The row of a request; None where the key has none of this id."""
        return next(iter(self._rows(statements.REQUEST, of_key=key, of_id=id)), None)

    def score(self, key: str, id: str, score: float) -> bool:
        """Writes down the score of an answer; False where it has one already, or there was none."""
        with self._engine.begin() as books:
            values = {"of_key": key, "of_id": id, "score": score}
            return books.execute(statements.SCORE, values).rowcount == 1

    def scores(self) -> dict[str, tuple[int, float]]:
        """Of each offer that feedback has reached, how many scores there are, and their sum."""
        with self._engine.connect() as books:
            return {offer: (count, total) for offer, count, total in books.execute(statements.SCORES)}

    def judged(self) -> Sequence[Mapping[str, Any]]:
        """The last 100,000 requests that were chosen for and judged: `chosen`, `propensity`, `considered`, `score`."""
        return self._rows(statements.JUDGED)

    def seconds(self, offer: str) -> list[float]:
        """How long the last 256 answers of an offer took to begin, the oldest first."""
        return [row["seconds"] for row in self._rows(statements.SECONDS, of_offer=offer)][::-1]

    def usage(self) -> list[dict[str, Any]]:
        """Sums by day, key and offer: the last day first."""
        names = ("day", "key", "offer")
        return [
            {name: value if name in names else int(value) for name, value in row.items()}
            for row in self._rows(statements.USAGE)
        ]

    # Canaries

    def watch(self, offer: str, promise: str, seed: int, alarms: Sequence[Mapping[str, Any]]) -> None:
        """Begins to watch an offer; one that is watched by the same promise already goes on as it is.

        Args:
            alarms: rows of the table, before the first canary.
        """
        with self._engine.begin() as books:
            if books.execute(statements.PROMISE, {"of_offer": offer}).scalar() != promise:
                for forget in statements.FORGET:
                    books.execute(forget, {"of_offer": offer})
                books.execute(statements.WATCH, {"offer": offer, "promise": promise, "seed": seed})
                books.execute(statements.WATCH_BY, list(alarms))

    def draw(self, offer: str, count: int) -> tuple[int, int]:
        """The seed of the order of an offer's hidden rows, and the number of the first of the next `count`, from 0.

        Law: of calls at the same time, each gets numbers of its own.
        """
        with self._engine.begin() as books:
            seed, drawn = books.execute(statements.DRAW, {"of_offer": offer, "count": count}).one()
        return seed, drawn - count

    def judge(
        self, id: str, bill: Bill, offer: str, after: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]
    ) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Settles a canary, and changes what is known of its offer: both, or neither.

        Args:
            after: from the row of each alarm, by what it is told by, to what changes in it.

        Returns:
            The rows before and after, by the same; none where the canary is settled already.

        Law: of many calls for one canary, one has an effect.
        """
        changed: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
        with self._engine.begin() as books:
            if not self._settle(books, CANARIES, id, bill):
                return {}
            for by, change in after.items():
                mine = {"of_offer": offer, "of_told_by": by}
                before = dict(books.execute(statements.ALARM, mine).mappings().one())
                changes = change(before)
                books.execute(statements.HEAR.values(**changes), mine)
                changed[by] = before, {**before, **changes}
        return changed

    def watched(self) -> list[dict[str, Any]]:
        """The rows of all alarms, each with how many canaries were `drawn` for its offer."""
        return self._rows(statements.WATCHED)

    def _rows(self, asked: Any, **values: Any) -> list[dict[str, Any]]:
        with self._engine.connect() as books:
            return [dict(row) for row in books.execute(asked, values).mappings()]

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _row(entry: Entry, bill: Bill, *, reserved: int) -> dict[str, Any]:
    return {**vars(entry), "day": entry.day, **vars(bill), "reserved": reserved}
