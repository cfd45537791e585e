"""Whether a source is a series to forecast, and a little series for tests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from concours.core.errors import ConcoursError, DataError
from concours.tasks.places import Places
from concours.tasks.readers.archives import entry_at, files_of, is_archive
from concours.tasks.readers.damage import damage_named
from concours.tasks.readers.header import absent
from concours.tasks.readers.listing import TABLES, by_names, content_names, suffix_of
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source
from concours.tasks.series.channels import Channels, channels_of, dated, numbered
from concours.tasks.series.long import Long, spread_out
from concours.tasks.task import Split, Task

_FEWEST = 50
_HEAD = 1 << 14
_DATE = re.compile(rb"\d{1,4}[-/. ](\d{1,2}|[A-Za-z]{3,9})[-/. ,]|\d{4}-\d\d|[A-Za-z]{3,9} \d{4}|\d{8}")
_TYPED = (".parquet", ".pq", ".arrow", ".feather", ".ipc")
_SHARE = 20
_AHEAD = 12
_SERIES = 100
_FEW = 0.01  # of the rows


def find(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The keys of a task that forecasts a source, each with a reason; none where it is no series.

    A series is a file with a table, a row a step: a column of dates that follow one another evenly, and a column of
    numbers at least. The last of these is proposed as what is forecast, where none is named.

    In a folder or an archive of two of them, by their names a training and a test part, the other judges.

    Raises:
        DataError: what is named is no column of numbers.
    """
    if not source.is_file() or is_archive(source.name):
        return _of_two(source, options)
    try:
        if not _may_have_dates(source):
            return None
        opened = open_source(source, Path(), replace(options, input="table"))
        if not isinstance(opened.x, pa.Table) or len(opened.x) < _FEWEST:
            return None
        times, numbers = dated(opened.x), numbered(opened.x)
        if not times or not numbers:
            return None
        wanted, told = _wanted(numbers, options)
        target = wanted if wanted in numbers else numbers[-1]
        targets = options.names if len(options.names) > 1 and set(options.names) <= set(numbers) else (target,)
        column = long_by(opened.x, target, times[0])
        series = _of_table(opened.x, opened.name, targets, times[0], column, opened.rows)
    except ConcoursError:
        return None
    if series.stamps.uneven and not _asked_for(series, len(opened.x), options):
        return None
    missing = [name for name in options.names or [wanted] if name not in numbers]
    if missing:
        raise DataError(
            f"--target: {opened.name} has no column of numbers {missing[0]!r}; {absent(missing[0], numbers)}"
        )
    if column is not None and len(options.names) > 1:
        raise DataError(f"--target: {opened.name} is a long table, by {column!r}; name its one column of values")
    return _keys(source, series, told, target, column)


def _of_table(
    table: pa.Table, name: str, targets: Sequence[str], time: str, column: str | None, source: Places | None
) -> Channels:
    """The series of a table, or those that a column of a long one tells apart."""
    if column is None:
        return channels_of(table, name, target=tuple(targets), time=time, source=source)
    spread = spread_out(table, Long(series=column, value=targets[0]), time, name, source=source)
    names = tuple(name for name in spread.table.column_names if name != time)
    series = channels_of(spread.table, name, target=names, time=time)
    return replace(series, time=time, amiss=(*spread.amiss, *series.amiss))


def _asked_for(series: Channels, rows: int, options: Options) -> bool:
    """Whether an uneven series is to be forecast all the same: where that is asked for, and few rows are amiss.

    Raises:
        DataError: it is asked for, and many are.
    """
    if options.asked and rows - len(series.stamps.rows) > max(_FEW * rows, 1):
        raise DataError(series.amiss[0])
    return options.asked


