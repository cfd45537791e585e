"""What tells that a source holds texts with their summaries."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from concours.core.errors import ConcoursError, DataError
from concours.tasks.choices import lists_of
from concours.tasks.question_columns import folded, usual
from concours.tasks.readers.archives import entry_at, files_of, is_archive
from concours.tasks.readers.damage import damage_named
from concours.tasks.readers.listing import TABLES, content_names, suffix_of
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source
from concours.tasks.texts import strings

Keys = dict[str, tuple[Any, str]]

_DOCUMENTS: Final = ("document", "article", "dialogue", "abstract", "story", "source", "body", "content", "text")
_SUMMARIES: Final = ("summary", "summaries", "highlights", "tldr", "target")
"""Usual names of columns, in the order in which they are looked for."""
_LABELS: Final = {"label", "category", "class", "sentiment"}
_LEAST: Final = 20
"""Characters of summaries on average, at least: shorter ones are labels."""
_SHORTER: Final = 0.8
"""How long summaries are at most, measured by their texts."""
_HEAD: Final = 1 << 14


def find(source: Path, options: Options) -> Keys | None:
    """The keys of `[task]` for a table with a column of texts and one of what is shorter, by usual names, each with a
    reason; none where a source is something else.

    Raises:
        DataError: it holds such a table, and a person wants something else of it.
    """
    names = _names(source)
    if not names or not all(suffix_of(name) in (*TABLES, ".json") for name in names) or not _may_hold(source, names[0]):
        return None
    try:
        opened = open_source(source, Path(), replace(options, input="table", names=(), missing=(), lists=True))
    except ConcoursError:
        return None  # who reads it as a table says what is wrong
    table = opened.x
    if not isinstance(table, pa.Table):
        return None
    texts = [field.name for field in table.schema if pa.types.is_string(field.type) or pa.types.is_list(field.type)]
    short = usual(_SUMMARIES, texts)
    long = usual(_DOCUMENTS, [name for name in texts if name != short])
    if short is None or long is None or _LABELS & set(map(folded, table.column_names)):
        return None
    wanted = next(iter(options.names), None)
    if wanted not in (None, short):
        raise DataError(f"--target: {source} holds texts ({long}) with their summaries ({short}), not {wanted!r}")
    references = lists_of(table[short])
    lengths = float(np.mean([len(text) for row in references for text in row] or [0]))
    read = float(np.mean([len(text) for text in strings(table[long]).to_pylist()] or [0]))
    if not _LEAST <= lengths <= _SHORTER * read:
        return None
    apart = opened.test if isinstance(opened.test and opened.test.x, pa.Table) else None
    several = max(
        len(row) for part in (opened, apart) if part is not None and short in part.x.column_names  # type: ignore[union-attr]
        for row in lists_of(part.x[short])  # type: ignore[index]
    )  # fmt: skip
    keys: Keys = {
        "data": (str(source), f"{len(table):,} texts{f', {len(apart.x):,} more judge' if apart else ''}"),
        "text": (long, f"{read:,.0f} characters on average{_parted(table, long)}"),
        "target": (
            short,
            f"{'named by --target: ' if wanted else ''}{lengths:,.0f} characters on average"
            + (f"; up to {several} a text, of which the best counts" if several > 1 else ""),
        ),
    }
    if none := sum(not row for row in references):
        keys["on_bad_row"] = ("skip", f"{none:,} texts have no summary")
    if apart is None:
        keys["split"] = ({"test": 0.2, "group": "duplicates"}, "a text that is there twice is on one side")
    return keys


def _names(source: Path) -> list[str]:
    if source.is_dir() or is_archive(source.name):
        return content_names(files_of(source))
    return [source.name]


def _may_hold(source: Path, first: str) -> bool:
    """Whether the beginning of the first file has usual names of both columns; one that is no text may."""
    try:
        whole = source.is_dir() or is_archive(source.name)
        entry = files_of(source).entry(first) if whole else entry_at(source, whole=False)
        with damage_named(first), entry.open() as file:
            head = file.read(_HEAD).lower()
    except (ConcoursError, OSError):
        return False  # who reads it as a table says what is wrong
    return b"\0" in head or all(any(name.encode() in head for name in names) for names in (_DOCUMENTS, _SUMMARIES))


def _parted(table: pa.Table, column: str) -> str:
    return ", as lists of sentences" if pa.types.is_list(table[column].type) else ""
