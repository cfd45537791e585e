"""Tables that bring their types: Parquet, JSON Lines, Arrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO

import pyarrow as pa

from concours.core.errors import DataError
from concours.tasks.readers.archives import Entry, damage_named
from concours.tasks.readers.objects import tidy
from concours.tasks.readers.opened import Opened

_JSON_BLOCK = 1 << 24


def read_parquet(entry: Entry) -> Opened:
    """A Parquet file as a table."""
    import pyarrow.parquet

    return _read(entry, "a Parquet file", pyarrow.parquet.read_table)


def read_jsonl(entry: Entry) -> Opened:
    """A file with one JSON object a line as a table; a key that a line has not is missing there."""
    import pyarrow.json

    options = pyarrow.json.ReadOptions(block_size=_JSON_BLOCK)
    return _read(entry, "a file of JSON lines", lambda file: pyarrow.json.read_json(file, options))


def read_arrow(entry: Entry) -> Opened:
    """An Arrow IPC file (Feather) or stream as a table."""

    def read(file: BinaryIO) -> pa.Table:
        if file.read(6) == b"ARROW1":
            return pa.ipc.open_file(_rewound(file)).read_all()
        return pa.ipc.open_stream(_rewound(file)).read_all()

    return _read(entry, "an Arrow file", read)


def _rewound(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    return file


def _read(entry: Entry, what: str, read: Callable[[Any], pa.Table]) -> Opened:
    try:
        with damage_named(entry.name), entry.open() as file:
            # Formats that are read from their end want to seek; a compressed stream cannot.
            table = read(file if entry.path is not None else pa.BufferReader(file.read()))
    except pa.ArrowException as error:
        raise DataError(f"{entry.name} is not {what}: {str(error).splitlines()[0][:200]}") from None
    if not len(table):
        raise DataError(f"{entry.name} has no rows")
    try:
        table, cleaned = tidy(table)
    except DataError as error:
        raise DataError(f"{entry.name}: {error}") from None
    return Opened(x=table, name=entry.name, warnings=tuple(f"{entry.name}: {text}" for text in cleaned))
