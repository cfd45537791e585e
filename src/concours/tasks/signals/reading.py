"""Reading signals: every step of a series that has some past becomes a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import ContestError, DataError
from concours.core.written import counted
from concours.tasks.cells import Form
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.outputs.output import Values
from concours.tasks.places import in_source
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.reading import Data
from concours.tasks.signals.anomalies import flagged, of_series, read_anomalies
from concours.tasks.signals.past import first_row, rows_of
from concours.tasks.signals.series import Columns, OneSeries, by_rows, series_of
from concours.tasks.task import Task

_SERIES: Final = "series"
"""The word for series as groups: whole ones judge."""
_WINDOW: Final = (8, 64)
_WINDOWS: Final = 60
"""Windows in a series of the middle length, about."""
_FEWEST: Final = 3
"""Windows that a series is long at least: two of past, and one of rows."""
_SKIP: Final = 'on_bad_row = "skip" in [task] leaves that out'


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """The steps of a task's series, and those of a test part that is a source of its own.

    A row is a step, told from the past of its series (`tasks.signals.past.rows_of`), and its target whether it is an
    anomaly, as a JSON file or a column of labels says, and its place (`outputs.anomaly`). Each series is split by its
    own time, and rows whose windows reach over are in neither part; or, where the split is by group `series`, whole
    series are held out.

    Raises:
        ContestError, DataError: the data is missing, damaged, or does not suit the task.
    """
    require_taken(task, kind)
    if task.split.group not in (None, _SERIES) or task.split.by is not None:
        raise ContestError(
            'task.split: a series is split by its own time; or write group = "series", and whole series are held out'
        )
    if task.split.repeats > 1 and task.split.group is None:
        raise ContestError("task.split.repeats: there is one order in time; leave it out")
    found = _judged(task.data, task, folder)
    window = _window([len(one.series.values) for one in found.series])
    data = _data(found, task, window, task.name or _name(task.data))
    if task.test is None:
        return data, None
    first = found.series[0].series
    named = replace(task, options={**task.options, "value": first.columns.value})
    other = _judged(task.test, named, folder, forms=first.forms)
    return data, _data(other, task, window, _name(task.test))


def renew(
    source: Any,
    like: NDArray[np.float32],
    *,
    meta: Mapping[str, Any],
    forms: Mapping[str, Form] | None = None,
    written: Any = (),
    told: Callable[[str], None] = lambda text: None,
) -> tuple[NDArray[np.float32], Opened]:
    """The rows of further series, or of the same ones as they went on: each step that has some past in its file.

    Beside them stands which series and which time each is of.

    Raises:
        DataError: a column is missing, a series is too short, or something is amiss in it.
    """
    del like, written
    name, window = _name(source), meta["window"]
    columns = Columns(time=meta["time"], value=meta["watched"], series=meta["series"])
    series = series_of(source, Path(), columns, Options(), name=name, forms=forms)
    for one in series:
        if one.amiss:
            raise DataError(f"{one.amiss[0]}; mend it, as each step is told from all before it")
        if len(one.values) <= first_row(window):
            raise DataError(
                f"{one.name}: {counted(len(one.values), 'step')} are too few: the first that is scored is step "
                f"{first_row(window) + 1}"
            )
        for note in one.notes:
            told(note)
    told(f"{name}: the first {first_row(window)} steps of a series are its past alone, and get no score")
    x = np.concatenate([rows_of(one.values, window, one.season) for one in series])
    return x, Opened(x=x, name=name, called=_called(series, window))


@dataclass(frozen=True, kw_only=True)
class _Labelled:
    """A series, and (steps,) whether each step is an anomaly."""

    series: OneSeries
    flags: Values


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """All series of a source with their labels, and what is amiss."""

    series: tuple[_Labelled, ...]
    amiss: tuple[str, ...]


def _judged(source: Any, task: Task, folder: Path, forms: Mapping[str, Form] | None = None) -> _Judged:
    """The series of a source with their labels."""
    options = task.options
    file = options.get("anomalies")
    if (file is None) == (task.target is None):
        raise ContestError(
            "task.anomalies: name the JSON file that says when the series are strange, or else, by target, a column of "
            "0 and 1"
        )
    if task.target is not None and task.target_column is None:
        raise ContestError("task.target: name the column of labels; values beside series are not read")
    columns = Columns(
        time=task.split.time, value=options.get("value"), series=options.get("series"), target=task.target_column
    )
    read = Options(
        header=task.header,
        encoding=task.encoding,
        on_bad_row=task.on_bad_row,
        columns=task.columns,
        missing=task.missing,
    )
    series = series_of(source, folder, columns, read, name=task.name or _name(source), forms=forms)
    if file is None:
        return _by_column(series, task, task.name or _name(source))
    anomalies = read_anomalies(folder / str(file))
    windows, amiss = of_series(anomalies, [one.name for one in series])
    found = []
    for one in series:
        flags, wrong = flagged(
            windows.get(one.name, ()), one.time, dated=one.dated, series=one.name, name=anomalies.name
        )
        amiss += wrong
        found.append(_Labelled(series=one, flags=flags))
    return _Judged(series=tuple(found), amiss=tuple(amiss))


def _labelled(series: OneSeries, flags: Values) -> _Labelled:
    return _Labelled(series=series, flags=flags)


def _by_column(series: Sequence[OneSeries], task: Task, name: str) -> _Judged:
    from concours.tasks.outputs.anomaly import Anomaly

    found = []
    if task.positive is not None:  # some series may have no anomaly, but not all
        flags = Anomaly.checked(np.concatenate([one.labels for one in series]), task, name)
        ends = np.cumsum([len(one.values) for one in series])
        parts = np.split(flags, ends[:-1])
        return _Judged(series=tuple(map(_labelled, series, parts)), amiss=())
    for one in series:
        with in_source(one.numbers - 1):
            found.append(_labelled(one, Anomaly.checked(one.labels, task, one.name)))
    return _Judged(series=tuple(found), amiss=())


def _data(found: _Judged, task: Task, window: int, name: str) -> Data:
    """The rows of all series that are long enough."""
    amiss = [line for one in found.series for line in one.series.amiss]
    short = [one.series for one in found.series if len(one.series.values) < _FEWEST * window]
    amiss += [
        f"{one.name}: a series of {counted(len(one.values), 'step')} is too short, {_FEWEST * window} at least were "
        "expected"
        for one in short
    ]
    amiss += found.amiss
    if amiss and task.on_bad_row == "fail":
        more = f"; and {len(amiss) - 1} more such faults" if amiss[1:] else ""
        raise DataError(f"{amiss[0]}{more}; {_SKIP}")
    kept = [one for one in found.series if len(one.series.values) >= _FEWEST * window]
    if not kept:
        raise DataError(f"{name}: no series has {_FEWEST * window} steps, which it takes at least")
    first = first_row(window)
    series = [one.series for one in kept]
    lengths = np.array([len(one.values) - first for one in series])
    codes = np.repeat(np.arange(len(series)), lengths)
    steps = np.concatenate([np.arange(first, len(one.values)) for one in series]).astype(np.float64)
    begins = np.concatenate([[0], np.cumsum(lengths + 2 * window)])[:-1]  # far enough apart that no two reach together
    place = steps + begins[codes]
    flags = np.concatenate([one.flags[first:] for one in kept])
    lost = sum(int(one.flags[:first].sum()) for one in kept)
    same = [one.name for one in series if not np.ptp(one.values)]
    gaps = [f"{one.name} after {one.gaps}" for one in series if one.gaps]
    warnings = [
        *_first("left out", amiss),
        *_first("rows follow one another over gaps in time", gaps),
        *(f"{one}: the same at every step: nothing in it can be strange" for one in same),
        *(note for one in series for note in one.notes),
    ]
    if lost:
        warnings.append(
            f"{counted(lost, 'step')} of anomalies lie in the past that a series begins with, and do not count"
        )
    by_time = task.split.group is None
    called = _called(series, window)
    return Data(
        x=np.concatenate([rows_of(one.values, window, one.season) for one in series]),
        y=np.stack([flags, place], axis=1),
        name=name,
        left_out=sum(one.left_out for one in series) + sum(len(one.values) for one in short),
        read="steps",
        notes=(
            f"{len(series):,} series",
            f"a row looks back {window} steps",
            f"the first {first} steps are past alone",
        ),
        warnings=tuple(dict.fromkeys(warnings)),
        spans=np.stack([place - window + 1, place, place + 1], axis=1) if by_time else None,
        kin=codes if by_time and len(series) > 1 else None,
        beside=called,
        called=called,
        meta={
            "window": window,
            "time": series[0].columns.time,
            "watched": series[0].columns.value,
            "series": series[0].columns.series,
        },
        forms=series[0].forms,
    )


def _first(what: str, lines: Sequence[str]) -> list[str]:
    """The first of some lines of one sort, and how many more there are."""
    more = f"; and {len(lines) - 1} more such" if lines[1:] else ""
    return [f"{what}: {lines[0]}{more}"] if lines else []


def _called(series: Sequence[OneSeries], window: int) -> pa.Table:
    return by_rows([one.name for one in series], [one.stamps.slice(first_row(window)) for one in series])


def _window(lengths: Sequence[int]) -> int:
    """By how many steps a row looks back."""
    low, high = _WINDOW
    return int(np.clip(np.median(lengths) // _WINDOWS, low, high))


def _name(source: Any) -> str:
    return Path(source).name if isinstance(source, (str, Path)) else "the data"
