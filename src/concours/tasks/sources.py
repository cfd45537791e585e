"""What a person points at, as a task names it: which files are the data, which judge, which tell what is asked."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import pyarrow as pa

from concours.core.errors import DataError
from concours.tasks.columns import describe
from concours.tasks.guides import Guide
from concours.tasks.readers.archives import Entry, Files, entry_at, files_of, is_archive
from concours.tasks.readers.foreign import refuse_foreign
from concours.tasks.readers.glimpse import first_records
from concours.tasks.readers.listing import Layout, layout_of, suffix_of
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.source import open_source
from concours.tasks.readers.stacked import like_first
from concours.tasks.unknown import VOTES, unknown_records, unknown_table

_MOST = 50
_JSON = (".json", ".jsonl", ".ndjson")


@dataclass(frozen=True, kw_only=True)
class Found:
    """A source as it is to be named in a task, and what is in it.

    Attributes:
        data: a file, a folder, an archive, a name; or several files that are one table.
        test: what judges, if there is such a part.
        opened, opened_test: their content; of several files, one below the other.
        source: the column that is added to several files.
        rows: a file of rows to predict, without the target, and `sample`, one of how predictions are to be written.
        guide: what these tell.
        notes: why these.
    """

    data: str | tuple[str, ...]
    opened: Opened
    test: str | tuple[str, ...] | None = None
    opened_test: Opened | None = None
    source: str | None = None
    rows: str | None = None
    sample: str | None = None
    guide: Guide = field(default_factory=Guide)
    notes: tuple[str, ...] = ()


def find_source(source: str, options: Options | None = None) -> Found:
    """What of a source is data.

    Args:
        options: how to read it; the names in it are those of the column to predict, where a person names it.

    Raises:
        DataError: it is missing, empty or damaged, holds several tables that do not belong together, or what cannot be
            learned from yet.
    """
    options = options or Options()
    path = Path(source)
    if not path.is_dir() and not (path.exists() and is_archive(path.name)):
        if not options.names and path.exists():
            _refuse_records([(path.name, entry_at(path))])
        return _whole(source, options)
    files = files_of(path)
    refuse_foreign(files, labelled=True)
    layout = layout_of(files)
    if layout.sort == "archive":
        return find_source(str(path / layout.train[0]), options)
    plain = layout.sort == "texts" and not layout.labels and (layout.test or len(layout.train) == 1)
    if layout.sort != "tables" and not plain:
        return _whole(source, options)
    if not options.names:
        _refuse_unknown(source, files, layout.train[: 1 if layout.test else None])
    if len(layout.train) > _MOST:
        raise DataError(
            f"{source} holds {len(layout.train)} tables; name one, e.g. {_named(source, layout.train[:1])[0]}"
        )
    return _of_tables(source, layout, options)


def written_in(found: Found, column: str, options: Options) -> Found:
    """A source once more, with one column as its files write it: 007 and TRUE, not a number and a truth value."""
    options = replace(options, names=(*options.names, column), written=(column,))
    opened = open_source(_listed_or_one(found.data), Path(), options)
    test = open_source(_listed_or_one(found.test), Path(), options) if found.test else opened.test
    return replace(found, opened=opened, opened_test=test)


def _listed_or_one(names: str | tuple[str, ...]) -> str | list[str]:
    return names if isinstance(names, str) else list(names)


def _whole(source: str, options: Options) -> Found:
    """A source that is data as it is."""
    opened = open_source(source, Path(), options)
    return Found(data=source, opened=opened, opened_test=opened.test)


def _of_tables(source: str, layout: Layout, options: Options) -> Found:
    """Tables, each by its name: those to learn from, the test part, rows to predict, a sample."""

    def opened(names: Sequence[str], first: Opened | None = None) -> Opened:
        named, how = _named(source, names), like_first(options, first) if first else options
        return open_source(named if len(named) > 1 else named[0], Path(), how)

    column = None
    if len(layout.train) > 1:
        tables = [opened([name]) for name in layout.train]
        _refuse_others(source, layout.train, tables)
        column = None if layout.test else _free(tables[0])
    train, notes = opened(layout.train), list(layout.notes)
    names, test, rows = list(layout.train), layout.test, ()
    judge = opened(test, train) if test else None
    if judge is not None and _lacks(train, judge, layout, options):
        rows, test, judge = test, layout.valid, opened(layout.valid, train) if layout.valid else None  # type: ignore[assignment]
    elif layout.valid and not _lacks(train, opened(layout.valid, train), layout, options):
        names += layout.valid
        train = opened(names)
        notes.append(f"{_listed(layout.valid)} joins train, beside test")
    if test:
        notes = [f"{_listed(names)} and {_listed(test)}, by their names", *notes]
    elif len(names) > 1:
        notes.append(f"{len(names)} files of the same columns, as one table")
    return Found(
        data=_named(source, names)[0] if len(names) == 1 else tuple(_named(source, names)),
        opened=train,
        test=None if not test else _named(source, test)[0] if len(test) == 1 else tuple(_named(source, test)),
        opened_test=judge,
        source=column,
        rows=_named(source, rows)[0] if rows else None,
        sample=_named(source, [layout.sample])[0] if layout.sample else None,
        guide=_guide(layout, opened, rows),
        notes=tuple(notes),
    )


def _lacks(train: Opened, test: Opened, layout: Layout, options: Options) -> bool:
    """Whether a part lacks what is to be predicted: the column that is named, or, while none is, any column."""
    if not isinstance(train.x, pa.Table) or not isinstance(test.x, pa.Table):
        return (train.y is None) != (test.y is None)
    lost = set(train.x.column_names) - set(test.x.column_names)
    return bool(lost & set(options.names)) if options.names else bool(lost) and (len(lost) == 1 or bool(layout.sample))


def _guide(layout: Layout, opened: Callable[[Sequence[str]], Opened], rows: Sequence[str]) -> Guide:
    sample = opened([layout.sample]).x if layout.sample else None
    unlabelled = opened(rows).x if rows else None
    return Guide(
        rows=unlabelled if isinstance(unlabelled, pa.Table) else None,
        rows_name=_listed(rows),
        sample=sample if isinstance(sample, pa.Table) and sample.num_columns > 1 else None,
        sample_name=PurePosixPath(layout.sample or "").name,
    )


def _free(opened: Opened) -> str | None:
    """A name that a table has not, for a column that says which file a row came from."""
    if not isinstance(opened.x, pa.Table):
        return None
    return next(word for word in ("source", "file", "source_file") if word not in opened.x.column_names)


def _refuse_others(source: str, names: Sequence[str], tables: Sequence[Opened]) -> None:
    """Raises where tables have different columns."""
    if len({_form(opened) for opened in tables}) > 1:
        if said := _said_of(tables):
            raise said[0]
        listed = ", ".join(
            f"{name} ({len(opened.x):,} rows of {len(opened.x.column_names)})"
            for name, opened in list(zip(_named(source, names), tables, strict=True))[:6]
            if isinstance(opened.x, pa.Table)
        )
        raise DataError(f"{source} holds {len(tables)} tables of different columns; name one: {listed}")


def _refuse_records(entries: Sequence[tuple[str, Entry]]) -> None:
    """Raises where JSON files hold what is known and not learned from yet."""
    for name, entry in entries:
        if suffix_of(name) in _JSON and (error := unknown_records(first_records(entry), name)):
            raise error


def _refuse_unknown(source: str, files: Files, names: Sequence[str]) -> None:
    """Raises where one of the files is known and not learned from yet: votes before all else."""
    if 1 < len(names) <= _MOST:
        for name in _named(source, [name for name in names if suffix_of(name) not in _JSON]):
            votes = [error for error in _said_of([open_source(name, Path())]) if VOTES in str(error)]
            if votes:
                raise DataError(str(votes[0]).replace("FILE", shlex.quote(name)))
    _refuse_records([(name, files.entry(name)) for name in names])


def _said_of(tables: Sequence[Opened]) -> list[DataError]:
    """What is to be said of tables that are known and not learned from yet."""
    found = (unknown_table(describe(o.x), o.x, o.name) for o in tables if isinstance(o.x, pa.Table))
    return [error for error in found if error]


def _form(opened: Opened) -> tuple[tuple[str, bool], ...]:
    """Names of columns in any order, and whether they hold numbers."""
    if not isinstance(opened.x, pa.Table):
        return ()
    numbers = (pa.types.is_integer(field.type) or pa.types.is_floating(field.type) for field in opened.x.schema)
    return tuple(sorted(zip(opened.x.column_names, numbers, strict=True)))


def _named(source: str, names: Sequence[str]) -> list[str]:
    """Files of a folder or an archive, each as a source of its own."""
    join = "/" if Path(source).is_dir() else ":"
    return [f"{source.rstrip('/')}{join}{name}" for name in names]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(PurePosixPath(name).name for name in names[:3]) + (" …" if len(names) > 3 else "")
