"""A backup of a platform: one file with all its tables and all objects of its store, whatever database and store these
lie in. It is restored into an empty platform, of another database or store if need be.

The file is a tar: `manifest.json`; `tables/NAME.jsonl`, a row a line; `objects/sha256:…`; what else lies in the
platform's folder (`secret`, `concours.toml`); and `end.json`, without which it was cut short. Tables come from one
snapshot, and objects after them: what a row names was in the store before the row was there.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from sqlalchemy import MetaData, Table, delete, func, insert, select
from sqlalchemy.engine import Connection

import concours
from concours.core.errors import ContestError, DataError
from concours.core.event import utc_now
from concours.core.space import no_space_named
from concours.server.database.opened import Database
from concours.server.database.tables import METADATA, USERS
from concours.server.platform import Platform
from concours.server.settings import Settings
from concours.stores.address import store_at

_SCHEMA: Final = 1
_BESIDE: Final = ("secret", "concours.toml")
"""Files of the platform's folder that are no data of others, and that it cannot do without."""
_AT_A_TIME: Final = 500


@dataclass(frozen=True, kw_only=True)
class Backed:
    """What a backup holds."""

    rows: int
    objects: int
    bytes: int


def backup(platform: Platform, file: Path) -> Backed:
    """Writes a backup, while the platform goes on. The file is there whole or not at all, for its owner's eyes alone.

    Raises:
        ContestError: the file is there. NoSpace.
    """
    if file.exists():
        raise ContestError(f"{file} is there already; name another file, or move it away")
    aside = file.with_name(f".{file.name}.part")
    try:
        with no_space_named(file):
            handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as out, tarfile.open(fileobj=out, mode="w") as tar:
                found = _written(platform, tar)
            aside.rename(file)
    finally:
        aside.unlink(missing_ok=True)
    return found


def restore(file: Path, settings: Settings) -> Backed:
    """Makes a platform of a backup, where there is none.

    Raises:
        ContestError: the platform there is not empty, or the backup is of a later version.
        DataError: the file is no backup, or is damaged; then nothing that was restored counts.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    database = Database.at(settings.database)
    try:
        _require_empty(database, settings)
        try:
            with tarfile.open(file, mode="r:") as tar:
                return _read(tar, database, settings)
        except (tarfile.TarError, KeyError, ValueError, EOFError) as error:
            raise DataError(
                f"{file} is no backup of a platform, or is damaged ({error}); what was restored of it is not whole: "
                "delete it, and take another file"
            ) from None
    finally:
        database.close()


def _written(platform: Platform, tar: tarfile.TarFile) -> Backed:
    rows = objects = size = 0
    with platform.database.snapshot() as db:
        manifest = {
            "schema": _SCHEMA,
            "concours": concours.__version__,
            "form": platform.database.form(db),
            "at": utc_now(),
        }
        _add(tar, "manifest.json", json.dumps(manifest, indent=1).encode())
        for table in _tables():
            with tempfile.TemporaryFile() as lines:
                for row in db.execution_options(yield_per=_AT_A_TIME).execute(select(table)).mappings():
                    lines.write(json.dumps(dict(row), separators=(",", ":")).encode() + b"\n")
                    rows += 1
                _stream(tar, f"tables/{table.name}.jsonl", lines)
    for name in _BESIDE:
        if (beside := platform.settings.data / name).exists():
            _add(tar, name, beside.read_bytes())
    for digest in sorted(platform.store):
        with platform.store.open(digest) as content:
            size += _stream(tar, f"objects/{digest}", content, platform.store.size(digest))
        objects += 1
    found = Backed(rows=rows, objects=objects, bytes=size)
    _add(tar, "end.json", json.dumps(vars(found)).encode())
    return found


def _read(tar: tarfile.TarFile, database: Database, settings: Settings) -> Backed:
    store = store_at(settings.store)
    rows = objects = size = 0
    tables: dict[str, Table] = {}
    told: dict[str, Any] = {}
    for member in tar:
        content = tar.extractfile(member)
        if content is None:
            raise ValueError(f"{member.name!r} is no file")
        kind, _, name = member.name.partition("/")
        if kind == "manifest.json":
            tables = _formed(database, json.load(content))
        elif kind == "tables":
            rows += _filled(database, tables[name.removesuffix(".jsonl")], content)
        elif kind == "objects":
            if (kept := store.put(content)) != name:
                raise ValueError(f"object {name} is {kept}")
            objects, size = objects + 1, size + member.size
        elif kind == "end.json":
            told = json.load(content)
        elif kind in _BESIDE:
            _beside(settings.data / kind, content.read())
    found = Backed(rows=rows, objects=objects, bytes=size)
    if told != vars(found):
        raise ValueError(f"of {told} it has {vars(found)}" if told else "it was cut short")
    with database.writing() as db:
        _go_on_counting(db)
    database.upgrade()
    return found


def _formed(database: Database, manifest: dict[str, Any]) -> dict[str, Table]:
    """Empty tables in the form of the backup, which may be an earlier one."""
    if manifest["schema"] != _SCHEMA:
        raise ContestError(f"this backup was written by Concours {manifest['concours']}: restore it by that version")
    database.upgrade(to=manifest["form"])
    found = MetaData()
    with database.reading() as db:
        found.reflect(db)
    return dict(found.tables)


def _require_empty(database: Database, settings: Settings) -> None:
    with database.reading() as db:
        there = database.form(db) is not None and db.execute(select(func.count()).select_from(USERS)).scalar_one() > 0
    if there:
        raise ContestError(
            f"there is a platform in {settings.data} already; restore into an empty folder and an empty database"
        )
    try:
        if next(iter(store_at(settings.store)), None) is not None:
            raise ContestError(f"the store {settings.store} is not empty; name another, or empty it")
    except FileNotFoundError:
        return


def _tables() -> list[Table]:
    """Those that others name before those that name them."""
    return METADATA.sorted_tables


def _filled(database: Database, table: Table, lines: IO[bytes]) -> int:
    count = 0
    with database.writing() as db:
        db.execute(delete(table))  # what tables of that form have from the beginning
        for some in _parts(lines):
            db.execute(insert(table), some)
            count += len(some)
    return count


def _parts(lines: IO[bytes]) -> Iterator[list[dict[str, Any]]]:
    some: list[dict[str, Any]] = []
    for line in lines:
        some.append(json.loads(line))
        if len(some) == _AT_A_TIME:
            yield some
            some = []
    if some:
        yield some


def _go_on_counting(db: Connection) -> None:
    """PostgreSQL counts on from what was inserted with numbers of its own; SQLite does so by itself."""
    if db.dialect.name != "postgresql":
        return
    for table in _tables():
        column = next(iter(table.primary_key))
        if sequence := db.execute(select(func.pg_get_serial_sequence(table.name, column.name))).scalar():
            last = db.execute(select(func.max(column))).scalar()
            db.execute(select(func.setval(sequence, last or 1, last is not None)))


def _beside(place: Path, content: bytes) -> None:
    place.unlink(missing_ok=True)
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    _stream(tar, name, io.BytesIO(content), len(content))


def _stream(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int | None = None) -> int:
    if size is None:
        size = content.tell()
        content.seek(0)
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    tar.addfile(member, content)
    return size
