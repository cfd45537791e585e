"""Sounds with classes: files in folders or archives, and what their places, their names or a table say of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import counted
from concours.tasks.file_names import with_parts
from concours.tasks.ids import ids_of
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.places import Places, in_source, places_of
from concours.tasks.readers.archives import Files, files_of, is_archive
from concours.tasks.readers.damage import damage_named, existing
from concours.tasks.readers.header import absent
from concours.tasks.readers.listing import TABLES, by_names, by_places, content_names, suffix_of
from concours.tasks.readers.opened import LEAVE_OUT, Opened, Options, Rows
from concours.tasks.readers.pictured import by_tail
from concours.tasks.readers.sounds import SOUNDS, UNREAD, read_sounds
from concours.tasks.readers.sounds_given import given_sounds
from concours.tasks.readers.source import open_source
from concours.tasks.reading import Data, split_off, with_target
from concours.tasks.task import Task
from concours.tasks.weights import require_column, weights_apart

FILE: Final = "file"
"""The column of the paths of files, which every source has."""
FOLDER: Final = "folder"
"""The column of the folders that files lie in, where there is one a class."""

_TARGET = "target"
_MOST = 0.9  # of the values of a column: that many name sounds
_SAMPLES = 2**31 - 1
_HOW = (
    "lay sounds into a folder a class, give a table with a column of their files and one of their labels, or say what "
    'their names tell, as file_name = "{label}_{speaker}_{number}" and target = "label"'
)


def read(
    task: Task, kind: Kind, folder: Path, *, told: Telling = lambda found, task: (found, task)
) -> tuple[Data, Data | None]:
    """Sounds: a table of `sound`, lists of int16 samples, `rate`, how many a second, the same for all, and the columns
    by which rows are split; and those that judge.

    Args:
        told: what each part is with a target for every row, and the task with that named.

    Raises:
        ContestError, DataError: the data is missing, damaged, or does not suit the task.
    """
    require_taken(task, kind)
    found = _recorded(task.data, "task.data", folder, task)
    judging = found[1:] if task.test is None else _recorded(task.test, "task.test", folder, task)
    task = replace(task, target=_TARGET) if task.target is not None and task.target_column is None else task
    data = _data(*told(found[0], task), kind)
    if not judging:
        return data, None
    require_column(task.weight)
    return data, _data(*told(_together(judging), task), kind, rate=_rate(data.x))


def renew(
    source: Any,
    like: Rows,
    *,
    told: Callable[[str], None] = lambda text: None,
    **more: Any,  # what other renewers are told
) -> tuple[Rows, Opened]:
    """New sounds at the rate of those that models were fitted on; beside them, what their source says of them.

    Raises:
        DataError: there are none, or they cannot be read.
    """
    del more
    parts = _recorded(source, "new rows", Path(), None)
    if len(parts) > 1:
        told(f"{parts[0].files.name}: {len(parts[0]):,} sounds, then the {len(parts[1]):,} of its test part")
    whole = _together(parts)
    read = read_sounds(whole.files, whole.names, rate=_rate(like))
    for warning in read.warnings:
        told(warning)
    return _rows(read.samples, read.rate), Opened(x=whole.table, name=whole.files.name, notes=tuple(read.notes))


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """The sounds of one part of a source, before they are read.

    Attributes:
        names: of the files, one a row.
        table: what is known of each row: `file`, and the columns of a table, or `folder`, and the parts of its name.
        left_out: rows that were left out already.
        rows: which rows of the table that names them they are, where some were left out.
    """

    files: Files
    names: tuple[str, ...]
    table: pa.Table
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    left_out: int = 0
    rows: Places | None = None

    def __len__(self) -> int:
        return len(self.names)

    def some(self, kept: NDArray[np.int64]) -> Recordings:
        """Some of them, by their places; the others are left out."""
        return replace(
            self,
            names=tuple(self.names[place] for place in kept),
            table=self.table.take(pa.array(kept)),
            rows=places_of(self.rows, kept, len(self)),
            left_out=self.left_out + len(self) - len(kept),
        )


Telling = Callable[[Recordings, Task], tuple[Recordings, Task]]


def recorded(path: Path, task: Task | None) -> list[Recordings]:
    """What is to be fitted on, and then, where the source sets that apart, what judges.

    Args:
        task: by whose keys the source is read; by none where rows are only to be predicted.

    Raises:
        ContestError, DataError: there is no sound, or what is there is not as the keys say.
    """
    with damage_named(path.name):
        options = dict(task.options) if task else {}
        files, inner, alone = opened(path)
        names = content_names(files)
        sounds = [name for name in names if suffix_of(name) in SOUNDS]
        if alone and suffix_of(alone) in SOUNDS:
            return [_with_parts(_bare(files, [alone], (), {}), options)]
        tables = [alone] if alone else [name for name in names if suffix_of(name) in TABLES]
        if not sounds:
            raise DataError(f"{path.name} holds no sounds ({', '.join(SOUNDS)} are read)")
        layout = by_places(sounds, "sounds", tables)
        if alone or layout.tables:
            found = _of_tables(files, inner, sounds, tables, task, options)
            if found:
                return [_with_parts(part, options) for part in found]
        notes = (*layout.notes, *_unread(names))
        parts = [_bare(files, part, notes, layout.labels) for part in (layout.train, layout.test) if part]
        return [_with_parts(part, options) for part in parts]


def opened(path: Path) -> tuple[Files, Path, str]:
    """The files of a source, where they lie, and the one of them that is meant, if it is one: a table or a sound.

    A folder that holds nothing but an archive is that archive.
    """
    if not path.is_dir() and not is_archive(path.name):
        return files_of(path.parent), path.parent, path.name
    files = files_of(path)
    if path.is_dir() and len(names := content_names(files)) == 1 and is_archive(names[0]):
        path = path / names[0]
        files = files_of(path)
    return files, path, ""


def target_of(table: pa.Table, named: str | None, name: str, how: str = _HOW) -> str:
    """The column of the labels: that which is named, the folder, or the only one.

    Args:
        how: labels may be told, for whoever has told none.

    Raises:
        DataError: there is no such column, or several might be meant.
    """
    columns = [column for column in table.column_names if column != FILE]
    if named is not None:
        if named not in columns:
            raise DataError(f"task.target: {name} has no column {named!r}; {absent(named, columns)}")
        return named
    if FOLDER in columns or len(columns) == 1:
        return FOLDER if FOLDER in columns else columns[0]
    if columns:
        raise DataError(f"task.target is missing: name the column of the labels; {name} has: {', '.join(columns)}")
    raise DataError(f"{name} has no labels: {how}")


def sound_column(table: pa.Table, sounds: Sequence[str], named: str | None, name: str) -> str | None:
    """The column that names files of sounds, by path or name; none where there is none. Raises DataError."""
    if named is not None and named not in table.column_names:
        raise DataError(f"task.sound: {name} has no column {named!r}; {absent(named, table.column_names)}")
    known = by_tail(sounds)
    for column in [named] if named else table.column_names:
        if named or pa.types.is_string(table[column].type):
            values = [_plain(value) for value in table[column].to_pylist()]
            if named or (values and sum(value in known for value in values) >= _MOST * len(values)):
                return str(column)
    return None


def _recorded(source: Any, key: str, folder: Path, task: Task | None) -> list[Recordings]:
    """Of files, or of objects of Python, whose targets may be given beside them."""
    if isinstance(source, (str, Path)):
        return recorded(existing(folder / source), task)
    files = given_sounds(source, (task.name if task else None) or key)
    table = files.table
    if task is not None and task.target is not None and task.target_column is None:
        target = pa.array(list(task.target))
        if len(target) != len(files.names()):
            raise DataError(f"task.target must have one value a row: expected {len(files.names())}, got {len(target)}")
        table = pa.table({**{name: table[name] for name in table.column_names}, _TARGET: target})
    return [Recordings(files=files, names=tuple(files.names()), table=table)]


def _unread(names: Sequence[str]) -> list[str]:
    """What to say of recordings that are not read."""
    others = [name for name in names if suffix_of(name) in UNREAD]
    return [f"left aside: {len(others):,} sounds that are not read; first: {others[0]}"] if others else []


def _bare(files: Files, names: Sequence[str], notes: Sequence[str], labels: Mapping[str, str]) -> Recordings:
    """Sounds, and the folders that they lie in where these are classes."""
    columns = {FILE: pa.array(names, pa.string())}
    if any(name in labels for name in names):
        if lone := [name for name in names if name not in labels]:
            raise DataError(f"{files.name}: {lone[0]!r} lies beside the folders of the classes and has none")
        columns[FOLDER] = pa.array([labels[name] for name in names], pa.string())
    return Recordings(files=files, names=tuple(names), table=pa.table(columns), notes=tuple(notes))


def _of_tables(
    files: Files,
    path: Path,
    sounds: Sequence[str],
    tables: Sequence[str],
    task: Task | None,
    options: Mapping[str, Any],
) -> list[Recordings]:
    """Sounds that a table names, in its order; a second table that is called test judges."""
    layout = by_names(tables, "tables", files.name)
    found = []
    for part in ((*layout.train, *layout.valid), layout.test):
        read = ((name, _named(files, path, name, sounds, task, options)) for name in part)
        name, first = next(((name, one) for name, one in read if one is not None), ("", None))
        if first is not None:
            aside = [PurePosixPath(other).name for other in part if other != name]
            notes = (*first.notes, *([f"left aside: {', '.join(aside)}"] if aside else []))
            found.append(replace(first, notes=notes))
    return found


def _named(
    files: Files, path: Path, name: str, sounds: Sequence[str], task: Task | None, options: Mapping[str, Any]
) -> Recordings | None:
    source = path / name if path.is_dir() else f"{path}:{name}"
    target = task.target if task else None
    table = open_source(
        str(source),
        Path(),
        Options(
            input="table",
            header=task.header if task else None,
            encoding=task.encoding if task else None,
            written=(str(target),) if target is not None else (),
        ),
    ).x
    if not isinstance(table, pa.Table):
        return None
    file = PurePosixPath(name).name
    column = sound_column(table, sounds, options.get("sound"), file)
    if column is None:
        return None
    known = by_tail(sounds)
    values = [_plain(value) for value in table[column].to_pylist()]
    lost = [row for row, value in enumerate(values) if len(known.get(value, ())) != 1]
    if lost and (task is None or task.on_bad_row == "fail"):
        raise DataError(
            f"{file}: {len(lost)} of {len(values)} rows name no sound that is there, or more than one; first in row "
            f"{lost[0] + 1}, {values[lost[0]]!r}; mend them, or {LEAVE_OUT}"
        )
    rows = np.setdiff1d(np.arange(len(values)), lost)
    names = [known[values[row]][0] for row in rows]
    columns = {one: table[one].take(pa.array(rows)) for one in table.column_names if one not in (column, FILE)}
    notes = [f"{file} names the sounds by {column!r}"]
    said = [f"{counted(len(lost), 'row')} of {file} without a sound left out; first: row {lost[0] + 1}"] if lost else []
    left = len(sounds) - len(set(names))
    notes += [f"{left:,} sounds that it does not name are left aside"] if left else []
    return Recordings(
        files=files,
        names=tuple(names),
        table=pa.table({FILE: pa.array(names, pa.string()), **columns}),
        notes=tuple(notes),
        warnings=tuple(said),
        left_out=len(lost),
        rows=places_of(None, rows, len(values)),
    )


def _with_parts(found: Recordings, options: Mapping[str, Any]) -> Recordings:
    """With a column for each part of the names of files, as `file_name` calls them."""
    return replace(found, table=with_parts(found.table, found.names, options.get("file_name"), found.files.name))


def _together(parts: Sequence[Recordings]) -> Recordings:
    """Parts one behind the other, with the columns that all have."""
    shared = [name for name in parts[0].table.column_names if all(name in part.table.column_names for part in parts)]
    table = pa.concat_tables([part.table.select(shared) for part in parts], promote_options="permissive")
    return replace(parts[0], names=tuple(name for part in parts for name in part.names), table=table)


def _data(found: Recordings, task: Task, kind: Kind, rate: int | None = None) -> Data:
    """Sounds read, with their labels."""
    name, table = found.files.name, found.table
    given = [task.split.group, task.split.time]
    for key, column in (("task.id", task.id), ("task.split.group", given[0]), ("task.split.time", given[1])):
        if column is not None and column not in table.column_names and column != "duplicates":
            raise DataError(f"{key}: {name} has no column {column!r}; {absent(column, table.column_names)}")
    target = target_of(table, None if task.target is None else str(task.target), name)
    rows, told = with_target(table, target, task, name, rows=found.rows)
    read = read_sounds(found.files, [found.names[row] for row in rows], rate=rate, skip=task.on_bad_row == "skip")
    found = found.some(rows[read.kept])
    table = found.table
    with in_source(found.rows):
        _, y = split_off(table, target, name)
        _, weights, alike = weights_apart(table, task.weight, name)
        y = kind.output.checked(y, task, name)
    x = _rows(read.samples, read.rate)
    for column in dict.fromkeys(one for one in given if one in table.column_names):
        x = x.append_column(table.schema.field(column), table[column])
    return Data(
        x=x,
        y=y,
        name=name,
        ids=None if task.id is None else ids_of(table[task.id]),
        left_out=found.left_out,
        rows=found.rows,
        notes=(*found.notes, *read.notes),
        warnings=(*found.warnings, *told, *read.warnings, *alike),
        weights=weights,
        files=found.names,
    )


def _rows(samples: Sequence[np.ndarray[Any, np.dtype[np.int16]]], rate: int) -> pa.Table:
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in samples])])
    if offsets[-1] > _SAMPLES:
        raise DataError(f"{len(samples):,} sounds of {offsets[-1]:,} samples in all: {_SAMPLES:,} at most are taken")
    lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(np.concatenate(samples), pa.int16()))
    return pa.table({"sound": lists, "rate": pa.array(np.full(len(samples), rate, dtype=np.int64))})


def _rate(x: Rows) -> int:
    assert isinstance(x, pa.Table)  # noqa: S101 (for the type checker)
    return int(x["rate"][0].as_py())


def _plain(value: Any) -> str:
    return str(value).strip().replace("\\", "/").removeprefix("./")
