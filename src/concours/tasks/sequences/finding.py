"""What tells that a source holds sequences with a class or a number each, and by which columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import ConcoursError, DataError
from concours.core.written import counted, written
from concours.tasks.readers.archives import entry_at
from concours.tasks.readers.header import absent
from concours.tasks.readers.listing import TABLES, suffix_of
from concours.tasks.readers.opened import Options
from concours.tasks.sequences.gathering import Columns, Sequences, differing, gathered
from concours.tasks.sequences.sources import LABELS, NPZ, sequences_in, ts_entries
from concours.tasks.sequences.tables import table_in
from concours.tasks.task import Task

IDS: Final = tuple(
    f"{name}{end}"
    for name in ("sequence", "seq", "series", "trial", "recording", "segment", "window", "session", "gesture", "sample")
    for end in ("_id", "id", "", "_number")
)
TIMES: Final = ("time", "t", "step", "timestamp", "tick", "frame", "cycle", "measurement_number", "index", "second")
SUBJECTS: Final = ("subject", "subject_id", "person", "speaker", "user", "user_id", "patient", "participant", "animal")

Keys = dict[str, tuple[Any, str]]

_HEAD = 1 << 12
_FEWEST = 6  # sequences
_SHORTEST = 4  # steps, on average
_MOST_CLASSES = 50
_FEW_TWICE = 0.01  # of the rows
_SHOWN = 3
_MANY = 20  # groups, of which the usual test part and folds have enough


def find_classes(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The keys of a task that tells the class of each sequence of a source, with a reason each; none where it is none.

    Raises:
        DataError: the kind is asked for, and nothing tells which rows are a sequence; or the target is not there.
    """
    return _found(source, options, classes=True)


