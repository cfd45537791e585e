"""The forms in which arrays, tables, JSON and bundles of files lie in a store.

Arrays are `.npy` and tables Arrow IPC files, so that both are memory-mapped where they are read. Nothing is pickled.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.archive import unzipped, zipped
from concours.core.digests import Digest, canonical_json
from concours.core.errors import ContentRefused
from concours.core.ports import Store
from concours.core.space import no_space_named

_SPOOL = 1 << 24
_PIECE = 1 << 17


def put_array(store: Store, array: NDArray[Any], rows: NDArray[np.int64] | None = None) -> Digest:
    """Keeps an array, or some of its rows; objects are refused. Rows are copied a piece at a time."""
    if array.dtype.hasobject:
        raise ValueError("Object arrays cannot be saved: nothing is pickled")
    taken = np.arange(len(array)) if rows is None and array.ndim else rows
    with _spool() as file:
        if taken is None:
            np.lib.format.write_array(file, array, allow_pickle=False)
        else:
            header = {**np.lib.format.header_data_from_array_1_0(np.ascontiguousarray(array[:1]))}
            header["shape"] = (len(taken), *array.shape[1:])
            np.lib.format.write_array_header_1_0(file, header)
            for start in range(0, len(taken), _PIECE):
                piece = slice(start, start + _PIECE) if rows is None else taken[start : start + _PIECE]
                file.write(np.ascontiguousarray(array[piece]).tobytes())
        file.seek(0)
        return store.put(file)


def get_array(store: Store, digest: Digest) -> NDArray[Any]:
    """An array, memory-mapped; what is written to it stays in memory. Raises ContentRefused where it is none."""
    path = store.local_path(digest)
    with known_as("array", digest):
        return np.lib.format.open_memmap(path, mode="c")


def put_table(store: Store, table: pa.Table, rows: NDArray[np.int64] | None = None) -> Digest:
    """Keeps an Arrow table, or some of its rows, in that order.

    Pieces of a fixed number of rows are made and written one after the other: no second table comes to be, and the
    digest does not depend on how the first one lies in memory.
    """
    return store.put(io.BufferedReader(_Written(table.schema, _pieces(table, rows)), _PIECE))


def put_texts(
    store: Store,
    texts: pa.ChunkedArray,
    rows: NDArray[np.int64] | None = None,
    columns: Sequence[str] = (),
    unit: str = "row",
) -> Digest:
    """Keeps texts (rows,), or some of them, as a table of one column `text`.

    Args:
        columns: the columns of a table that the texts were taken from, for those who read new rows.
        unit: what a text lay in: a row of a table, a line, or a file.
    """
    metadata = {b"concours": b"texts", b"columns": canonical_json(list(columns)), b"unit": unit.encode()}
    table = pa.table([texts], schema=pa.schema([pa.field("text", pa.string())], metadata=metadata))
    return put_table(store, table, rows)


def texts_in(table: pa.Table) -> tuple[str, ...] | None:
    """The columns that the texts of a kept table were taken from; none where the table holds no texts."""
    metadata = table.schema.metadata or {}
    return tuple(json.loads(metadata.get(b"columns", b"[]"))) if metadata.get(b"concours") == b"texts" else None


def unit_of_texts(table: pa.Table) -> str:
    """What the texts of a kept table lay in."""
    return (table.schema.metadata or {}).get(b"unit", b"row").decode()


def get_table(store: Store, digest: Digest) -> pa.Table:
    """A table, memory-mapped. Raises ContentRefused where it is none."""
    path = store.local_path(digest)
    with known_as("table", digest):
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        table.validate()
    return table


def is_table(store: Store, digest: Digest) -> bool:
    """Whether an object is a table (else an array)."""
    with store.open(digest) as file:
        return file.read(6) == b"ARROW1"


def put_json(store: Store, value: Any) -> Digest:
    """Keeps a JSON value in its canonical text."""
    return store.put(io.BytesIO(canonical_json(value)))


def get_json(store: Store, digest: Digest) -> Any:
    """A JSON value. Raises ContentRefused where it is none."""
    with store.open(digest) as file, known_as("JSON", digest):
        return json.load(file)


def put_bundle(store: Store, files: Mapping[str, bytes]) -> Digest:
    """Keeps several files as one object, a zip archive. Equal files give equal digests."""
    return store.put(io.BytesIO(zipped(files)))


def get_bundle(store: Store, digest: Digest) -> dict[str, bytes]:
    """The files of a bundle.

    Raises:
        ContentRefused: it is none, or would unpack to more than is credible.
    """
    with store.open(digest) as file:
        return unzipped(file.read())


@contextmanager
def known_as(what: str, digest: Digest) -> Iterator[None]:
    """An object may have a right name and a wrong form, as somebody else has made it: then ContentRefused is raised."""
    try:
        yield
    except (
        ValueError,
        TypeError,
        KeyError,
        EOFError,
        OverflowError,
        RecursionError,
        SyntaxError,
        pa.ArrowException,
        OSError,
    ) as e:
        text = str(e).strip().partition("\n")[0][:200]
        raise ContentRefused(f"object {digest} is no {what}, as it should be ({text})") from None


def _pieces(table: pa.Table, rows: NDArray[np.int64] | None) -> Iterator[pa.Table]:
    count = len(table) if rows is None else len(rows)
    for start in range(0, count, _PIECE):
        if rows is None:
            yield table.slice(start, _PIECE).combine_chunks()
        else:
            some = rows[start : start + _PIECE]
            first, last = int(some.min()), int(some.max())
            yield table.slice(first, last + 1 - first).combine_chunks().take(some - first)


class _Written(io.RawIOBase):
    """A stream of the bytes that writing tables to an Arrow file gives, made as they are read."""

    def __init__(self, schema: pa.Schema, pieces: Iterator[pa.Table]) -> None:
        self._buffer = _Buffer()
        self._bytes = self._made(schema, pieces)
        self._rest = memoryview(b"")

    def _made(self, schema: pa.Schema, pieces: Iterator[pa.Table]) -> Iterator[bytes]:
        with pa.ipc.new_file(pa.PythonFile(self._buffer, "w"), schema) as writer:
            yield from self._buffer.taken()
            for piece in pieces:
                writer.write_table(piece)
                yield from self._buffer.taken()
        yield from self._buffer.taken()

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = memoryview(next((chunk for chunk in self._bytes if chunk), b""))
        size = min(len(into), len(self._rest))
        into[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


class _Buffer(io.RawIOBase):
    """A file that gives away what was written."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, chunk: Any) -> int:
        self._chunks.append(bytes(chunk))
        self._size += len(chunk)
        return len(chunk)

    def tell(self) -> int:
        return self._size

    def taken(self) -> list[bytes]:
        chunks, self._chunks = self._chunks, []
        return chunks


@contextmanager
def _spool() -> Iterator[tempfile.SpooledTemporaryFile[bytes]]:
    """Where content is put together: in memory, or, if it is large, in a file that has no name."""
    with no_space_named(Path(tempfile.gettempdir())), tempfile.SpooledTemporaryFile(max_size=_SPOOL) as file:
        yield file
