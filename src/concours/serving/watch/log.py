"""The log of a watch: rows that were asked about, what was answered, and what turned out, in one SQLite file.

It is bounded: the oldest batches make room for new ones, and it is known how many rows went. What was counted of them
stays counted. What is written at once is written in one transaction, with the tallies that it leads to, so a kill at
any instant leaves a file in which both agree.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.serving.watch.traits import is_tabular, table_of

MOST_ROWS: Final = 100_000
MOST_BYTES: Final = 256 << 20
_ASKED: Final = 500  # ids in one question to the database

_META: Final = sa.MetaData()
_STATE: Final = sa.Table(
    "state", _META, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False)
)
_BATCHES: Final = sa.Table(
    "batches",
    _META,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("inputs", sa.LargeBinary, nullable=False),
    sa.Column("predictions", sa.LargeBinary, nullable=False),
)
_REQUESTS: Final = sa.Table(
    "requests",
    _META,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("batch", sa.Integer, nullable=False, index=True),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("truth", sa.Text),
)
_SHADOWS: Final = sa.Table(
    "shadows",
    _META,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("batch", sa.Integer, nullable=False, index=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("ids", sa.Text, nullable=False),
    sa.Column("predictions", sa.LargeBinary, nullable=False),
)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Rows that were answered.

    Attributes:
        ids: of the rows, each another.
        rows: of a table, texts (rows,), or an array (rows, …).
        predictions: (rows, …).
    """

    ids: Sequence[str]
    rows: Any
    predictions: Any


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """What another model would have answered to some of the rows."""

    model: str
    ids: Sequence[str]
    predictions: Any


@dataclass(frozen=True, kw_only=True)
class Request:
    """A row of the log: where it lies, and the truth about it as JSON, where that came."""

    id: str
    batch: int
    place: int
    truth: str | None = None


class Log:
    """The file. One process has it open at a time; any thread may use it, one at a time.

    Attributes:
        kept: rows that are in it; `dropped`: that made room for later ones.
    """

    def __init__(self, path: Path) -> None:
        """Opens it, or makes it.

        Raises:
            DataError: another process has it, or it is no such file.
        """
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = path.with_name(f"{path.name}.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise DataError(
                f"{path} is in use: a server watches by it; stop that first, or name another file"
            ) from None
        self._engine = sa.create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})
        sa.event.listen(self._engine, "connect", _set_up)
        try:
            with _believing(path):
                _META.create_all(self._engine)
            with self._reading() as connection:
                self.kept, _ = connection.execute(_SIZES).one()
            self.dropped: int = self.state("dropped") or 0
        except DataError:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of the file."""
        self._engine.dispose()
        self._lock.close()

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """To read by. Raises DataError where what is read is damaged."""
        with _believing(self._path), self._engine.connect() as connection:
            yield connection

    def state(self, name: str) -> Any:
        """A value that was kept, none where there is none."""
        with self._reading() as connection:
            found = connection.scalar(sa.select(_STATE.c.value).where(_STATE.c.name == name))
            return None if found is None else json.loads(found)

    def write(
        self,
        state: Mapping[str, Any],
        batches: Sequence[Batch] = (),
        shadows: Sequence[Shadow] = (),
        truths: Mapping[str, str] | None = None,
    ) -> None:
        """Writes all of it, or nothing. An id that is there already goes on naming the row that it named first.

        Args:
            state: values by name, JSON.
            truths: as JSON, by id.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: it cannot be written.
        """
        with self._engine.begin() as connection:
            for batch in batches:
                inputs, said = packed(batch.rows), packed_values(batch.predictions)
                size = len(inputs) + len(said)
                values = {"rows": len(batch.ids), "bytes": size, "inputs": inputs, "predictions": said}
                made = connection.execute(sa.insert(_BATCHES), {"at": time.time(), **values})
                number = made.lastrowid
                rows = [{"id": id, "batch": number, "place": place} for place, id in enumerate(batch.ids)]
                connection.execute(sa.insert(_REQUESTS).prefix_with("OR IGNORE"), rows)
            for shadow in shadows:
                last = connection.scalar(sa.select(sa.func.coalesce(sa.func.max(_BATCHES.c.number), 0)))
                said = packed_values(shadow.predictions)
                value = {"model": shadow.model, "ids": json.dumps(list(shadow.ids)), "predictions": said}
                connection.execute(sa.insert(_SHADOWS), {"batch": last, **value})
                larger = {"bytes": _BATCHES.c.bytes + len(said) + len(value["ids"])}
                connection.execute(sa.update(_BATCHES).where(_BATCHES.c.number == last).values(larger))
            for id, truth in (truths or {}).items():
                connection.execute(sa.update(_REQUESTS).where(_REQUESTS.c.id == id).values(truth=truth))
            dropped = self.dropped + _make_room(connection)
            for name, value in {**state, "dropped": dropped}.items():
                connection.execute(
                    sa.insert(_STATE).prefix_with("OR REPLACE"),
                    {"name": name, "value": json.dumps(value, allow_nan=False)},
                )
            kept, _ = connection.execute(_SIZES).one()
        self.kept, self.dropped = kept, dropped

    def requests(self, ids: Sequence[str]) -> dict[str, Request]:
        """Those of some rows that are kept, by id."""
        found: dict[str, Request] = {}
        with self._reading() as connection:
            for first in range(0, len(ids), _ASKED):
                asked = sa.select(_REQUESTS).where(_REQUESTS.c.id.in_(ids[first : first + _ASKED]))
                found |= {row.id: Request(**row._asdict()) for row in connection.execute(asked)}
        return found

    def predictions(self, batch: int) -> Any:
        """What was answered to the rows of a batch, (rows, …)."""
        with self._reading() as connection:
            found = connection.execute(sa.select(_BATCHES.c.predictions).where(_BATCHES.c.number == batch))
            return unpacked_values(found.scalar_one())

    def told(self) -> Iterator[tuple[list[Request], Any, Any]]:
        """Batch by batch, the rows of which the truth came: requests, all rows of the batch, and all predictions."""
        with self._reading() as connection:
            with_truth = sa.select(_REQUESTS.c.batch).where(_REQUESTS.c.truth.is_not(None)).distinct()
            wanted = sa.select(_BATCHES).where(_BATCHES.c.number.in_(with_truth)).order_by(_BATCHES.c.number)
            for batch in connection.execute(wanted).yield_per(1):
                own = sa.and_(_REQUESTS.c.batch == batch.number, _REQUESTS.c.truth.is_not(None))
                rows = connection.execute(sa.select(_REQUESTS).where(own).order_by(_REQUESTS.c.place))
                requests = [Request(**row._asdict()) for row in rows]
                yield requests, unpacked(batch.inputs), unpacked_values(batch.predictions)

    def shadows(self) -> Iterator[Shadow]:
        """What other models would have answered, in the order in which it came."""
        with self._reading() as connection:
            for row in connection.execute(sa.select(_SHADOWS).order_by(_SHADOWS.c.number)).yield_per(1):
                yield Shadow(model=row.model, ids=json.loads(row.ids), predictions=unpacked_values(row.predictions))


_SIZES: Final = sa.select(
    sa.func.coalesce(sa.func.sum(_BATCHES.c.rows), 0), sa.func.coalesce(sa.func.sum(_BATCHES.c.bytes), 0)
)


@contextmanager
def _believing(path: Path) -> Iterator[None]:
    """A file may be somebody else's, or have been changed: whatever is raised of that is one line. Raises DataError."""
    try:
        yield
    except (
        sa.exc.SQLAlchemyError,
        sqlite3.Error,
        pa.ArrowException,
        ValueError,
        TypeError,
        KeyError,
        EOFError,
    ) as error:
        why = str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__]
        raise DataError(f"{path} is no log of a watch, or damaged: {why[0]}; name another file") from None


