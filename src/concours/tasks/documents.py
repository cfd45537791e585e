"""Documents: whole texts from a file, a folder or an archive of them, a column of a table, or a list in Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from concours.core.errors import DataError
from concours.tasks.given import given_rows
from concours.tasks.places import row_number
from concours.tasks.readers.archives import Files, files_of, is_archive, member_of
from concours.tasks.readers.damage import damage_named, existing
from concours.tasks.readers.header import absent
from concours.tasks.readers.listing import TABLES, content_names, suffix_of, told_by_paths
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.pictures import PICTURES
from concours.tasks.readers.sounds import SOUNDS, UNREAD
from concours.tasks.readers.source import open_source
from concours.tasks.readers.text import cleaned, decoded, refuse_packed
from concours.tasks.task import Task
from concours.tasks.texts import strings, text_columns

_TABLES: Final = (*TABLES, ".json")
_NO_DOCUMENTS: Final = (*_TABLES, *PICTURES, *SOUNDS, *UNREAD, ".pdf", ".db", ".mp4", ".mov", ".avi", ".mkv")
_HEAD = 8


@dataclass(frozen=True, kw_only=True)
class Documents:
    """The documents of one part of a source.

    Attributes:
        texts: none blank, in their order.
        name: of the source, for people.
        left_out: how many were left out, as `on_bad_row` says.
        notes, warnings: what was found out, and what a person should know.
    """

    texts: tuple[str, ...]
    name: str
    left_out: int = 0
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def documents(source: Any, folder: Path, task: Task) -> list[Documents]:
    """What is to be fitted on, and then, where the names of files set that apart, what judges.

    A file of text is a document, whatever it is called; a table (`.jsonl`, `.csv`, `.parquet`) has one in each row.

    Raises:
        DataError: there is none, or one is blank, broken, or in no encoding.
    """
    if not isinstance(source, (str, Path)):
        return [_given(source, task)]
    path = folder / source
    if inner := member_of(path):
        return [_read(files_of(existing(inner[0])), inner[0], [inner[1]], task)]
    if not existing(path).is_dir() and not is_archive(path.name):
        return [_read(files_of(path.parent), path.parent, [path.name], task)]
    with damage_named(path.name):
        files = files_of(path)
        names = content_names(files)
        if path.is_dir() and len(names) == 1 and is_archive(names[0]):
            return documents(names[0], path, task)
        chosen, notes = _chosen(names, files.name)
        train, test, told = _parted(chosen)
    parts = [_read(files, path, some, task) for some in (train, test) if some]
    return [replace(parts[0], notes=(*notes, *told, *parts[0].notes)), *parts[1:]]


def texts_in(names: Sequence[str]) -> list[str]:
    """Those files that are texts, by their names."""
    return [name for name in names if suffix_of(name) not in _NO_DOCUMENTS and not is_archive(name)]


def _chosen(names: Sequence[str], source: str) -> tuple[list[str], list[str]]:
    """The texts of a folder, or, where there are none, its tables; and what is left aside."""
    texts, tables = texts_in(names), [name for name in names if suffix_of(name) in _TABLES]
    chosen = texts or tables
    if not chosen:
        raise DataError(f"{source} holds no text and no table of texts; it has: {', '.join(names[:5]) or 'nothing'}")
    aside = [name for name in names if name not in set(chosen)]
    return chosen, [f"left aside: {', '.join(aside[:3])}{', …' if len(aside) > 3 else ''}"] if aside else []


def _parted(names: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """What is fitted on, what judges, and what is to be said of that: by the words train, valid and test in paths."""
    part = {name: found for name, (found, _) in told_by_paths(names).items()}
    judge = next((each for each in ("test", "valid") if each in part.values()), None)
    if judge is None or "train" not in part.values():
        return list(names), [], []
    test = [name for name in names if part[name] == judge]
    told = ["the files of valid are fitted on, beside test"] if judge == "test" and "valid" in part.values() else []
    return [name for name in names if part[name] != judge], test, told


def _read(files: Files, path: Path, names: Sequence[str], task: Task) -> Documents:
    """Documents of files, those of each behind the ones before."""
    texts, places, notes, warnings, left = list[str](), list[str](), list[str](), list[str](), 0
    for name in names:
        if suffix_of(name) in _TABLES:
            rows, said, opened = _of_table(path, name, task)
            texts += rows
            places += [f"{name}, row {row_number(opened.rows, place)}" for place in range(len(rows))]
            warnings, left = [*warnings, *opened.warnings], left + opened.left_out
        else:
            text, said = _text(files, name, task.encoding)
            texts.append(text)
            places.append(name)
        notes += said
    name = names[0] if len(names) == 1 else files.name
    found = Documents(texts=tuple(texts), name=name, left_out=left, notes=tuple(notes), warnings=tuple(warnings))
    return _checked(found, places, task)


def _text(files: Files, name: str, encoding: str | None) -> tuple[str, list[str]]:
    with damage_named(name), files.entry(name).open() as file:
        content = file.read()
    refuse_packed(content[:_HEAD], name)
    (text,), guess = decoded([content], encoding, name)
    return text, [f"{name}: encoding {guess}"] if guess else []


def _of_table(path: Path, name: str, task: Task) -> tuple[list[str], list[str], Opened]:
    """The documents of a table, what is said of them, and the table."""
    source = path / name if path.is_dir() else f"{path}:{name}"
    options = Options(
        header=task.header,
        names=task.text,
        encoding=task.encoding,
        on_bad_row=task.on_bad_row,
        input="table",
        written=task.text,
        missing=(),
    )
    opened = open_source(str(source), Path(), options)
    if not isinstance(opened.x, pa.Table):
        raise DataError(f"{name} holds no table with a column of texts")
    texts, said = _column(opened.x, name, task)
    return texts, [*opened.notes, *said], opened


def _column(table: pa.Table, name: str, task: Task) -> tuple[list[str], list[str]]:
    """The texts of the column that the task names, or of that with the longest ones; gaps are empty."""
    if len(task.text) > 1:
        raise DataError(f"task.text: {name}: one column of documents was expected, got {', '.join(task.text)}")
    column = task.text[0] if task.text else text_columns(table, name)[0]
    if column not in table.column_names:
        raise DataError(f"task.text: {name} has no column {column!r}; {absent(column, table.column_names)}")
    others = table.num_columns - 1
    said = [f"{name}: the documents are its column {column!r}"] if others and not task.text else []
    return strings(table[column]).to_pylist(), said


def _given(source: Any, task: Task) -> Documents:
    """Objects of Python: a list of texts, or a frame with a column of them."""
    name, notes = task.name or "the data", list[str]()
    table = hasattr(source, "columns") or isinstance(source, dict)
    with damage_named(name):
        given = given_rows(source, "table" if table else "text", name).x
    if isinstance(given, pa.Table):
        texts, notes = _column(given, name, task)
    else:
        assert isinstance(given, pa.ChunkedArray)  # noqa: S101 (for the type checker)
        texts = given.to_pylist()
    places = [f"text {number}" for number in range(1, len(texts) + 1)]
    return _checked(Documents(texts=tuple(texts), name=name, notes=tuple(notes)), places, task)


def _checked(found: Documents, places: Sequence[str], task: Task) -> Documents:
    """Documents without those that are blank, where that is asked for; else none may be."""
    texts = [cleaned(text or "") for text in found.texts]
    blank = [place for place, text in zip(places, texts, strict=True) if not text.strip()]
    if not blank:
        return replace(found, texts=tuple(texts))
    first = blank[0] if blank[0].startswith(found.name) else f"{found.name}: {blank[0]}"
    if len(blank) == len(texts):
        raise DataError(f"{first} is empty" + (f", as are all {len(texts)} documents there" if len(texts) > 1 else ""))
    if task.on_bad_row == "fail":
        raise DataError(
            f'{first} is empty; {len(blank)} such documents of {len(texts):,}; on_bad_row = "skip" in [task] leaves '
            "them out"
        )
    warning = f"{found.name}: {len(blank)} empty documents were left out; first: {blank[0]}"
    return replace(
        found,
        texts=tuple(text for text in texts if text.strip()),
        left_out=found.left_out + len(blank),
        warnings=(*found.warnings, warning),
    )
