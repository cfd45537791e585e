"""Reading units that run to failure: rows are windows of their latest steps, targets the steps that are left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import ContestError, DataError
from concours.core.written import written
from concours.tasks.cells import Form, schema_of
from concours.tasks.ids import ids_of
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.life.settings import Settings, settings_of
from concours.tasks.life.units import Units, new_units, steps_left, units_of
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.reading import Data
from concours.tasks.sequences.gathering import Columns, Sequences, gathered, leave_out, without
from concours.tasks.sequences.tables import table_in
from concours.tasks.task import Task

Floats = NDArray[np.float64]
Windows = NDArray[np.float32]

_CALLED = "unit"


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """The windows of units, float32 (rows, channels + 1, window), with the steps that are left after each; the last
    channel is the age, the steps that the unit has had. Of a test part of its own, the last window of each unit.

    Raises:
        ContestError, DataError: the data is missing, damaged, or does not suit the task.
    """
    require_taken(task, kind)
    if task.split.time is not None:
        raise ContestError("task.split.time: units are split whole; leave it out")
    if task.target is not None and task.target_column is None:
        raise ContestError("task.target: name the column of the remaining life; values beside the data are not taken")
    units, judging, told = units_of(task, folder)
    settings = settings_of(told.options, len(units.table))
    data = _data(units, settings, told, kind)
    if judging is None:
        return data, None
    return data, _data(judging, settings, told, kind, channels=data.meta["channels"])


def renew(
    source: Any,
    like: Windows,
    *,
    meta: Mapping[str, Any],
    forms: Mapping[str, Form] | None = None,
    written: Sequence[str] = (),
    told: Callable[[str], None] = lambda text: None,
) -> tuple[Windows, Opened]:
    """The last window of each unit of a source, (units, channels + 1, window), and what the units are called.

    Args:
        like: windows that models were fitted on.
        meta: of the output.
        forms: of the columns that models were fitted on.
        written: not used; units are called by the column of the fit.
        told: is given what a person should know of how the source was read.

    Raises:
        DataError: a column is missing, or a unit has a fault.
    """
    del written
    table, name = new_units(source, Path()), Path(source).name if isinstance(source, (str, Path)) else "new rows"
    if table is None:
        names = (meta["id"], *meta["channels"])
        opened = table_in(source, Path(), Options(names=names, like=schema_of(forms) if forms else None), "new rows")
        for warning in opened.warnings:
            told(warning)
        assert isinstance(opened.x, pa.Table)  # noqa: S101 (for the type checker)
        table, name = opened.x, opened.name
    time = meta["time"] if meta["time"] in table.column_names else None
    columns = Columns(id=meta["id"], time=time, channels=tuple(meta["channels"]))
    found = gathered(table, name, columns, skip=False, called=_CALLED)
    for warning in found.warnings:
        told(warning)
    return _windows(found, _lasts(found), like.shape[2]), Opened(x=found.table, name=name, notes=found.notes)


def _data(units: Units, settings: Settings, task: Task, kind: Kind, channels: Sequence[str] = ()) -> Data:
    """Rows and targets of all units, of one part.

    Args:
        channels: of the data that is fitted on, where this is a part that judges: the last window of each unit.
    """
    assert task.id is not None  # noqa: S101 (for the type checker)
    skip, target = task.on_bad_row == "skip", task.target_column
    apart = tuple(one for one in (target, settings.failure, task.split.group) if one is not None)
    columns = Columns(id=task.id, time=settings.time, apart=apart, channels=tuple(channels))
    found = gathered(units.table, units.name, columns, skip=skip, called=_CALLED, rows=units.rows)
    found, left = _with_lives(units, found, target, settings.failure, skip=skip)
    ends = _lasts(found) if channels else _every(found, settings)
    y = np.concatenate([lives[own] for lives, own in zip(left, ends, strict=True)])
    of = np.repeat(np.arange(len(found)), [len(own) for own in ends])
    beside = found.table.take(pa.array(of))
    names = [written(one) for one in found.table[task.id].to_pylist()]
    each = [f"{names[unit]}@{at + 1}" for unit, own in enumerate(ends) for at in own]
    many = "" if channels else f", one every {settings.every}" if settings.every > 1 else ""
    notes = (
        f"{len(y):,} windows of {settings.window} steps{many}",
        f"lives count up to {settings.cap} steps: by rmse_capped, and for models",
    )
    time = settings.time if settings.time in units.table.column_names else None
    return Data(
        x=_windows(found, ends, settings.window),
        y=kind.output.checked(y, task, units.name),
        name=units.name,
        beside=beside,
        together=task.id,
        ids=ids_of(found.table[task.id]) if channels else pa.chunked_array([pa.array(each, pa.string())]),
        left_out=units.left_out,
        read="windows",
        notes=(*units.notes, *found.notes, *notes),
        warnings=(*units.warnings, *found.warnings),
        meta={
            "cap": settings.cap,
            "window": settings.window,
            "channels": found.channels,
            "id": task.id,
            "time": time,
        },
        forms=found.forms,
    )


def _with_lives(
    units: Units, found: Sequences, target: str | None, failure: str | None, *, skip: bool
) -> tuple[Sequences, list[Floats]]:
    """The units whose lives are known, and these, (steps,) each."""
    lives = steps_left(units, found, target, failure)
    faults = {place: each for place, each in lives.items() if isinstance(each, str)}
    known = [each for each in lives.values() if not isinstance(each, str)]
    if faults and (not skip or not known):
        more = f"; and {len(faults) - 1} more such units" if len(faults) > 1 else ""
        raise DataError(f"{next(iter(faults.values()))}{more}; {leave_out(_CALLED)}")
    return without(found, faults, _CALLED) if faults else found, known


def _lasts(found: Sequences) -> list[NDArray[np.int64]]:
    """The last step of each unit."""
    return [np.array([each.shape[1] - 1]) for each in found.values]


def _every(found: Sequences, settings: Settings) -> list[NDArray[np.int64]]:
    """The steps at which windows end, of each unit: its last one, and back from there as long as half a window is
    there.
    """
    half = settings.window // 2
    return [
        np.arange(each.shape[1] - 1, min(half, each.shape[1] - 1) - 1, -settings.every)[::-1] for each in found.values
    ]


def _windows(found: Sequences, ends: Sequence[NDArray[np.int64]], window: int) -> Windows:
    """(rows, channels + 1, window), the age behind the channels of the data; NaN before a unit's first step."""
    parts = []
    for values, own in zip(found.values, ends, strict=True):
        aged = np.vstack([values, np.arange(1, values.shape[1] + 1)])
        before = np.full((len(aged), window - 1), np.nan)
        whole = np.lib.stride_tricks.sliding_window_view(np.hstack([before, aged]), window, axis=1)
        parts.append(np.swapaxes(whole[:, own], 0, 1).astype(np.float32))
    return np.concatenate(parts) if parts else np.empty((0, len(found.channels) + 1, window), dtype=np.float32)
