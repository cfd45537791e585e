"""Tables that bring their types: Parquet, JSON, Arrow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, BinaryIO

import pyarrow as pa

from concours.core.errors import DataError
from concours.tasks.readers.archives import Entry, damage_named
from concours.tasks.readers.objects import tidy
from concours.tasks.readers.opened import Opened
from concours.tasks.readers.records_json import flat, read_json_table


def read_parquet(entry: Entry) -> Opened:
    """A Parquet file as a table."""
    import pyarrow.parquet

    return _read(entry, "a Parquet file", pyarrow.parquet.read_table)


def read_json(entry: Entry) -> Opened:
    """A file of JSON as a table: an object a line, or a list of objects; see `concours.tasks.readers.records_json`."""
    table, notes, warnings = read_json_table(entry)
    return _checked(entry, table, notes, warnings)


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
    return _checked(entry, flat(table, entry.name))


def _checked(entry: Entry, table: pa.Table, notes: tuple[str, ...] = (), warnings: tuple[str, ...] = ()) -> Opened:
    if not len(table):
        raise DataError(f"{entry.name} has no rows")
    try:
        table, cleaned = tidy(table)
    except DataError as error:
        raise DataError(f"{entry.name}: {error}") from None
    names = [name.strip() for name in table.column_names]
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise DataError(f"{entry.name}: two columns are called {twice[0]!r}; names must differ")
    table = table.rename_columns(names)
    said = tuple(f"{entry.name}: {text}" for text in (*warnings, *cleaned))
    return Opened(x=table, name=entry.name, notes=notes, warnings=said)
