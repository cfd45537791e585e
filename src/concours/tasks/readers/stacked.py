"""Several tables, or several sources of texts, as one: one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa

from concours.core.errors import DataError
from concours.tasks.places import Places
from concours.tasks.readers.opened import Opened, Options, Rows
from concours.tasks.readers.settled import settled


def stacked(parts: Sequence[Opened], sources: Sequence[str | Path], options: Options) -> Opened:
    """Parts one below the other; a column that is a whole number here and a number there is a number.

    With `options.source` a column is added that says which file a row came from, its name without an ending.

    Raises:
        DataError: there is none, they are of other forms or columns, or have that column already.
    """
    if not parts:
        raise DataError("task.data is an empty list; name at least one file")
    whole = parts[0]
    if any(not isinstance(part.x, pa.Table) for part in parts):
        whole = whole if len(parts) == 1 else _lines(parts)
    elif len(parts) > 1 or options.source is not None:
        parts = _of_one_kind(parts, options)
        whole = replace(
            whole,
            cells=all(part.cells for part in parts),
            x=_concatenated(
                [_table(part, parts[0], options, file_stem(s)) for part, s in zip(parts, sources, strict=True)]
            ),
        )
    return replace(
        whole,
        name=" + ".join(part.name for part in parts) if len(parts) < 4 else f"{whole.name} and {len(parts) - 1} more",
        left_out=sum(part.left_out for part in parts),
        rows=_places(parts),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        warnings=tuple(text for part in parts for text in part.warnings),
    )


def _places(parts: Sequence[Opened]) -> Places | None:
    """Which rows of all sources, one below the other, there are; none where that is all of them."""
    if all(part.rows is None for part in parts):
        return None
    places, begin = list[Places](), 0
    for part in parts:
        places.append(begin + (np.arange(len(part.x)) if part.rows is None else part.rows))
        begin += len(part.x) + part.left_out
    return np.concatenate(places)


def _of_one_kind(parts: Sequence[Opened], options: Options) -> list[Opened]:
    """Tables of text files typed as one, where other tables bring their types."""
    raw = [part for part in parts if part.cells]
    if len(raw) in (0, len(parts)):
        return list(parts)
    text = replace(raw[0], x=_concatenated([cast(pa.Table, part.x) for part in raw]))
    whole = settled(text, replace(options, source=None))
    done, start = [], 0
    for part in parts:
        end = start + (len(part.x) if part.cells else 0)
        done.append(replace(part, x=whole.x[start:end], cells=False) if part.cells else part)
        start = end
    return [replace(done[0], warnings=(*done[0].warnings, *whole.warnings)), *done[1:]]


def like_first(options: Options, first: Opened) -> Options:
    """How to read more of what was opened first: its columns tell whether there is a header, and what cells are."""
    if not isinstance(first.x, pa.Table):
        return options
    header = options.header if isinstance(options.header, bool) else None
    like = None if first.cells else first.x.schema
    return replace(options, header=header, names=(*options.names, *first.x.column_names), like=like)


_SOURCE = {b"concours": b"source"}


def source_field(name: str) -> pa.Field:
    """A column that we invent: which file a row came from. New rows are not asked for it."""
    return pa.field(name, pa.string(), metadata=_SOURCE)


def source_in(table: object) -> str | None:
    """The column of a table that says which file a row came from, where we invented it."""
    fields = table.schema if isinstance(table, pa.Table) else ()
    return next((field.name for field in fields if (field.metadata or {}).get(b"concours") == b"source"), None)


def file_stem(source: str | Path) -> str:
    """What a column that says which file a row came from has for a file."""
    return Path(str(source)).name.partition(".")[0]


def _table(part: Opened, first: Opened, options: Options, stem: str) -> pa.Table:
    assert isinstance(part.x, pa.Table)  # noqa: S101 (for the type checker)
    assert isinstance(first.x, pa.Table)  # noqa: S101 (for the type checker)
    if set(part.x.column_names) != set(first.x.column_names):
        raise DataError(f"{part.name} has other columns than {first.name}: {', '.join(part.x.column_names[:8])}")
    if options.source is None:
        return part.x
    if options.source in part.x.column_names:
        raise DataError(f"task.source: {part.name} has a column {options.source!r} already; choose another name")
    return part.x.append_column(source_field(options.source), pa.repeat(pa.scalar(stem), len(part.x)))


def _lines(parts: Sequence[Opened]) -> Opened:
    """Texts, or pictures, of several sources; they all bring their labels or none does."""
    if len({type(part.x) for part in parts}) > 1:
        odd = next(part for part in parts if not isinstance(part.x, pa.Table))
        raise DataError(f"{odd.name} is no table; only tables can be joined by a list of files")
    if len({part.y is None for part in parts}) > 1:
        odd = next(part for part in parts if part.y is None)
        raise DataError(f"{odd.name} has no labels, and {parts[0].name} has")
    if isinstance(parts[0].x, np.ndarray):
        x: Rows = np.concatenate([part.x for part in parts])
    else:
        x = pa.chunked_array([chunk for part in parts for chunk in cast(pa.ChunkedArray, part.x).chunks], pa.string())
    y = None if parts[0].y is None else np.concatenate([part.y for part in parts if part.y is not None])
    return replace(parts[0], x=x, y=y)


def _concatenated(found: Sequence[pa.Table]) -> pa.Table:
    names = found[0].column_names
    try:
        return pa.concat_tables([table.select(names) for table in found], promote_options="permissive")
    except pa.ArrowTypeError:
        texts = [n for n in names if any(pa.types.is_string(table.schema.field(n).type) for table in found)]
        schemas = [
            pa.schema([pa.field(f.name, pa.string()) if f.name in texts else f for f in table.select(names).schema])
            for table in found
        ]
        cast = [table.select(names).cast(schema) for table, schema in zip(found, schemas, strict=True)]
        return pa.concat_tables(cast, promote_options="permissive")
