"""Pictures whose labels stand in a table beside them, or whose names a table has in a column."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import counted
from concours.tasks.readers.archives import Entry, Files
from concours.tasks.readers.listing import Layout, by_names, part_of, stem_of
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.pictures import PICTURES, read_pictures

_LABELS = ("label", "labels", "class", "category", "target", "y", "species", "breed", "name", "diagnosis")
_SPLITS = ("split", "set", "subset", "part", "partition", "usage")
_NUMBERED = re.compile(r"(?<=\w)#\d+$")
_MOST = 0.9  # of the values of a column: that many name pictures


@dataclass(frozen=True, kw_only=True)
class _Named:
    """A table, the column that names pictures, and the picture of each row; none where it is not there."""

    table: pa.Table
    name: str
    column: str
    files: list[str | None]


def read_pictured(
    files: Files, layout: Layout, options: Options, read_table: Callable[[Entry, Options], Opened]
) -> Opened | None:
    """The pictures that a table beside them names, in its order, with their labels; none where no table does.

    The label is the column that the task names, else the only other one, else the one that is called so. A column of
    train, valid and test divides the rows; so does a second table that is called test.

    Raises:
        DataError: rows name pictures that are not there, or it is not clear which column is the label.
    """
    pictures = (*layout.train, *layout.test)
    parts = by_names(layout.tables, "tables", files.name)
    found = {
        name: named
        for name in (*parts.train, *parts.valid, *parts.test)
        if (named := _named(read_table(files.entry(name), replace(options, input="table")), name, pictures))
    }
    train = next((found[name] for name in parts.train if name in found), None)
    if train is None:
        return None
    label = _label(train, options)
    rest = [PurePosixPath(name).name for name in layout.tables if name != train.name]
    test = next((found[name] for name in parts.test if name in found and label in found[name].table.column_names), None)
    data, judge = _divided(_rows(files, train, label, options), train)
    if judge is None and test is not None:
        judge = _rows(files, test, label, replace(options, shape=tuple(data.x.shape[1:])))
        rest.remove(PurePosixPath(test.name).name)
    without = len(pictures) - len({name for named in found.values() for name in named.files if name})
    notes = [f"{PurePosixPath(train.name).name} names the pictures by {train.column!r}"]
    notes += [f"left aside: {counted(without, 'picture')} that it does not name"] if without else []
    notes += [f"left aside: {', '.join(rest[:5])}"] if rest else []
    return replace(data, test=judge, notes=(*data.notes, *notes))


def path_column(table: pa.Table) -> str | None:
    """The column whose values are all names of picture files, if there is one."""
    for field in table.schema:
        if pa.types.is_string(field.type):
            head = table[field.name].slice(0, 1000).to_pylist()
            if head and all(value and value.strip().lower().endswith(PICTURES) for value in head):
                return field.name
    return None


def _named(opened: Opened, name: str, pictures: Sequence[str]) -> _Named | None:
    """The column of a table that names pictures, by path, name, or name without an ending."""
    if not isinstance(opened.x, pa.Table):
        return None
    known = by_tail(pictures)
    part = part_of(stem_of(name))[0]
    best: _Named | None = None
    for column in opened.x.column_names:
        values = [_plain(value) for value in opened.x[column].to_pylist()]
        files = [_found(known, value, part) for value in values]
        matched = sum(file is not None for file in files)
        if matched >= _MOST * len(files) and (best is None or matched > len(best.files) - best.files.count(None)):
            best = _Named(table=opened.x, name=name, column=column, files=files)
    return best


def _found(known: Mapping[str, list[str]], value: str, part: str | None) -> str | None:
    """The one picture that a cell names, whose path may begin in a folder above."""
    steps = value.split("/")
    tails = ("/".join(steps[start:]) for start in range(len(steps)))
    return next((_picked(known[tail], part) for tail in tails if tail in known), None)


def by_tail(pictures: Sequence[str]) -> Mapping[str, list[str]]:
    """Pictures by every end of their path, with and without the ending."""
    known: dict[str, list[str]] = {}
    for name in pictures:
        parts = PurePosixPath(name).parts
        for start in range(len(parts)):
            tail = "/".join(parts[start:])
            for key in {tail, tail[: -len(PurePosixPath(tail).suffix)]}:
                known.setdefault(key, []).append(name)
    return known


def _picked(candidates: Sequence[str], part: str | None) -> str | None:
    """Of pictures of one name, that of the table's part; none where it stays open."""
    if len(candidates) > 1:
        candidates = [name for name in candidates if part_of(" ".join(PurePosixPath(name).parts[:-1]))[0] == part]
    return candidates[0] if len(candidates) == 1 else None


