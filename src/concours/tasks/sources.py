"""Which files of a folder or an archive are the data: one table, a train and a test part, several that are one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pyarrow as pa

from concours.core.errors import DataError
from concours.tasks.readers.archives import files_of
from concours.tasks.readers.folders import suffix_of
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.pictures import PICTURES
from concours.tasks.readers.source import alike, open_source, tables_of

_TRAIN, _TEST = {"train", "training"}, {"test", "testing", "holdout"}
_ASIDE = {"dev", "val", "valid", "validation", "submission", "sample"}
_MOST = 50


@dataclass(frozen=True, kw_only=True)
class Found:
    """A source as it is to be named in a task, and what is in it.

    Attributes:
        data: a file, a folder, an archive, a name; or several files that are one table.
        test: the file that judges, if there is one.
        opened, opened_test: their content; of several files, one below the other, without the column `source`.
        source: the column to add to several files.
        notes: why these.
    """

    data: str | tuple[str, ...]
    opened: Opened
    test: str | None = None
    opened_test: Opened | None = None
    source: str | None = None
    notes: tuple[str, ...] = ()


def find_source(source: str, options: Options | None = None) -> Found:
    """What of a source is data.

    Args:
        options: how to read it.

    Raises:
        DataError: it is missing, empty or damaged, or holds several tables that do not belong together.
    """
    options = options or Options()
    tables = _tables(source)
    if len(tables) == 1:
        return Found(data=tables[0], opened=open_source(tables[0], Path(), options))
    if not tables:
        opened = open_source(source, Path(), options)
        return Found(data=source, opened=opened, opened_test=opened.test)
    train, test, aside, rest = _parts(tables, source)
    if len(train) == 1 and len(test) <= 1 and not rest:
        return _pair(train[0], test[0] if test else None, aside, options)
    if len(tables) > _MOST:
        raise DataError(f"{source} holds {len(tables)} tables; name one, e.g. {tables[0]}")
    return _stacked(source, {name: open_source(name, Path(), options) for name in tables}, options)


def written_in(found: Found, column: str, options: Options) -> Found:
    """A source once more, with one column as its files write it: 007 and TRUE, not a number and a truth value."""
    options = replace(options, written=(column,))
    data = list(found.data) if isinstance(found.data, tuple) else found.data
    opened = open_source(data, Path(), options)
    test = open_source(found.test, Path(), options) if found.test else opened.test
    return replace(found, opened=opened, opened_test=test)


def _tables(source: str) -> list[str]:
    """The tables of a folder or archive, unless it is one of pictures with a table beside them."""
    tables = tables_of(source, Path())
    if not tables:
        return []
    pictures = sum(suffix_of(name) in PICTURES for name in files_of(Path(source)).names())
    return [] if pictures > len(tables) else tables


def _parts(names: Sequence[str], source: str) -> tuple[list[str], list[str], list[str], list[str]]:
    """Those that are called train, test, something that is left aside, and the others."""
    parts: tuple[list[str], list[str], list[str], list[str]] = ([], [], [], [])
    for name in names:
        words = set(re.findall(r"[a-z]+", name.removeprefix(source).lower()))
        place = 0 if words & _TRAIN else 2 if words & _ASIDE else 1 if words & _TEST else 3
        parts[place].append(name)
    return parts


def _pair(train: str, test: str | None, aside: Sequence[str], options: Options) -> Found:
    notes = [f"{_file(train)} and {_file(test)}, by their names"] if test else []
    notes += [f"left aside, by their names: {', '.join(map(_file, aside))}"] if aside else []
    opened = open_source(train, Path(), options)
    return Found(
        data=train,
        opened=opened,
        test=test,
        opened_test=open_source(test, Path(), alike(options, opened)) if test else None,
        notes=tuple(notes),
    )


def _stacked(source: str, tables: Mapping[str, Opened], options: Options) -> Found:
    """Tables of the same columns as one."""
    columns, *others = {_form(opened) for opened in tables.values()}
    if others:
        listed = ", ".join(
            f"{name} ({len(opened.x):,} rows of {len(opened.x.column_names)})"
            for name, opened in list(tables.items())[:6]
            if isinstance(opened.x, pa.Table)
        )
        raise DataError(f"{source} holds {len(tables)} tables of different columns; name one: {listed}")
    names = {name for name, _ in columns}
    column = next(word for word in ("source", "file", "source_file") if word not in names)
    return Found(
        data=tuple(tables),
        opened=open_source(list(tables), Path(), options),
        source=column,
        notes=(f"{len(tables)} files of the same columns, as one table",),
    )


def _form(opened: Opened) -> tuple[tuple[str, bool], ...]:
    """Names of columns in any order, and whether they hold numbers."""
    if not isinstance(opened.x, pa.Table):
        return ()
    numbers = (pa.types.is_integer(field.type) or pa.types.is_floating(field.type) for field in opened.x.schema)
    return tuple(sorted(zip(opened.x.column_names, numbers, strict=True)))


def _file(name: str) -> str:
    return PurePosixPath(name).name
