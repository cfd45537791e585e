"""Tables that bring their types: Parquet, JSON, Arrow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from concours.core.errors import DataError
from concours.tasks.readers.archives import Entry
from concours.tasks.readers.damage import damage_named, refuse_bomb
from concours.tasks.readers.objects import tidy
from concours.tasks.readers.opened import Opened
from concours.tasks.readers.packed import decoded_bytes, parquet_batches, refuse_packed_arrow
from concours.tasks.readers.records_json import flat, read_json_table


def read_parquet(entry: Entry) -> Opened:
    """A Parquet file as a table."""

    def read(file: BinaryIO, packed: int) -> pa.Table:
        import pyarrow.parquet

        with pyarrow.parquet.ParquetFile(file) as found:
            empty = found.schema_arrow.empty_table()
        batches = list(parquet_batches(file, entry.name, packed))
        return pa.Table.from_batches(batches) if batches else empty

    return _read(entry, "a Parquet file", read)


def read_json(entry: Entry) -> Opened:
    """A file of JSON as a table: an object a line, or a list of objects; see `concours.tasks.readers.records_json`."""
    table, notes, warnings = read_json_table(entry)
    return _checked(entry, table, notes, warnings)


def read_arrow(entry: Entry) -> Opened:
    """An Arrow IPC file (Feather) or stream as a table."""

    def read(file: BinaryIO, packed: int) -> pa.Table:
        of_file = file.read(6) == b"ARROW1"
        file.seek(0)
        refuse_packed_arrow(file, entry.name, packed, of_file=of_file)
        file.seek(0)
        opened = pa.ipc.open_file(file) if of_file else pa.ipc.open_stream(file)
        batches, size = [], 0
        for batch in _batches(opened):
            size += sum(map(decoded_bytes, batch.columns))
            refuse_bomb(entry.name, size, packed)
            batches.append(batch)
        return pa.Table.from_batches(batches, opened.schema)

    return _read(entry, "an Arrow file", read)


def _batches(opened: Any) -> Iterator[pa.RecordBatch]:
    """The batches of an Arrow file or stream, checked: one is read before the next."""
    count = getattr(opened, "num_record_batches", None)
    for batch in opened if count is None else map(opened.get_batch, range(count)):
        batch.validate(full=True)  # or what is read of it later may lie outside of it
        yield batch


def _read(entry: Entry, what: str, read: Callable[[Any, int], pa.Table]) -> Opened:
    """A table of a format of Arrow's, checked: its files may lie, and it believes them."""
    with damage_named(entry.name):
        try:
            with entry.open() as file:
                # Formats that are read from their end want to seek; a compressed stream cannot.
                if entry.path is not None:
                    table = read(file, entry.path.stat().st_size)
                else:
                    content = file.read()
                    table = read(pa.BufferReader(content), len(content))
            table.validate(full=True)
        except pa.ArrowException as error:
            raise DataError(f"{entry.name} is not {what}: {str(error).splitlines()[0][:200]}") from None
        return _checked(entry, flat(table, entry.name))


def _checked(entry: Entry, table: pa.Table, notes: tuple[str, ...] = (), warnings: tuple[str, ...] = ()) -> Opened:
    if not len(table):
        raise DataError(f"{entry.name} has no rows")
    try:
        table, cleaned = tidy(table, lists=True)  # `settled` refuses them where they are not asked for
    except DataError as error:
        raise DataError(f"{entry.name}: {error}") from None
    names = [name.strip() for name in table.column_names]
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise DataError(f"{entry.name}: two columns are called {twice[0]!r}; names must differ")
    table = table.rename_columns(names)
    said = tuple(f"{entry.name}: {text}" for text in (*warnings, *cleaned))
    return Opened(x=table, name=entry.name, notes=notes, warnings=said)