def _set_up(connection: Any, _record: Any) -> None:
    """Readers do not wait for the writer; what is committed outlives the process, though not always a loss of power."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def _make_room(connection: sa.Connection) -> int:
    """Leaves out the oldest batches until the rest is small enough; returns how many rows went."""
    rows, size = connection.execute(_SIZES).one()
    if rows <= MOST_ROWS and size <= MOST_BYTES:
        return 0
    last, dropped = 0, 0
    oldest = sa.select(_BATCHES.c.number, _BATCHES.c.rows, _BATCHES.c.bytes).order_by(_BATCHES.c.number)
    for batch in connection.execute(oldest):
        if rows <= MOST_ROWS and size <= MOST_BYTES:
            break
        last, dropped = batch.number, dropped + batch.rows
        rows, size = rows - batch.rows, size - batch.bytes
    connection.execute(sa.delete(_REQUESTS).where(_REQUESTS.c.batch <= last))
    connection.execute(sa.delete(_SHADOWS).where(_SHADOWS.c.batch <= last))
    connection.execute(sa.delete(_BATCHES).where(_BATCHES.c.number <= last))
    return dropped


def packed(rows: Any) -> bytes:
    """Rows as bytes: a table, or texts, as an Arrow stream, an array as numpy writes it."""
    return _array_bytes(rows) if not is_tabular(rows) else _table_bytes(table_of(rows))


def unpacked(content: bytes) -> Any:
    """The inverse of `packed`: a table, of texts with the one column `text`, or an array."""
    return _array(content) if content.startswith(b"\x93NUMPY") else pa.ipc.open_stream(content).read_all()


def packed_values(values: Any) -> bytes:
    """Predictions as bytes: a dense array as numpy writes it, an Arrow array as a stream of one column."""
    return _array_bytes(values) if isinstance(values, np.ndarray) else _table_bytes(pa.table({"value": values}))


def unpacked_values(content: bytes) -> Any:
    """The inverse of `packed_values`."""
    found = unpacked(content)
    return found if isinstance(found, np.ndarray) else found["value"].combine_chunks()


def _array_bytes(array: NDArray[Any]) -> bytes:
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _array(content: bytes) -> NDArray[Any]:
    found: NDArray[Any] = np.load(BytesIO(content), allow_pickle=False)
    return found


def _table_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()
