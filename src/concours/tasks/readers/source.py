"""Any source as what it is: a file, a folder, an archive, one of its members, a name, several files as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from concours.core.errors import DataError
from concours.tasks.readers import arff, arrays, delimited, named, tables
from concours.tasks.readers.archives import ARCHIVES, Entry, damage_named, entry_at, existing, files_of, is_archive
from concours.tasks.readers.folders import read_files, suffix_of, tables_in
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.pictures import PICTURES
from concours.tasks.readers.text import cleaned, decoded, lines_of

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
    if isinstance(source, (list, tuple)):
        return _joined(_opened_alike(source, folder, options), source, options)
    text = str(source)
    for prefix, open_named in _NAMED.items():
        if text.startswith(prefix):
            return open_named(text.removeprefix(prefix), options)
    path = folder / text
    if not path.exists() and (inner := _member(path)):
        archive, member = inner
        return _open_entry(files_of(existing(archive)).entry(member), options)
    existing(path)
    if not path.is_dir() and not is_archive(path.name):
        return _open_entry(entry_at(path), options)
    return read_files(
        files_of(path),
        options,
        lambda entry: _open_entry(entry, options),
        lambda name: open_source(path / name, Path(), options),
    )


def tables_of(source: str | Path, folder: Path) -> list[str]:
    """The tables that a folder or an archive holds, each as a source of its own; none for other sources."""
    path = folder / source
    if not path.exists() or not (path.is_dir() or is_archive(path.name)):
        return []
    join = "/" if path.is_dir() else ":"
    return [f"{source}{join}{name}" for name in tables_in(files_of(path))]


def _open_entry(entry: Entry, options: Options) -> Opened:
    suffix = suffix_of(entry.name)
    if suffix in PICTURES:
        raise DataError(f"{entry.name} is one picture; give the folder or archive that holds a folder of them a class")
    if suffix in _TYPED:
        return _TYPED[suffix](entry)
    if suffix == ".arff":
        return arff.read_arff(entry, options)
    if suffix == ".txt" and options.input == "text":
        return _lines(entry, options)
    return delimited.read_delimited(entry, options)


def _lines(entry: Entry, options: Options) -> Opened:
    """Texts, one a line."""
    with damage_named(entry.name), entry.open() as file:
        (text,), guess = decoded([file.read()], options.encoding, entry.name)
    x = pa.chunked_array([pa.array([line.strip() for line in lines_of(cleaned(text))], pa.string())])
    return Opened(x=x, name=entry.name, notes=(f"encoding {guess}",) if guess else ())


def _member(path: Path) -> tuple[Path, str] | None:
    """`archive.zip:member.csv` as its two halves."""
    text = str(path)
    for ending in ARCHIVES:
        head, found, member = text.partition(f"{ending}:")
        if found and member:
            return Path(head + ending), member
    return None


def _opened_alike(sources: Sequence[str | Path], folder: Path, options: Options) -> list[Opened]:
    """Several sources; what the first calls its columns tells whether the others have a header."""
    parts: list[Opened] = []
    for source in sources:
        parts.append(open_source(source, folder, alike(options, parts[0]) if parts else options))
    return parts


def alike(options: Options, first: Opened) -> Options:
    """How to read more of what was opened first: what that calls its columns tells whether there is a header."""
    if not isinstance(first.x, pa.Table):
        return options
    header = options.header if isinstance(options.header, bool) else None
    return replace(options, header=header, names=(*options.names, *first.x.column_names))


def _joined(parts: Sequence[Opened], sources: Sequence[str | Path], options: Options) -> Opened:
    """Tables one below the other; a column that is a whole number here and a number there is a number."""
    if not parts:
        raise DataError("task.data is an empty list; name at least one file")
    found: list[pa.Table] = []
    columns: set[str] = set()
    for part, source in zip(parts, sources, strict=True):
        if not isinstance(part.x, pa.Table):
            raise DataError(f"{part.name} is no table; only tables can be joined by a list of files")
        columns = columns or set(part.x.column_names)
        if set(part.x.column_names) != columns:
            raise DataError(f"{part.name} has other columns than {parts[0].name}: {', '.join(part.x.column_names[:8])}")
        table = part.x
        if options.source is not None:
            if options.source in table.column_names:
                raise DataError(
                    f"task.source: {part.name} has a column {options.source!r} already; choose another name"
                )
            stem = Path(str(source)).name.partition(".")[0]
            table = table.append_column(options.source, pa.repeat(pa.scalar(stem), len(table)))
        found.append(table)
    return replace(
        parts[0],
        x=_concatenated(found),
        name=" + ".join(part.name for part in parts),
        left_out=sum(part.left_out for part in parts),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        warnings=tuple(text for part in parts for text in part.warnings),
    )


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
