"""Battles from files larger than memory and from data frames, in batches; files come in by the doors of all readers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from concours.core.errors import DataError
from concours.tasks.battle_columns import Columns, sides_of
from concours.tasks.readers.archives import Entry, entry_at
from concours.tasks.readers.damage import damage_named, existing
from concours.tasks.readers.depth import Shallow
from concours.tasks.readers.dialect import found_dialect
from concours.tasks.readers.packed import parquet_batches
from concours.tasks.readers.text import guessed_encoding, is_utf8, marked_encoding, refuse_packed

Battles: TypeAlias = "str | Path | pa.Table | pa.RecordBatchReader | Any"
"""A file, or anything that Arrow can read: a pandas or polars frame, an Arrow table."""

ROWS = 1 << 20
"""Of a batch at most."""

_BLOCK = 1 << 21  # a reader holds many of these at a time
_LINES = 1 << 24  # a line of JSON may hold a whole conversation
_HEAD = 1 << 16
_PLAIN = {"utf-8": "utf8", "utf-8-sig": "utf8"}  # what the reader need not decode itself
_KINDS = {".parquet": "parquet", ".pq": "parquet", ".jsonl": "json", ".ndjson": "json", ".json": "json"}


class Source:
    """Battles that are read in batches; what they are read from is looked into first, for its columns."""

    def __init__(self, data: Battles, where: str = "") -> None:
        self.where = where or (Path(data).name if isinstance(data, (str, Path)) else "the data")
        self._data = data
        if isinstance(data, (str, Path)):
            self._entry = _entry(Path(data))
            given = _names_of_file(self._entry)
        elif not hasattr(data, "__arrow_c_stream__"):
            raise DataError(f"battles must be a file, a data frame or an Arrow table, got {type(data).__name__}")
        elif hasattr(data, "columns") and not isinstance(data, pa.Table):
            given = [str(name) for name in data.columns]
        else:
            given = list(data.schema.names)
        self.names = [name.strip() for name in given]
        self._given = dict(zip(self.names, given, strict=True))
        twice = [name for name, times in Counter(self.names).items() if times > 1]
        if twice:
            raise DataError(f"{self.where}: two columns are called {twice[0]!r}")

    def batches(self, columns: Columns) -> Iterator[pa.RecordBatch]:
        """The battles, with the columns wanted only."""
        wanted = columns.named
        for name in columns.controls:
            wanted += [name] if name in self.names else list(sides_of(name))
        given = [self._given[name] for name in dict.fromkeys(wanted)]
        if isinstance(self._data, (str, Path)):
            text = [name for name in given if name.strip() not in columns.numeric]
            found = _read(self._entry, given, text)
        else:
            found = _table(self._data, given)
        for batch in found:
            named = batch.rename_columns([name.strip() for name in batch.schema.names])
            yield from (named.slice(start, ROWS) for start in range(0, max(len(named), 1), ROWS))


def _table(data: Any, wanted: list[str]) -> Iterator[pa.RecordBatch]:
    if isinstance(data, pa.RecordBatchReader):
        for batch in data:
            yield batch.select(wanted)
    elif isinstance(data, pa.Table):
        yield from data.select(wanted).to_batches()
    elif type(data).__module__.startswith("pandas"):
        yield from pa.Table.from_pandas(data[wanted], preserve_index=False).to_batches()
    else:
        yield from pa.table(data[wanted]).to_batches()


# Files


def _entry(path: Path) -> Entry:
    """A file of battles, opened as any file of data is."""
    if existing(path).is_dir():
        raise DataError(f"{path} is a folder; a file of battles was expected")
    entry = entry_at(path, whole=False)
    with damage_named(entry.name), entry.open() as file:
        head = file.read(_HEAD)
    if not head.strip():
        raise DataError(f"{path.name} is empty; battles were expected")
    if _kind(entry) != "parquet":
        refuse_packed(head, path.name)
    return entry


def _kind(entry: Entry) -> str:
    return _KINDS.get(entry.suffix, "csv")


def _names_of_file(entry: Entry) -> list[str]:
    with _unreadable(entry), _opened(entry) as file:
        if _kind(entry) == "parquet":
            import pyarrow.parquet as pq

            return list(pq.read_schema(file).names)
        reader = _csv(entry, file, None, None) if _kind(entry) == "csv" else _json(file)
        return list(reader.schema.names)


def _read(entry: Entry, wanted: list[str], text: list[str]) -> Iterator[pa.RecordBatch]:
    with _unreadable(entry), _opened(entry) as file:
        if _kind(entry) == "parquet":
            yield from parquet_batches(file, entry.name, file.size(), rows=ROWS, columns=wanted)
        elif _kind(entry) == "csv":
            yield from _csv(entry, file, wanted, text)
        else:
            yield from (batch.select(wanted) for batch in _json(file))


def _csv(entry: Entry, file: Any, wanted: list[str] | None, text: list[str] | None) -> Any:
    from pyarrow import csv

    with entry.open() as beginning:
        head = beginning.read(_HEAD)
    encoding = marked_encoding(head) or ("utf-8" if is_utf8(head, whole=False) else guessed_encoding(head, entry.name))
    dialect = found_dialect(head.decode(encoding, "replace"), tabs=entry.suffix == ".tsv")
    convert = csv.ConvertOptions(
        include_columns=wanted,
        column_types={name: pa.string() for name in text or ()},
        strings_can_be_null=True,
        null_values=["", "NA", "NaN", "nan", "null", "None"] if text is None else [""],
    )
    return csv.open_csv(
        file,
        read_options=csv.ReadOptions(block_size=_BLOCK, use_threads=False, encoding=_PLAIN.get(encoding, encoding)),
        parse_options=csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=b'"' in head),
        convert_options=convert,
    )


def _json(file: Any) -> Any:
    from pyarrow import json

    return json.open_json(file, read_options=json.ReadOptions(block_size=_LINES, use_threads=False))


@contextmanager
def _opened(entry: Entry) -> Iterator[Any]:
    """What Arrow reads from: the file itself, where it lies as it is and nothing is looked at on the way."""
    if entry.path is not None and _kind(entry) != "json":
        with pa.OSFile(str(entry.path)) as file:
            yield file
        return
    with entry.open() as raw, Shallow(raw, entry.name) if _kind(entry) == "json" else nullcontext(raw) as stream:
        yield pa.PythonFile(stream, mode="r")


@contextmanager
def _unreadable(entry: Entry) -> Iterator[None]:
    """What Arrow refuses, in words that name the file."""
    try:
        with damage_named(entry.name):
            yield
    except DataError as error:
        if not isinstance(error.__cause__, (pa.ArrowInvalid, KeyError)):
            raise
        first = (str(error.__cause__).splitlines() or ["it is damaged"])[0]
        raise DataError(f"{entry.name} cannot be read as a table of battles: {first}") from None
