"""Files of other programs before they are believed: text, JSON, lines of JSON, tables, and archives of JSON."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, get_type_hints

from concours.core.errors import ContentRefused, DataError
from concours.core.typed import typed
from concours.core.visible import shortened, visible
from concours.tasks.readers.damage import damage_named, existing, refuse_bomb

T = TypeVar("T")

MOST: Final = 1 << 29
"""Bytes of a file of data, at most: all of it is in memory at once."""
SMALL: Final = 1 << 23
"""Bytes of a file that a person writes."""
_UNPACKED: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def text_of(path: Path, most: int = SMALL) -> str:
    """The text of a file, without a byte order mark.

    Raises:
        DataError: it is missing, a folder, larger than `most` bytes, or not UTF-8.
    """
    if existing(path).is_dir():
        raise DataError(f"{path} is a folder; a file was expected")
    if (size := path.stat().st_size) > most:
        raise DataError(f"{path.name} has {size:,} bytes; {most:,} at most were expected")
    with damage_named(path.name):
        return path.read_bytes().decode("utf-8-sig")


def json_of(text: str | bytes, name: str) -> Any:
    """JSON. Raises DataError where it is none, or lies too deeply within itself."""
    with damage_named(name):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise DataError(f"{name} is not JSON: line {error.lineno}: {error.msg}") from None


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Objects, one a line. Raises DataError with the line that is none."""
    found = []
    for number, line in enumerate(text_of(path, MOST).split("\n"), 1):
        if line.strip():
            value = json_of(line, f"{path.name}, line {number},")
            if not isinstance(value, dict):
                raise DataError(f"{path.name}, line {number}: expected an object of JSON")
            found.append(value)
    return found


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a table as objects: `.jsonl`, `.json` (a list of objects), `.csv`, `.tsv`, `.parquet`, `.arrow`.

    Raises:
        DataError: it is missing, damaged, too large, or none of these.
    """
    ending = path.suffix.lower()
    if ending not in _TABLES:
        raise DataError(f"{path.name}: expected a table, {', '.join(_TABLES)}")
    if existing(path).stat().st_size > MOST:
        raise DataError(f"{path.name} has {path.stat().st_size:,} bytes; {MOST:,} at most were expected")
    with damage_named(path.name):
        rows = _TABLES[ending](path)
    if not rows:
        raise DataError(f"{path.name} has no rows")
    return rows


def picked(form: type[T], value: Any, where: str) -> T:
    """Of an object the keys that a typed dictionary names; others are not looked at.

    Raises:
        DataError: it is no object, or one of them has another form.
    """
    if not isinstance(value, Mapping):
        raise DataError(f"{where}: expected an object")
    try:
        return typed(form, {key: value[key] for key in get_type_hints(form) if key in value}, where)
    except ContentRefused as error:
        raise DataError(shortened(str(error), 300)) from None


class Archive:
    """The JSON files of a zip archive, which are read one by one and never unpacked to a disk."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        with damage_named(path.name):
            self._zip = zipfile.ZipFile(existing(path))
        self._members = {one.filename: one for one in self._zip.infolist()}
        refuse_bomb(path.name, sum(one.file_size for one in self._members.values()), path.stat().st_size, whole=False)

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    def names(self, under: str) -> list[str]:
        """The JSON files of a folder in it, in the order of their names."""
        return sorted(name for name in self._members if name.startswith(under) and name.endswith(".json"))

    def json(self, name: str) -> Any:
        """One of them. Raises DataError where it is missing, damaged, too large, or packed in another way."""
        where = f"{visible(name)} in {self._name}"
        if name not in self._members:
            raise DataError(f"{self._name} has no {visible(name)}")
        member = self._members[name]
        if member.compress_type not in _UNPACKED:
            raise DataError(f"{where} is packed in a way that is not known here: save the log as .json")
        if member.file_size > MOST:
            raise DataError(f"{where} has {member.file_size:,} bytes; {MOST:,} at most were expected")
        with damage_named(where), self._zip.open(member) as file:
            content = file.read(MOST + 1)
        return json_of(content, where)


def _json_rows(path: Path) -> list[dict[str, Any]]:
    text = text_of(path, MOST)
    if not text.lstrip().startswith("["):
        return lines_of(path)
    rows = json_of(text, path.name)
    if not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path.name}: expected a list of objects")
    return list(rows)


def _csv_rows(path: Path, delimiter: str = ",") -> list[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(text_of(path, MOST), newline=""), delimiter=delimiter, strict=True)
    rows = list(reader)
    for row in rows:
        if None in row or None in row.values():
            raise DataError(
                f"{path.name}: a row near line {reader.line_num} has another number of cells than the first"
            )
    return rows


def _tsv_rows(path: Path) -> list[dict[str, Any]]:
    return _csv_rows(path, "\t")


def _parquet_rows(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet

    return list(pyarrow.parquet.read_table(path).to_pylist())


def _arrow_rows(path: Path) -> list[dict[str, Any]]:
    return list(_batches(path))


def _batches(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa

    with path.open("rb") as file, pa.ipc.open_stream(file) as stream:
        for batch in stream:
            yield from batch.to_pylist()


_TABLES: Final = {
    ".jsonl": lines_of,
    ".json": _json_rows,
    ".csv": _csv_rows,
    ".tsv": _tsv_rows,
    ".parquet": _parquet_rows,
    ".arrow": _arrow_rows,
}
