"""What tells that a source holds texts to go on with, and nothing to predict of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from concours.core.errors import ConcoursError, DataError
from concours.tasks.documents import Documents, documents, texts_in
from concours.tasks.readers.archives import entry_at, files_of, is_archive
from concours.tasks.readers.foreign import looks_like_prose
from concours.tasks.readers.lines import labelled_lines
from concours.tasks.readers.listing import TABLES, content_names, suffix_of
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import has_cells, open_source
from concours.tasks.readers.text import cleaned, decoded, lines_of
from concours.tasks.task import Task

_HEAD = 1 << 16
_JUDGING = 0.1


def find(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The keys of `[task]` for texts, each with a reason; none where a source may be something else.

    By itself that is a file of prose whose lines have no labels, alone or alone in a folder, and a table with one
    column, of texts. Where a person names the kind, it is whatever holds documents.

    Raises:
        DataError: a person names the kind, and the documents cannot be read; or names a column that is none.
    """
    named = options.input == "passage"
    if not named and (options.names or not _is_prose(source)):
        return None
    task = Task(kind="", data=str(source), text=options.names, header=options.header, on_bad_row=options.on_bad_row)
    return _keys(source, documents(source, Path(), task), options)


def _keys(source: Path, parts: list[Documents], options: Options) -> dict[str, tuple[Any, str]]:
    found = parts[0]
    size = sum(len(text.encode()) for text in found.texts)
    few = "one text" if len(found.texts) == 1 else f"{len(found.texts):,} texts"
    keys: dict[str, tuple[Any, str]] = {"data": (str(source), f"{few} of {size:,} bytes, without labels")}
    if options.names:
        keys["text"] = (list(options.names), "named by --target")
    if len(parts) > 1:
        return keys
    why = f"the last {_JUDGING:.0%} of the text judges, as is usual; folds are stretches of it"
    return {**keys, "split": ({"test": _JUDGING}, why)}


def _is_prose(source: Path) -> bool:
    """Whether a file, or the only one of a folder or an archive, is text without labels; or a table of one column."""
    try:
        if source.is_dir() or is_archive(source.name):
            files = files_of(source)
            names = content_names(files)
            if len(names) != 1 or is_archive(names[0]):
                return False
            entry, place = files.entry(names[0]), f"{source}:{names[0]}"
            place = str(source / names[0]) if source.is_dir() else place
        else:
            entry, place = entry_at(source), str(source)
        if suffix_of(entry.name) in (*TABLES, ".json"):
            return _one_column(place)
        with entry.open() as file:
            head = file.read(_HEAD)
        if not texts_in([entry.name]) or b"\0" in head:
            return False
        (text,), _ = decoded([head[: head.rfind(b"\n") + 1] or head], None, entry.name)
    except (ConcoursError, OSError):
        return False  # who reads it says what is wrong
    lines = [line.strip() for line in lines_of(cleaned(text))]
    try:
        labelled = labelled_lines(lines, entry.name)
    except DataError:
        return False
    return bool(lines) and labelled is None and looks_like_prose(lines) and not has_cells(lines)


def _one_column(place: str) -> bool:
    if suffix_of(place) not in (".jsonl", ".ndjson", ".parquet", ".pq", ".json"):
        return False
    table = open_source(place, Path(), Options(input="table")).x
    if not isinstance(table, pa.Table) or table.num_columns != 1 or not pa.types.is_string(table.schema.types[0]):
        return False
    return looks_like_prose([text for text in table.column(0).to_pylist()[:500] if text and text.strip()] or ["-"])
