"""Reading series: a table, a row a step or a row a series and step, becomes rows that are origins."""

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
from concours.tasks.cells import Form, forms_of, schema_of
from concours.tasks.given import given_rows
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.settled import settled
from concours.tasks.readers.source import open_source
from concours.tasks.reading import Data
from concours.tasks.series.channels import Channels, channels_of, dated
from concours.tasks.series.long import Long, Spread, spread_out
from concours.tasks.series.settings import Settings, series_of, settings_of
from concours.tasks.series.stamps import Every, following
from concours.tasks.splits import last_rows
from concours.tasks.task import Task

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_SKIP = 'on_bad_row = "skip" leaves out the origins that such steps reach'


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """The origins of a task's series, and those of a test part that is a source of its own.

    A row holds the last `context` steps of every channel, those that are forecast first: (context of the first,
    context of the second, …). Its target are the `horizon` steps behind, of each channel that is forecast: (horizon of
    the first, …). Spans are counted in steps.

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
    target, column = _named(task.target), series_of(task.options)
    opened = _opened(task.data, task, folder)
    opened, series = _channels(opened, _kept(opened, task), target, column, task)
    settings = settings_of(
        task.options, steps=series.values.shape[1], season=series.stamps.every.season, name=opened.name
    )
    data = _data(opened, series, settings, task)
    judging = task.split.test if task.test is None else 0.0
    data = replace(data, meta={**data.meta, **_scales(data, series, settings, judging)})
    if task.test is None:
        return data, None
    other = _opened(task.test, task, folder, like=opened.x)
    other, own = _like(other, data.meta)
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
    names = (*(meta["long"] or meta["channels"]), *([meta["time"]] if meta["time"] is not None else []))
    opened = _read(source, Path(), Options(names=names, like=schema_of(forms) if forms else None), "the given rows")
    for warning in opened.warnings:
        told(warning)
    opened, series = _like(opened, meta)
    context = meta["context"]
    if series.values.shape[1] < context:
        raise DataError(
            f"{opened.name}: {series.values.shape[1]:,} steps are too few: a forecast takes the latest {context:,}"
        )
    x = series.values[:, -context:]
    if not np.isfinite(x).all():
        raise DataError(_failed(series, opened.name, f"a forecast takes the latest {context:,} steps without gaps"))
    return np.ascontiguousarray(x).reshape(1, -1), replace(opened, x=x.reshape(1, -1), called=_ahead(series, meta))


def _ahead(series: Channels, meta: Mapping[str, Any]) -> pa.Table:
    """Which step of which series a line of a forecast is of: its time, or without times its number behind the end."""
    steps, names = meta["horizon"], meta["channels"][: meta["targets"]]
    moments = pa.array(range(1, steps + 1)) if series.times is None else following(series.times, series.stamps, steps)
    called = {}
    if meta["long"] or len(names) > 1:
        called[meta["long"][0] if meta["long"] else "series"] = np.repeat(np.asarray(names, dtype=object), steps)
    return pa.table({**called, series.time or "step": pa.concat_arrays([moments] * len(names))})


def _opened(source: Any, task: Task, folder: Path, like: Any = None) -> Opened:
    """A source that holds a table."""
    options = Options(
        header=task.header,
        names=tuple(
            str(key)
            for key in (*_named(task.target), task.split.time, series_of(task.options), *task.drop)
            if key is not None
        ),
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


def _named(target: Any) -> tuple[str, ...]:
    """The columns to forecast; none where none is named."""
    listed = target if isinstance(target, (list, tuple)) else [] if target is None else [target]
    if not all(isinstance(name, (str, int)) for name in listed):
        raise ContestError("task.target: name the column of the series to forecast; values beside it are no series")
    if len(set(listed)) < len(listed):
        raise ContestError("task.target: a column is named twice; name each once")
    return tuple(str(name) for name in listed)


def _channels(
    opened: Opened, table: pa.Table, target: tuple[str, ...], column: str | None, task: Task
) -> tuple[Opened, Channels]:
    """The series of a wide table, or of a long one whose column tells them apart."""
    if column is None:
        return opened, channels_of(table, opened.name, target=target, time=task.split.time, source=opened.rows)
    time = task.split.time or next(iter(dated(table)), None)
    if len(target) != 1 or time is None:
        raise ContestError(
            f"task.options.series: a table with a row a series and step has one column of values, which task.target "
            f"names, and one of the time, which task.split.time does; got {len(target)} and {int(time is not None)}"
        )
    long = Long(series=column, value=target[0])
    spread = spread_out(table, long, time, opened.name, source=opened.rows)
    names = tuple(name for name in spread.table.column_names if name != time)
    found = channels_of(spread.table, opened.name, target=names, time=time)
    return _spread(opened, spread), replace(_of_long(found, spread, table), long=long)


def _spread(opened: Opened, spread: Spread) -> Opened:
    return replace(opened, left_out=opened.left_out + spread.left_out, notes=(*opened.notes, *spread.notes))


def _of_long(series: Channels, spread: Spread, table: pa.Table) -> Channels:
    return replace(series, amiss=(*spread.amiss, *series.amiss), forms=forms_of(table.schema))


def _like(opened: Opened, meta: Mapping[str, Any]) -> tuple[Opened, Channels]:
    """Further series as those that models were fitted on."""
    if not isinstance(opened.x, pa.Table):
        raise DataError(f"{opened.name} holds no table; a series of {', '.join(meta['channels'])} was expected")
    unit, size = meta["every"]
    channels, table = tuple(meta["channels"]), opened.x
    spread = None
    if meta["long"]:
        column, value = meta["long"]
        spread = spread_out(
            table, Long(series=column, value=value), meta["time"], opened.name, known=channels, source=opened.rows
        )
        table = spread.table
    series = channels_of(
        table,
        opened.name,
        target=channels[: meta["targets"]],
        time=meta["time"],
        every=Every(unit=unit, size=size),
        names=channels,
        source=opened.rows if spread is None else None,
    )
    return (opened, series) if spread is None else (_spread(opened, spread), _of_long(series, spread, opened.x))


def _data(opened: Opened, series: Channels, settings: Settings, task: Task) -> Data:
    """Rows and targets of all origins without gaps."""
    steps = series.values.shape[1]
    every = _origins(steps, settings, opened.name)
    known = np.isfinite(series.values)
    whole = _whole(known, every, settings, series.targets)
    if series.amiss and task.on_bad_row == "fail":
        raise DataError(_failed(series, opened.name, _SKIP))
    origins = every[whole]
    if not len(origins):
        raise DataError(f"{opened.name}: no origin of {len(every):,} has all steps of its context and horizon")
    left = len(every) - len(origins)
    windows = np.lib.stride_tricks.sliding_window_view(series.values, settings.context, axis=1)
    x = np.swapaxes(windows[:, origins - settings.context], 0, 1).reshape(len(origins), -1)
    steps_ahead = np.lib.stride_tricks.sliding_window_view(series.values[: series.targets], settings.horizon, axis=1)
    y = np.swapaxes(steps_ahead[:, origins], 0, 1).reshape(len(origins), -1)
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
        y=np.ascontiguousarray(y),
        name=opened.name,
        left_out=opened.left_out,
        read="origins",
        notes=(*opened.notes, *series.notes, said),
        warnings=tuple(warnings),
        spans=np.stack([origins - settings.context, origins, origins + settings.horizon], axis=1).astype(np.float64),
        meta={
            "horizon": settings.horizon,
            "context": settings.context,
            "season": settings.season,
            "channels": series.names,
            "targets": series.targets,
            "long": () if series.long is None else (series.long.series, series.long.value),
            "time": series.time,
            "every": (series.stamps.every.unit, series.stamps.every.size),
        },
        forms=series.forms,
    )


def _scales(data: Data, series: Channels, settings: Settings, judging: float) -> dict[str, tuple[float, ...]]:
    """What errors are measured in, of the steps before the first origin that judges. Raises DataError where it is 0."""
    assert data.spans is not None  # noqa: S101 (for the type checker)
    origins = data.spans[:, 1]
    first = origins[last_rows(origins, judging)][:1]
    known = series.values[: series.targets, : int(first[0]) if len(first) else None]
    scales = [seasonal_scale(values, settings.season) for values in known]
    if not all(scales):
        still = series.names[scales.index(0.0)]
        raise DataError(f"{data.name}: {still!r} is the same at every step; there is nothing to forecast")
    return {"scales": tuple(scales), "deviations": tuple(np.nanstd(known, axis=1).tolist())}


def _origins(steps: int, settings: Settings, name: str) -> Codes:
    """All origins, the last of which is `horizon` before the end."""
    last = steps - settings.horizon
    if last < settings.context:
        raise DataError(
            f"{name}: {steps:,} steps are too few for a context of {settings.context:,} and a horizon of "
            f"{settings.horizon:,}; lower task.options.context or horizon"
        )
    return np.arange(last, settings.context - 1, -settings.step)[::-1]


def _whole(known: NDArray[np.bool_], origins: Codes, settings: Settings, targets: int) -> NDArray[np.bool_]:
    """Whether all of context and horizon is known at each origin, (origins,)."""
    lost = np.concatenate([np.zeros((len(known), 1)), np.cumsum(~known, axis=1)], axis=1)
    before = (lost[:, origins] - lost[:, origins - settings.context]).any(axis=0)
    behind = (lost[:targets, origins + settings.horizon] - lost[:targets, origins]).any(axis=0)
    return np.asarray(~(before | behind))


def _failed(series: Channels, name: str, cure: str) -> str:
    """What is wrong with a series, and what to do, in one line."""
    first = series.amiss[0] if series.amiss else f"{name}: steps are missing"
    more = f"; and {len(series.amiss) - 1} more such faults" if len(series.amiss) > 1 else ""
    return f"{first}{more}; {cure}"