def _of_two(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The keys of a source of two tables, one of which judges; none of another."""
    if not source.is_dir() and not is_archive(source.name):
        return None
    try:
        names = [name for name in content_names(files_of(source)) if suffix_of(name) in TABLES]
        layout = by_names(names, "tables", source.name)
    except ConcoursError:
        return None
    if not len(names) == 2 == len(layout.train) + len(layout.test) or not layout.test:
        return None
    train, test = (
        str(source / name) if source.is_dir() else f"{source}:{name}" for name in (*layout.train, *layout.test)
    )
    keys = find(Path(train), options)
    if keys is None:
        return None
    time = keys["split"][0]["time"]
    return {**keys, "test": (test, "its origins judge"), "split": ({"time": time}, "folds are stretches of time")}


def _wanted(numbers: Sequence[str], options: Options) -> tuple[str, str]:
    """The column to forecast, and why it is that."""
    if options.names:
        return options.names[0], "named by --target"
    why = "the only column of numbers" if len(numbers) == 1 else f"the last of {len(numbers)} columns of numbers"
    return numbers[-1], why


def _may_have_dates(source: Path) -> bool:
    """Whether the beginning of a file of text has something like a date; of what is no text, whether it may be read."""
    if suffix_of(source.name) in _TYPED:
        return True
    with damage_named(source.name), entry_at(source).open() as file:
        return bool(_DATE.search(file.read(_HEAD)))


def long_by(table: pa.Table, target: str, time: str) -> str | None:
    """The column that tells series apart, where moments stand in several rows, and each once with each of its values.

    Few rows may say one again, where nearly all moments stand in several. Of several such columns the one that says
    the fewest again, then the one with the fewest values.
    """
    rows, moments = len(table), len(table[time].unique())
    few = max(int(_FEW * rows), 1) if rows - moments > rows / 3 else 0
    if moments == rows:
        return None
    found = []
    for name in table.column_names:
        kind = table[name].type
        if name in (target, time) or not (pa.types.is_string(kind) or pa.types.is_integer(kind)):
            continue
        values = len(table[name].unique())
        again = rows - len(table.group_by([name, time]).aggregate([])) if 1 < values <= _SERIES else rows
        if again <= few:
            found.append((again, values, name))
    return min(found)[-1] if found else None


def _keys(source: Path, series: Channels, why: str, target: str, column: str | None) -> dict[str, tuple[Any, str]]:
    steps, every = series.values.shape[1], series.stamps.every
    most = max(steps // _SHARE, 1)
    horizon = min(every.season if every.season > 1 else _AHEAD, most)
    ahead = "a season" if horizon == every.season else f"{horizon} steps"
    keys: dict[str, tuple[Any, str]] = {
        "data": (str(source), f"{steps:,} steps, {every.said}"),
        "target": (
            list(series.names[: series.targets]) if series.targets > 1 else target,
            f"{why}; the others are known up to where a forecast begins",
        ),
        "split": ({"test": 0.2, "time": series.time}, "the last origins judge; folds are stretches of time"),
        "options": ({"horizon": horizon}, f"{ahead} ahead; context, step and season follow, or can be given here"),
    }
    if column is not None:
        keys["target"] = (target, why)
        keys["data"] = (str(source), f"{series.targets} series of {steps:,} steps, {every.said}")
        told = f"{ahead} ahead, of each series that {column} tells apart; context, step and season follow"
        keys["options"] = ({"horizon": horizon, "series": column}, told)
    if series.amiss:
        keys["on_bad_row"] = ("skip", f"leaves out the origins that faults reach: {series.amiss[0].partition(': ')[2]}")
    return keys


def sample(folder: Path, seed: int) -> Task:
    """A daily series with a weekly season and one that leads it by a day, written as a CSV file."""
    rng, steps, season = np.random.default_rng(seed), 130, 7
    wave = np.sin(2 * np.pi * np.arange(steps + 1) / season) + 0.01 * np.arange(steps + 1)
    wave += 0.2 * rng.standard_normal(steps + 1)
    days = (np.datetime64("2026-01-01") + np.arange(steps)).astype(str).tolist()
    beside = wave[1:] + 0.1 * rng.standard_normal(steps)
    table = pa.table({"day": days, "visits": 20 + 5 * wave[:-1], "rain": beside})
    path = folder / "visits.csv"
    pa.csv.write_csv(table, path)
    return Task(
        kind="forecasting",
        data=str(path),
        target="visits",
        split=Split(test=0.25, folds=3, time="day"),
        options={"horizon": 3, "context": 14},
    )