def _plain(value: Any) -> str:
    """The name of a picture in a cell; `a.jpg#2` is the third text about `a.jpg`."""
    text = str(value).strip().replace("\\", "/")
    return _NUMBERED.sub("", text.removeprefix("./"))


def _label(named: _Named, options: Options) -> str | None:
    """The column of the labels; none where only pictures are asked for."""
    if options.unit is not None:
        return None
    others = [name for name in named.table.column_names if name != named.column and not _splits(named.table, name)]
    wanted = [name for name in options.names if name in others]
    called = [name for name in others if name.strip().lower() in _LABELS]
    if wanted or len(others) == 1:
        return (wanted or others)[0]
    if called:
        return called[0]
    file = PurePosixPath(named.name).name
    if not others:
        raise DataError(f"{file} names pictures by {named.column!r} and has no column with their labels")
    raise DataError(f"{file} has {len(others)} columns beside {named.column!r}: say which is the label by --target, "
                    f"or target in [task]: {', '.join(others[:12])}")  # fmt: skip


def _rows(files: Files, named: _Named, label: str | None, options: Options) -> Opened:
    """The pictures and labels of a table."""
    file = PurePosixPath(named.name).name
    lost = [row for row, name in enumerate(named.files) if name is None]
    value = named.table[named.column][lost[0]].as_py() if lost else None
    if lost and options.on_bad_row == "fail":
        raise DataError(
            f"{file}: {len(lost)} of {len(named.files)} rows name no picture that is there, or more than one; first in "
            f'row {lost[0] + 1}, {value!r}; mend them, or leave such rows out by on_bad_row = "skip" in [task]'
        )
    untold = _untold(named.table, label) if options.on_bad_row == "skip" else set()
    rows = [row for row, name in enumerate(named.files) if name is not None and row not in untold]
    names = [str(named.files[row]) for row in rows]
    distinct = list(dict.fromkeys(names))
    read = read_pictures(files, distinct, options)
    place = {distinct[kept]: at for at, kept in enumerate(read.kept)}
    chosen = [(row, place[name]) for row, name in zip(rows, names, strict=True) if name in place]
    said = [f"{file}: {counted(len(lost), 'row')} without a picture left out; first: {value!r}"] if lost else []
    if bare := untold - {*lost}:
        said.append(f"{file}: {counted(len(bare), 'row')} without {label!r} left out; first in row {min(bare) + 1}")
    warnings = [*read.warnings, *said]
    y = None if label is None else _values(named.table, label, [row for row, _ in chosen], file)
    return Opened(
        x=read.x[[at for _, at in chosen]],
        y=y,
        target=label,
        name=files.name,
        notes=tuple(read.notes),
        warnings=tuple(warnings),
        rows=np.array([row for row, _ in chosen], dtype=np.int64),
    )


def _untold(table: pa.Table, label: str | None) -> set[int]:
    """The rows without a label."""
    return set() if label is None else set(np.flatnonzero(table[label].is_null().to_numpy()).tolist())


def _values(table: pa.Table, label: str, rows: Sequence[int], file: str) -> NDArray[Any]:
    column = table[label].take(pa.array(rows))
    if column.null_count:
        first = rows[int(np.argmax(column.is_null().to_numpy()))] + 1
        raise DataError(f"{file}: the label {label!r} is missing in {column.null_count} rows, first in row {first}")
    if pa.types.is_string(column.type):
        return np.asarray(column.to_pylist(), dtype=object)
    return column.to_numpy(zero_copy_only=False)


def _splits(table: pa.Table, name: str) -> bool:
    """Whether a column says which part a row is in."""
    if name.strip().lower() not in _SPLITS:
        return False
    values = table[name].unique().to_pylist()
    return 1 < len(values) <= 4 and all(isinstance(v, str) and part_of(v)[0] for v in values)


def _divided(opened: Opened, named: _Named) -> tuple[Opened, Opened | None]:
    """Rows of the training and the test part, where a column of the table says so."""
    column = next((name for name in named.table.column_names if _splits(named.table, name)), None)
    if column is None:
        return opened, None
    parts = [part_of(value)[0] for value in named.table[column].to_pylist()]
    judge = "test" if "test" in parts else "valid"
    assert opened.rows is not None  # noqa: S101 (for the type checker)
    of = np.array([parts[row] == judge for row in opened.rows])
    if of.all() or not of.any():
        return opened, None

    def some(mask: NDArray[np.bool_], name: str) -> Opened:
        return replace(
            opened,
            x=opened.x[mask],
            y=None if opened.y is None else opened.y[mask],
            name=name,
            rows=None if opened.rows is None else opened.rows[mask],
        )

    data = replace(some(~of, opened.name), notes=(*opened.notes, f"{column!r} says which rows are the test part"))
    return data, some(of, f"{opened.name} (test)")
