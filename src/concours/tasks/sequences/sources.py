"""Where sequences come from: a table with a row a step, `.npz`, `.ts` files, or objects of Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from concours.core.errors import DataError
from concours.tasks.cells import Form, schema_of
from concours.tasks.readers.archives import Entry, entry_at, files_of, is_archive
from concours.tasks.readers.damage import existing
from concours.tasks.readers.listing import by_names, content_names, suffix_of
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.sequences.arrays import of_values, read_npz
from concours.tasks.sequences.gathering import Columns, Sequences, differing, gathered, leave_out, without
from concours.tasks.sequences.settings import checked
from concours.tasks.sequences.tables import opened_table, table_in
from concours.tasks.sequences.ts_files import TARGET, read_ts
from concours.tasks.task import Task

LABELS: Final = (TARGET, "label", "labels", "y", "class", "activity", "gesture", "state")
"""What the column of the target may be called where nobody names it."""

TS: Final = ".ts"
NPZ: Final = ".npz"


def sequences_in(
    source: Any, task: Task, folder: Path, *, verbatim: bool = False, like: Sequences | None = None
) -> list[Sequences]:
    """The sequences of a source, and those that judge where it sets them apart.

    Args:
        verbatim: whether targets stay as a file writes them.
        like: those that models are fitted on, whose channels these must have.

    Raises:
        ContestError, DataError: they are missing, damaged, or do not suit the task.
    """
    found = _apart(source, task, folder)
    if found is None:
        found = _of_table(source, task, folder, verbatim=verbatim, like=like)
    for part in found:
        require_channels(part, found[0] if like is None else like)
    return found


def new_sequences(source: Any, forms: Mapping[str, Form], channels: int, id: str | None) -> Sequences:
    """The sequences of new rows.

    Args:
        forms: of the columns that models were fitted on; none where these were no table.
        channels: how many the fit had.

    Raises:
        DataError: as `sequences_in`.
    """
    found = _apart(source, Task(kind="", data=source), Path())
    if found is not None:
        parts = [part for part in found if len(part.channels) == channels] or found
        return parts[0]
    if not forms or id is None:
        raise DataError(f"{source}: an .npz or .ts file was expected, as models were fitted on one")
    named = tuple(forms)
    opened = table_in(source, Path(), Options(names=(id, *named), written=(id,), like=schema_of(forms)), "new rows")
    assert isinstance(opened.x, pa.Table)  # noqa: S101 (for the type checker)
    time = named[channels] if len(named) > channels else None
    rows = gathered(opened.x, opened.name, Columns(id=id, time=time, channels=named[:channels]), skip=False)
    return replace(rows, notes=(*opened.notes, *rows.notes), warnings=(*opened.warnings, *rows.warnings))


def require_channels(found: Sequences, like: Sequences) -> None:
    """Refuses sequences of another number of channels. Raises DataError."""
    if len(found.channels) != len(like.channels):
        raise DataError(f"{found.name} has {len(found.channels)} channels, and {like.name} {len(like.channels)}")


def ts_entries(path: Path) -> list[list[tuple[str, Entry]]]:
    """The `.ts` files of a folder, an archive, or that which a path names: those to fit on, and those that judge."""
    if not path.is_dir() and not is_archive(path.name):
        return [[(path.name, entry_at(path))]] if suffix_of(path.name) == TS else []
    files = files_of(path)
    names = [name for name in content_names(files) if suffix_of(name) == TS]
    if not names:
        return []
    layout = by_names(names, "tables", files.name)
    return [[(name, files.entry(name)) for name in part] for part in (layout.train, layout.test) if part]


def _apart(source: Any, task: Task, folder: Path) -> list[Sequences] | None:
    """Sequences of what is no table; none where it is one."""
    if not isinstance(source, (str, Path)):
        whole = isinstance(source, np.ndarray) and source.ndim != 2
        listed = isinstance(source, (list, tuple)) and bool(source) and all(np.ndim(one) == 2 for one in source)
        return [of_values(source, task.name or "the data")] if whole or listed else None
    path = existing(folder / source) if not _is_named(str(source)) else Path(str(source))
    if suffix_of(path.name) == NPZ:
        return read_npz(entry_at(path))
    parts = ts_entries(path) if path.exists() else []
    if any(len(part) > 1 for part in parts):
        names = ", ".join(name for part in parts for name, _ in part)
        raise DataError(
            f"{path.name} holds several .ts files ({names[:200]}): name one, or a pair called _TRAIN and _TEST"
        )
    return [read_ts(entry) for part in parts for _, entry in part] or None


def _is_named(source: str) -> bool:
    """Whether a source is a member of an archive, or lies elsewhere."""
    return ":" in source


def _of_table(source: Any, task: Task, folder: Path, *, verbatim: bool, like: Sequences | None) -> list[Sequences]:
    options = checked(task.options, ("time",))
    kept = (task.target_column,) if verbatim and task.target_column is not None else ()
    schema = schema_of(like.forms) if like is not None and like.forms else None
    opened = opened_table(source, task, folder, written=(*kept, *([task.id] if task.id else [])), like=schema)
    parts = [opened] if opened.test is None else [opened, opened.test]
    found: list[Sequences] = []
    for part in parts:
        channels = (like or found[0]).channels if like is not None or found else ()
        found.append(_gathered(part, task, options.get("time"), channels))
    return found


def _gathered(opened: Opened, task: Task, time: str | None, channels: Sequence[str]) -> Sequences:
    table, name, skip = opened.x, opened.name, task.on_bad_row == "skip"
    assert isinstance(table, pa.Table)  # noqa: S101 (for the type checker)
    if task.id is None:
        raise DataError(
            f"task.id is missing: name the column that says which sequence a row belongs to; {name} has: "
            f"{', '.join(table.column_names[:40])}"
        )
    target = task.target_column or next((one for one in table.column_names if one.lower() in LABELS), None)
    weight = task.weight if isinstance(task.weight, str) else None
    apart = tuple(one for one in (target, task.split.group, task.split.time, weight) if one is not None)
    columns = Columns(id=task.id, time=time, apart=apart, channels=tuple(channels))
    found = gathered(table, name, columns, skip=skip, rows=opened.rows)
    faults = dict[int, str]()
    for column in apart:
        if column in table.column_names and column != task.id:
            faults = {**differing(found, table, column), **faults}
    if faults and not skip:
        raise DataError(f"{next(iter(faults.values()))}; {leave_out('sequence')}")
    found = without(found, faults) if faults else found
    return replace(found, notes=(*opened.notes, *found.notes), warnings=(*opened.warnings, *found.warnings))
