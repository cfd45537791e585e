"""Reading series: a wide table, a row a step, becomes rows that are origins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import ContestError, DataError
from concours.kernels.scoring.forecasts import seasonal_scale
from concours.tasks.cells import Form, schema_of
from concours.tasks.given import given_rows
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.settled import settled
from concours.tasks.readers.source import open_source
from concours.tasks.reading import Data
from concours.tasks.series.channels import Channels, channels_of
from concours.tasks.series.settings import Settings, settings_of
from concours.tasks.series.stamps import Every
from concours.tasks.splits import last_rows
from concours.tasks.task import Task

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_SKIP = 'on_bad_row = "skip" leaves out the origins that such steps reach'


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """The origins of a task's series, and those of a test part that is a source of its own.

    A row holds the last `context` steps of every channel, the one that is forecast first: (context of the first,
    context of the second, …). Its target are the `horizon` steps behind. Spans are counted in steps.

    Raises:
        ContestError, DataError: the data is missing, damaged, or does not suit the task.
    """
    require_taken(task, kind)
    if task.split.group is not None or task.split.by is not None:
        raise ContestError(
            "task.split: series are split by time, with what reaches over left out; leave by and group out"
        )
    if task.split.repeats > 1:
        raise ContestError("task.split.repeats: there is one order in time; leave it out")
    target = None if task.target is None else _named(task.target)
    opened = _opened(task.data, task, folder)
    series = channels_of(_kept(opened, task), opened.name, target=target, time=task.split.time)
    settings = settings_of(
        task.options, steps=series.values.shape[1], season=series.stamps.every.season, name=opened.name
    )
    data = _data(opened, series, settings, task)
    judging = task.split.test if task.test is None else 0.0
    data = replace(data, meta={**data.meta, "scale": _scale(data, series, settings, judging)})
    if task.test is None:
        return data, None
    other = _opened(task.test, task, folder, like=opened.x)
    own = _like(other, data.meta)
    return data, _data(other, own, settings, task)


def renew(
    source: Any,
    like: Floats,
    *,
    meta: Mapping[str, Any],
    forms: Mapping[str, Form] | None = None,
    written: Any = (),
    told: Callable[[str], None] = lambda text: None,
) -> tuple[Floats, Opened]:
    """The end of a series, from which it is forecast: one row, (1, context * channels).

    The source has the columns of the data, the latest `context` steps at least; what is asked for are the `horizon`
    steps that follow its last one.

    Args:
        like: rows that models were fitted on.
        meta: of the output.
        forms: of the columns that models were fitted on.
        written: not used; a series has no ids.
        told: is given what a person should know of how the series was read.

    Raises:
        DataError: a column is missing, the series is too short, or has gaps in those steps.
    """
    del like, written
    names = (*meta["channels"], *([meta["time"]] if meta["time"] is not None else []))
    opened = _read(source, Path(), Options(names=names, like=schema_of(forms) if forms else None), "the given rows")
    for warning in opened.warnings:
        told(warning)
    series = _like(opened, meta)
    context = meta["context"]
    if series.values.shape[1] < context:
        raise DataError(
            f"{opened.name}: {series.values.shape[1]:,} steps are too few: a forecast takes the latest {context:,}"
        )
    x = series.values[:, -context:]
    if not np.isfinite(x).all():
        raise DataError(_failed(series, opened.name, f"a forecast takes the latest {context:,} steps without gaps"))
    return np.ascontiguousarray(x).reshape(1, -1), replace(opened, x=x.reshape(1, -1))


def _opened(source: Any, task: Task, folder: Path, like: Any = None) -> Opened:
    """A source that holds a table."""
    options = Options(
        header=task.header,
        names=tuple(str(key) for key in (task.target, task.split.time, *task.drop) if key is not None),
        encoding=task.encoding,
        on_bad_row=task.on_bad_row,
        input="table",
        columns=task.columns,
        missing=task.missing,
        like=like.schema if like is not None else None,
    )
    opened = _read(source, folder, options, task.name or "the data")
    if not isinstance(opened.x, pa.Table):
        raise DataError(
            f"{opened.name} holds no table; a series is one, a row a step, with a column of numbers to forecast"
        )
    return opened


def _read(source: Any, folder: Path, options: Options, name: str) -> Opened:
    """A file, or rows in Python, with their columns typed."""
    if isinstance(source, (str, Path)):
        return open_source(source, folder, options)
    return settled(given_rows(source, "table", name), options)


def _kept(opened: Opened, task: Task) -> pa.Table:
    assert isinstance(opened.x, pa.Table)  # noqa: S101 (for the type checker)
    missing = [column for column in task.drop if column not in opened.x.column_names]
    if missing:
        raise DataError(f"task.drop: {opened.name} has no column {missing[0]!r}")
    return opened.x.drop_columns(list(task.drop)) if task.drop else opened.x


def _named(target: Any) -> str:
    if isinstance(target, (str, int)):
        return str(target)
    raise ContestError("task.target: name the column of the series to forecast; values beside it are no series")


def _like(opened: Opened, meta: Mapping[str, Any]) -> Channels:
    """A further series as that which models were fitted on."""
    if not isinstance(opened.x, pa.Table):
        raise DataError(f"{opened.name} holds no table; a series of {', '.join(meta['channels'])} was expected")
    unit, size = meta["every"]
    return channels_of(
        opened.x,
        opened.name,
        target=meta["channels"][0],
        time=meta["time"],
        every=Every(unit=unit, size=size),
        names=meta["channels"],
    )


def _data(opened: Opened, series: Channels, settings: Settings, task: Task) -> Data:
    """Rows and targets of all origins without gaps."""
    steps = series.values.shape[1]
    every = _origins(steps, settings, opened.name)
    known = np.isfinite(series.values)
    whole = _whole(known, every, settings)
    if series.amiss and task.on_bad_row == "fail":
        raise DataError(_failed(series, opened.name, _SKIP))
    origins = every[whole]
    if not len(origins):
        raise DataError(f"{opened.name}: no origin of {len(every):,} has all steps of its context and horizon")
    left = len(every) - len(origins)
    windows = np.lib.stride_tricks.sliding_window_view(series.values, settings.context, axis=1)
    x = np.swapaxes(windows[:, origins - settings.context], 0, 1).reshape(len(origins), -1)
    y = np.lib.stride_tricks.sliding_window_view(series.values[0], settings.horizon)[origins].copy()
    said = (
        f"{steps:,} steps, season {settings.season}; {settings.horizon} ahead from {settings.context} before an "
        f"origin, one every {settings.step}: {len(origins):,} origins"
    )
    warnings = [*opened.warnings, *series.amiss]
    warnings += (
        [f"{opened.name}: {left:,} of {len(every):,} origins are left out, as such steps are near"] if left else []
    )
    return Data(
        x=np.ascontiguousarray(x),
        y=y,
        name=opened.name,
        left_out=opened.left_out,
        notes=(*opened.notes, *series.notes, said),
        warnings=tuple(warnings),
        spans=np.stack([origins - settings.context, origins, origins + settings.horizon], axis=1).astype(np.float64),
        meta={
            "horizon": settings.horizon,
            "context": settings.context,
            "season": settings.season,
            "channels": series.names,
            "time": series.time,
            "every": (series.stamps.every.unit, series.stamps.every.size),
        },
        forms=series.forms,
    )


def _scale(data: Data, series: Channels, settings: Settings, judging: float) -> float:
    """What errors are measured in: of the steps before the first origin that judges. Raises DataError where it is 0."""
    assert data.spans is not None  # noqa: S101 (for the type checker)
    origins = data.spans[:, 1]
    first = origins[last_rows(origins, judging)][:1]
    values = series.values[0]
    scale = seasonal_scale(values[: int(first[0])] if len(first) else values, settings.season)
    if not scale:
        raise DataError(f"{data.name}: {series.names[0]!r} is the same at every step; there is nothing to forecast")
    return scale


def _origins(steps: int, settings: Settings, name: str) -> Codes:
    """All origins, the last of which is `horizon` before the end."""
    last = steps - settings.horizon
    if last < settings.context:
        raise DataError(
            f"{name}: {steps:,} steps are too few for a context of {settings.context:,} and a horizon of "
            f"{settings.horizon:,}; lower task.options.context or horizon"
        )
    return np.arange(last, settings.context - 1, -settings.step)[::-1]


def _whole(known: NDArray[np.bool_], origins: Codes, settings: Settings) -> NDArray[np.bool_]:
    """Whether all of context and horizon is known at each origin, (origins,)."""
    lost = np.concatenate([np.zeros((len(known), 1)), np.cumsum(~known, axis=1)], axis=1)
    before = (lost[:, origins] - lost[:, origins - settings.context]).any(axis=0)
    behind = (lost[0, origins + settings.horizon] - lost[0, origins]) > 0
    return np.asarray(~(before | behind))


def _failed(series: Channels, name: str, cure: str) -> str:
    """What is wrong with a series, and what to do, in one line."""
    first = series.amiss[0] if series.amiss else f"{name}: steps are missing"
    more = f"; and {len(series.amiss) - 1} more such faults" if len(series.amiss) > 1 else ""
    return f"{first}{more}; {cure}"
