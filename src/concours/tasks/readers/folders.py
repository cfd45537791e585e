"""What lies in a folder or an archive: one table, a folder a class, or a file a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.tasks.readers.archives import Entry, Files, is_archive
from concours.tasks.readers.opened import Opened, Options, Rows
from concours.tasks.readers.pictures import PICTURES, read_pictures
from concours.tasks.readers.text import cleaned, decoded, lines_of

TABLES = (
    ".csv",
    ".tsv",
    ".tab",
    ".parquet",
    ".pq",
    ".jsonl",
    ".ndjson",
    ".arrow",
    ".feather",
    ".ipc",
    ".arff",
    ".npz",
    ".npy",
)
_PACKINGS = (".gz", ".bz2", ".xz")
_ASIDE = ("readme", "license", "licence", "copying", "citation", "changelog", "notice", "thumbs")
_NO_TEXT = (".md", ".rst", ".html", ".pdf", ".json", ".toml", ".yaml", ".yml", ".names", ".py", ".db")
_TEST, _TRAIN = ("test", "testing"), ("train", "training", "trainset")
_VALIDATION = ("val", "valid", "validation")


@dataclass(frozen=True)
class _Labelled:
    """A file, which part it is in, and the class that its place tells."""

    name: str
    test: bool
    label: str | None


def tables_in(files: Files) -> list[str]:
    """The tables of a folder or archive, by name."""
    return [name for name in _content_names(files) if suffix_of(name) in TABLES]


def suffix_of(name: str) -> str:
    """The ending of a name that tells the format, without that of its compression."""
    path = PurePosixPath(name.lower())
    return PurePosixPath(path.stem).suffix if path.suffix in _PACKINGS else path.suffix


def read_files(
    files: Files, options: Options, read_table: Callable[[Entry], Opened], open_inner: Callable[[str], Opened]
) -> Opened:
    """What is in a folder or an archive. README files and the like do not count.

    - Pictures, or texts, in a folder a class, perhaps under `train` and `test`. A folder
      `val` (`valid`, `validation`) is the test part where there is no `test`, and joins `train` where there is;
    - texts, a row a line, in a file a class;
    - one table, or a pair whose names differ by `train` and `test`; one archive in a folder.

    Raises:
        DataError: there is nothing of the kind, or several tables to choose from.
    """
    names = _content_names(files)
    pictures = [name for name in names if suffix_of(name) in PICTURES]
    tables = [name for name in names if suffix_of(name) in TABLES]
    archives = [name for name in names if is_archive(name)]
    known = {*pictures, *tables, *archives}
    texts = [name for name in names if name not in known and suffix_of(name) not in _NO_TEXT]
    if len(pictures) > len(texts) and len(pictures) >= len(tables):
        return _pictures(files, pictures, options)
    if tables:
        return _tables(files, tables, read_table)
    if archives:
        if len(archives) > 1:
            raise DataError(f"{files.name} holds {len(archives)} archives; name one: {', '.join(archives[:5])}")
        return open_inner(archives[0])
    if not texts:
        raise DataError(
            f"{files.name} holds no table, text or picture; it has: {', '.join(files.names()[:5]) or 'nothing'}"
        )
    return _texts(files, texts, options)


def _content_names(files: Files) -> list[str]:
    def counts(name: str) -> bool:
        path = PurePosixPath(name.lower())
        return path.stem not in _ASIDE and not any(part.startswith(".") or part == "__macosx" for part in path.parts)

    return [name for name in files.names() if counts(name)]


def _tables(files: Files, tables: Sequence[str], read_table: Callable[[Entry], Opened]) -> Opened:
    if len(tables) == 1:
        return read_table(files.entry(tables[0]))
    if len(tables) == 2 and (pair := _pair(tables)):
        data, test = (read_table(files.entry(name)) for name in pair)
        note = f"{pair[1]} is the test part"
        return Opened(**{**vars(data), "test": test, "notes": (*data.notes, note)})
    choice = ", ".join(repr(name) for name in sorted(tables)[:6])
    raise DataError(f"{files.name} holds {len(tables)} tables: {choice}; name one, or several as a list")


def _pair(names: Sequence[str]) -> tuple[str, str] | None:
    """Two names that differ in `train` and `test` only, in this order."""
    for train, test in (names, names[::-1]):
        if any(
            word in train.lower() and train.lower().replace(word, "test") == test.lower()
            for word in ("train", "training")
        ):
            return train, test
    return None


def _placed(names: Sequence[str]) -> tuple[list[_Labelled], list[str]]:
    """Parts and classes from paths, sorted by part, class and name; and what validation folders were taken for."""
    paths = [PurePosixPath(name).parts for name in names]
    depth = 0
    while all(len(parts) > depth + 1 for parts in paths) and len({parts[depth] for parts in paths}) == 1:
        depth += 1
    tops = {parts[depth].lower() for parts in paths if len(parts) > depth + 1}
    tests = _TEST if tops & set(_TEST) else _VALIDATION
    parted = bool(tops & set(tests)) and bool(tops & set(_TRAIN))
    aside = sorted(tops & set(_VALIDATION)) if parted else []
    taken = "is the test part" if tests is _VALIDATION else "joins train, beside test"
    placed = []
    for name, parts in zip(names, paths, strict=True):
        rest = parts[depth:]
        test = parted and rest[0].lower() in tests
        rest = rest[1:] if parted and len(rest) > 1 else rest
        placed.append(_Labelled(name, test, rest[0] if len(rest) > 1 else None))
    placed.sort(key=lambda file: (file.test, file.label or "", file.name))
    return placed, [f"folder {top!r} {taken}" for top in aside]


def _pictures(files: Files, names: Sequence[str], options: Options) -> Opened:
    placed, taken = _placed(names)
    read = read_pictures(files, [file.name for file in placed], options)
    kept = [placed[row] for row in read.kept]
    return _parted(files.name, read.x, kept, [*read.notes, *taken], read.warnings)


def _texts(files: Files, names: Sequence[str], options: Options) -> Opened:
    placed, taken = _placed(names)
    if options.labelled and all(file.label is None for file in placed):
        return _file_a_class(files, sorted(names), options)
    order = {file.name: row for row, file in enumerate(placed)}
    contents = [b""] * len(placed)
    for name, content in files.contents(order):
        contents[order[name]] = content
    texts, guess = decoded(contents, options.encoding, files.name)
    x = pa.chunked_array([pa.array([cleaned(text).strip() for text in texts], pa.string())])
    notes = [f"{len(texts)} files of text", *taken]
    return _parted(files.name, x, placed, notes, _guess_said(guess, files.name))


def _file_a_class(files: Files, names: Sequence[str], options: Options) -> Opened:
    """A row a line, and a class a file: its name, as far as the names differ."""
    contents = dict(files.contents(names))
    texts, guess = decoded([contents[name] for name in names], options.encoding, files.name)
    lines = [lines_of(cleaned(text)) for text in texts]
    flat = [line.strip() for some in lines for line in some]
    x = pa.chunked_array([pa.array(flat, pa.string())])
    y = None if len(names) == 1 else np.repeat(_distinct(names), [len(some) for some in lines]).astype(object)
    notes = [f"{len(flat)} lines of text in {len(names)} files"]
    return Opened(x=x, y=y, name=files.name, notes=tuple(notes), warnings=tuple(_guess_said(guess, files.name)))


def _distinct(names: Sequence[str]) -> list[str]:
    stems = [PurePosixPath(name).stem for name in names]
    return stems if len(set(stems)) == len(stems) else [PurePosixPath(name).suffix.lstrip(".") for name in names]


def _guess_said(guess: str | None, name: str) -> list[str]:
    return [f"{name} is not all UTF-8; the rest was read as {guess} (task.encoding says otherwise)"] if guess else []


def _parted(name: str, x: Rows, placed: Sequence[_Labelled], notes: list[str], warnings: list[str]) -> Opened:
    """The rows up to the first of the test part, and those from there."""
    train = sum(not file.test for file in placed)
    labels = [file.label for file in placed]
    if None in labels and any(labels):
        lone = next(file.name for file in placed if file.label is None)
        raise DataError(f"{name}: {lone!r} lies beside the folders of the classes and has none")
    y: NDArray[np.object_] | None = np.asarray(labels, dtype=object) if labels[0] is not None else None
    if y is not None:
        notes = [*notes, f"{len(Counter(labels))} classes, a folder each"]
    if train in (0, len(placed)):
        return Opened(x=x, y=y, name=name, notes=tuple(notes), warnings=tuple(warnings))
    test = Opened(x=x[train:], y=None if y is None else y[train:], name=f"{name} (test)")
    notes = [*notes, f"{train} rows under train, {len(placed) - train} under test"]
    return Opened(
        x=x[:train],
        y=None if y is None else y[:train],
        name=name,
        test=test,
        notes=tuple(notes),
        warnings=tuple(warnings),
    )