def find_number(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The same where the target is a number."""
    return _found(source, options, classes=False)


def named(names: Sequence[str], table: pa.Table) -> str | None:
    """The first column that is called by one of some names, which are in small letters."""
    known = {column.lower(): column for column in table.column_names}
    return next((known[name] for name in names if name in known), None)


@dataclass(frozen=True, kw_only=True)
class Timed:
    """The column in whose order rows follow, in even steps; none where there is none.

    Attributes:
        keys: what the contest says of faults in it.
        why: why a column that is called so is none, to be said behind something else.
    """

    name: str | None = None
    keys: Keys = field(default_factory=dict)
    why: str = ""


def with_time(table: pa.Table, name: str, columns: Columns, called: str = "sequence") -> Timed:
    """The column of time.

    Most sequences must be sound by it, else rows count as steps; a few rows that come twice do not speak against it.
    """
    time = named(TIMES, table)
    if time is None or time in (columns.id, *columns.apart):
        return Timed()
    timed = replace(columns, time=time)
    again = _again(table, timed)
    sound = _mostly_sound(table, name, timed)
    once = table.take(pa.array(np.setdiff1d(np.arange(len(table)), again)))
    if not sound and not (len(again) and _mostly_sound(once, name, timed)):
        why = f"; {time!r} is not taken for the time, and rows count as steps: {_fault(table, name, timed, called)}"
        return Timed(why=why)
    amiss = _twice(table, timed, again, called) or _fault(table, name, timed, called)
    way, what = ("skip", f"leaves out each {called} with a fault, else mend it") if sound else ("fail", "mend it first")
    return Timed(name=time, keys={"on_bad_row": (way, f"{what}: {amiss}")} if amiss else {})


def _mostly_sound(table: pa.Table, name: str, columns: Columns) -> bool:
    try:
        found = gathered(table, name, columns, skip=True)
    except DataError:
        return False
    return len(found) > found.left_out


def _fault(table: pa.Table, name: str, columns: Columns, called: str) -> str:
    """The first fault of a sequence, or nothing."""
    try:
        gathered(table, name, columns, skip=False, called=called)
    except DataError as error:
        return str(error).removeprefix(f"{name}: ").partition(";")[0]
    return ""


def _again(table: pa.Table, columns: Columns) -> NDArray[np.int64]:
    """The rows, from 0, that have a moment which an earlier row of their sequence has, where these are few."""
    keys = table.select([columns.id, str(columns.time)]).to_pandas()
    again = np.flatnonzero(keys.duplicated().to_numpy() & keys.notna().all(axis=1).to_numpy())
    return again if len(again) <= max(_FEW_TWICE * len(keys), 1) else again[:0]


def _twice(table: pa.Table, columns: Columns, again: NDArray[np.int64], called: str) -> str:
    time = str(columns.time)
    shown = [
        f"{called} {written(table[columns.id][row].as_py())} has {time} = {written(table[time][row].as_py())} again in "
        f"row {row + 1}"
        for row in again[:_SHOWN].tolist()
    ]
    more = f", and {len(again) - _SHOWN:,} more such rows" if len(again) > _SHOWN else ""
    return ", ".join(shown) + more


def begins_with(source: Path, names: Sequence[str]) -> bool:
    """Whether one of some names stands in the first line of a file of text; of what is no text, whether it may."""
    if suffix_of(source.name) in (".parquet", ".pq", ".arrow", ".feather", ".ipc"):
        return True
    try:
        with entry_at(source, whole=False).open() as file:
            line = file.read(_HEAD).split(b"\n")[0].decode("utf-8", errors="replace").lower()
    except (ConcoursError, OSError):
        return False
    cells = {cell.strip().strip("\"'\ufeff") for sign in ",;\t|" for cell in line.split(sign)}
    return bool(cells & set(names))


def _found(source: Path, options: Options, *, classes: bool) -> dict[str, tuple[Any, str]] | None:
    if not source.exists():
        return None
    if suffix_of(source.name) == NPZ or ts_entries(source):
        return _of_files(source, options, classes=classes)
    if not source.is_file() or suffix_of(source.name) not in TABLES:
        return None
    if not options.asked and not begins_with(source, IDS):
        return None
    try:
        opened = table_in(source, Path(), options, source.name)
    except ConcoursError:
        if options.asked:
            raise
        return None
    assert isinstance(opened.x, pa.Table)  # noqa: S101 (for the type checker)
    return _of_table(source, opened.x, options, classes=classes)


def _of_files(source: Path, options: Options, *, classes: bool) -> dict[str, tuple[Any, str]] | None:
    """Of `.ts` files; and of arrays where the kind is asked for, as three axes may be pictures too."""
    if suffix_of(source.name) == NPZ and not options.asked:
        return None
    parts = sequences_in(str(source), Task(kind="", data=str(source)), Path())
    wanted = next(iter(options.names), None)
    target = wanted or named(LABELS, parts[0].table)
    if target is None or target not in parts[0].table.column_names:
        raise DataError(f"{source.name} has no target; it has: {', '.join(parts[0].table.column_names)}")
    if _are_classes(parts[0].table[target]) != classes:
        return None
    data = counted(len(parts[0]), "sequence")
    data += f" to learn from, {len(parts[1]):,} to judge by" if len(parts) > 1 else ""
    split = (
        {}
        if len(parts) > 1
        else {"split": ({"test": 0.3}, "if several are of one person or machine, name it by group")}
    )
    return {"data": (str(source), data), "target": (target, _values(parts[0].table, target)), **split}


def _of_table(source: Path, table: pa.Table, options: Options, *, classes: bool) -> dict[str, tuple[Any, str]] | None:
    id, wanted = named(IDS, table), next(iter(options.names), None)
    if id is None:
        if options.asked:
            raise DataError(
                f"{source.name} has no column called like 'sequence_id', 'series' or 'trial', which says which rows "
                "are a sequence: give it such a name"
            )
        return None
    if wanted is not None and wanted not in table.column_names:
        raise DataError(f"--target: {source.name} has no column {wanted!r}; {absent(wanted, table.column_names)}")
    target = wanted or named(LABELS, table)
    group = named(SUBJECTS, table)
    if target is None:
        if options.asked:
            raise DataError(
                f"{source.name}: nothing tells the target: name it by --target; columns are "
                f"{', '.join(table.column_names[:20])}"
            )
        return None
    columns = Columns(id=id, apart=tuple(one for one in (target, group) if one is not None))
    try:
        found = gathered(table, source.name, columns, skip=True)
    except DataError:
        if options.asked:
            raise
        return None
    if not _are_sequences(found, table, target) or _are_classes(table[target]) != classes:
        return None
    timed = with_time(table, source.name, columns)
    time = timed.name
    steps = sum(one.shape[1] for one in found.values)
    channels = len([channel for channel in found.channels if channel != time])
    data = f"{counted(len(found), 'sequence')} by {id!r}, {steps:,} steps of {counted(channels, 'channel')}{timed.why}"
    keys: dict[str, tuple[Any, str]] = {
        "data": (str(source), data),
        "id": (id, "rows with one value of it are a sequence"),
        "target": (target, f"{'named by --target: ' if wanted else ''}{_values(table, target)}"),
        "split": _split(found, table, group),
    }
    if time is not None:
        keys["options"] = ({"time": time}, "in whose order rows follow, in even steps")
    return {**keys, **timed.keys}


def _are_sequences(found: Sequences, table: pa.Table, target: str) -> bool:
    """Whether rows follow one another in sequences of some length that have one target each."""
    steps = sum(one.shape[1] for one in found.values)
    whole = len(found) >= _FEWEST and steps >= _SHORTEST * len(found)
    return whole and not differing(found, table, target)


def _are_classes(column: pa.ChunkedArray) -> bool:
    """Words, or few whole numbers."""
    if not pa.types.is_floating(column.type) and not pa.types.is_integer(column.type):
        return True
    values = np.unique(column.drop_null().to_numpy())
    return len(values) <= min(_MOST_CLASSES, max(2, len(column) // 4)) and bool((values == np.round(values)).all())


def _split(found: Sequences, table: pa.Table, group: str | None) -> tuple[dict[str, Any], str]:
    split: dict[str, Any] = {"test": 0.3 if len(found) < 1000 else 0.2}
    if group is None or differing(found, table, group):
        return split, "if several are of one person or machine, name that column by group"
    groups = len(table[group].unique())
    few = {"test": 0.3, "folds": max(2, min(4, groups - max(1, round(0.3 * groups))))} if groups < _MANY else {}
    return {**split, "group": group, **few}, f"{counted(groups, group)}: sequences of one keep together"


def _values(table: pa.Table, column: str) -> str:
    values = [str(one) for one in table[column].unique().to_pylist()]
    if _are_classes(table[column]):
        return f"{len(values)} values ({', '.join(values[:6])}{', …' if values[6:] else ''})"
    return "a number"
