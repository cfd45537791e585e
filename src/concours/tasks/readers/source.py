"""Any source as what it is: a file, a folder, an archive, one of its members, a name, several files as one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from concours.core.errors import DataError
from concours.core.visible import shortened
from concours.tasks.readers import arff, arrays, delimited, named, tables
from concours.tasks.readers.archives import Entry, entry_at, files_of, is_archive, member_of
from concours.tasks.readers.damage import damage_named, existing
from concours.tasks.readers.folders import read_files
from concours.tasks.readers.foreign import PROSE, looks_like_prose
from concours.tasks.readers.idx import is_idx, read_idx
from concours.tasks.readers.lines import labelled_lines
from concours.tasks.readers.listing import TEXTS, layout_of, suffix_of
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.pictured import path_column, read_pictured
from concours.tasks.readers.pictures import PICTURES, read_pictures
from concours.tasks.readers.settled import settled
from concours.tasks.readers.sounds import SOUNDS, UNREAD
from concours.tasks.readers.stacked import like_first, stacked
from concours.tasks.readers.svmlight import SUFFIXES as SVMLIGHT
from concours.tasks.readers.svmlight import is_of_queries, read_svmlight
from concours.tasks.readers.text import cleaned, decoded, empty_lines, lines_of

_TYPED = {
    ".parquet": tables.read_parquet,
    ".pq": tables.read_parquet,
    ".jsonl": tables.read_json,
    ".ndjson": tables.read_json,
    ".json": tables.read_json,
    ".arrow": tables.read_arrow,
    ".feather": tables.read_arrow,
    ".ipc": tables.read_arrow,
    ".npz": arrays.read_npz,
    ".npy": arrays.read_npy,
}
_NAMED = {"sklearn:": named.open_sklearn, "openml:": named.open_openml}


def open_source(source: str | Path | Sequence[str | Path], folder: Path, options: Options | None = None) -> Opened:
    """What is in a source, without knowing what is asked of it.

    Args:
        source: a file, a folder, an archive, `archive.zip:member.csv`, `sklearn:NAME`, `openml:ID`, or several files
            that are one table.
        folder: where relative paths begin.

    Raises:
        DataError: the source is missing, damaged, unsafe, or of no format that is read.
    """
    options = options or Options()
    name = source[0] if isinstance(source, (list, tuple)) and source else source
    with damage_named(shortened(Path(str(name)).name)):
        return settled(_open(source, folder, options), options)


def _open(source: str | Path | Sequence[str | Path], folder: Path, options: Options) -> Opened:
    """A source whose cells of text are strings still."""
    if isinstance(source, (list, tuple)):
        return stacked(_opened_alike(source, folder, options), source, options)
    text = str(source)
    for prefix, open_named in _NAMED.items():
        if text.startswith(prefix):
            return open_named(text.removeprefix(prefix), options)
    path = folder / text
    if (inner := member_of(path)) and not os.path.lexists(path):
        archive, member = inner
        return open_entry(files_of(existing(archive)).entry(member), options)
    existing(path)
    if options.unit is not None and suffix_of(path.name) in PICTURES:
        read = read_pictures(files_of(path.parent), [path.name], options)
        return Opened(x=read.x, name=path.name, files=(path.name,), warnings=tuple(read.warnings))
    if not path.is_dir() and not is_archive(path.name):
        return open_entry(entry_at(path), options)
    return read_files(
        files_of(path),
        options,
        open_entry,
        lambda name: _open(path / name, Path(), options),
    )


def open_entry(entry: Entry, options: Options) -> Opened:
    """A file whose cells of text are strings still. Raises DataError."""
    with damage_named(entry.name):
        opened = _read_entry(entry, options)
    if entry.path is not None and options.input in (None, "image") and isinstance(opened.x, pa.Table):
        return _with_pictures(entry.path, opened, options)
    return opened


def _read_entry(entry: Entry, options: Options) -> Opened:
    suffix = suffix_of(entry.name)
    if suffix in PICTURES:
        raise DataError(f"{entry.name} is one picture; give the folder or archive that holds a folder of them a class")
    if suffix in (*SOUNDS, *UNREAD):
        raise DataError(f"{entry.name} is one recording of sound; give the folder that holds a folder of them a class")
    if is_idx(entry.name):
        return Opened(x=arrays.rows_of_array(read_idx(entry), entry.name), name=entry.name)
    if suffix in _TYPED:
        return _TYPED[suffix](entry)
    if suffix == ".arff":
        return arff.read_arff(entry, options)
    if suffix in SVMLIGHT:
        return read_svmlight(entry, options)
    if suffix in (*TEXTS, ""):
        return _read_text(entry, options)
    return delimited.read_delimited(entry, options)


def _read_text(entry: Entry, options: Options) -> Opened:
    """A file of text whose name says no more than that: lines of text, or a table."""
    with damage_named(entry.name), entry.open() as file:
        content = file.read()
    if options.input in (None, "table") and is_of_queries(content):
        return read_svmlight(entry, options)
    if options.input != "table" and (found := _lines(entry, content, options)):
        return found
    return delimited.read_delimited(entry, options)


def _lines(entry: Entry, content: bytes, options: Options) -> Opened | None:
    """Texts, a row a line, where lines bring their labels or texts are asked for and no column is; else none."""
    if b"\0" in content[:1000] and options.input != "text":
        return None
    (text,), guess = decoded([content], options.encoding, entry.name)
    text = cleaned(text)
    lines = [line.strip() for line in lines_of(text)]
    notes = [f"encoding {guess}"] if guess else []
    warnings = tuple(empty_lines({entry.name: text}))
    known = tuple(str(label) for label in options.classes)
    if found := labelled_lines(lines, entry.name, known):
        texts, labels, how = found
        x, y = pa.chunked_array([pa.array(texts, pa.string())]), np.asarray(labels, dtype=object)
        notes.append(f"a row a line, its label {how}")
        return Opened(x=x, y=y, name=entry.name, unit="line", notes=tuple(notes), warnings=warnings)
    columns = [name for name in options.names if lines and name in lines[0]]
    if options.input is None and not columns and looks_like_prose(lines) and not has_cells(lines):
        raise DataError(f"{entry.name} {PROSE}")
    if options.input != "text" or (options.names and len(columns) == len(options.names)):
        return None
    x = pa.chunked_array([pa.array(lines, pa.string())])
    return Opened(x=x, name=entry.name, unit="line", notes=tuple(notes), warnings=warnings)


def has_cells(lines: Sequence[str]) -> bool:
    """Whether lines have as many of some delimiter each."""
    some = lines[:500]
    return any(len({line.count(mark) for line in some}) == 1 and mark in some[0] for mark in "\t,;|")


def _with_pictures(path: Path, opened: Opened, options: Options) -> Opened:
    """The pictures that a column of a table names, where they lie beside it; else the table as it is."""
    assert isinstance(opened.x, pa.Table)  # noqa: S101 (for the type checker)
    column = path_column(opened.x)
    if column is None:
        return opened
    files = files_of(path.parent)
    layout = layout_of(files)
    if layout.sort == "pictures":
        mine = replace(layout, tables=(path.name,), labels={})
        if found := read_pictured(files, mine, options, _read_entry):
            return replace(found, name=opened.name)
    said = f"{opened.name}: column {column!r} names pictures that do not lie in {path.parent}: it is read as words"
    if options.input == "image":
        raise DataError(said.removesuffix(": it is read as words") + "; put them there, by the paths that it names")
    return replace(opened, warnings=(*opened.warnings, said))


def _opened_alike(sources: Sequence[str | Path], folder: Path, options: Options) -> list[Opened]:
    """Several sources; what the first calls its columns tells whether the others have a header."""
    parts: list[Opened] = []
    for source in sources:
        parts.append(_open(source, folder, like_first(options, parts[0]) if parts else options))
    return parts
