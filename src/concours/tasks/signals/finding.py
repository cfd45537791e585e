"""Whether a source is to be searched for anomalies, and a little data for tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from concours.core.errors import ConcoursError, DataError
from concours.tasks.readers.archives import is_archive
from concours.tasks.readers.listing import TABLES, content_names, suffix_of
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source
from concours.tasks.signals.anomalies import of_series, read_anomalies
from concours.tasks.signals.labelled import RARE, Keys, find_labelled, rare_label
from concours.tasks.signals.series import Columns, held, series_of
from concours.tasks.task import Split, Task

_LARGEST: Final = 1 << 24
"""Bytes of a JSON file that is looked into unasked."""
_SELDOM: Final = 0.05
"""The share of rows up to which a label may be that of anomalies."""


def find(source: Path, options: Options) -> Keys | None:
    """The keys of a task that watches the series of a source, each with a reason; none where nothing says when they are
    strange.

    A source is a folder or an archive of tables, a file a series, and a JSON file in it or beside it that gives each of
    them its windows, or, where there are none, its moments (NAB's `combined_windows.json`, `combined_labels.json`). Or
    a column of the tables labels the steps (`signals.labelled`).

    Raises:
        DataError: files say when the series are strange, and a column is named to predict; or, where a person says that
            it is of this kind, nothing says it.
    """
    try:
        files, place = held(source) if source.is_dir() or is_archive(source.name) else (None, source)
        names = [place.name] if files is None else content_names(files)
        tables = [name for name in names if suffix_of(name) in TABLES]
        found = next(_told(source, place, tables), None) if tables else None
    except ConcoursError:
        return None
    if found is None:
        return find_labelled(place, names if files is None else tables, options)
    path, known = found
    if options.names:
        raise DataError(f"--target: {path.name} says when the series of {source.name} are strange; leave it out")
    keys: Keys = {
        "data": (str(place), f"{len(tables):,} series, a file each" if len(tables) > 1 else "a series"),
        "anomalies": (str(path), f"says when {known:,} of them are strange"),
    }
    try:
        series = series_of(str(place), Path(), Columns(), options, name=place.name)
        if len({one.columns.value for one in series}) == 1:
            keys["value"] = (series[0].columns.value, "the only column of numbers")
        amiss = [line for one in series for line in one.amiss]
    except ConcoursError as error:
        raise DataError(str(error)) from None
    keys["split"] = ({"test": 0.5}, "the later half of each series judges: anomalies are few, and a series is one case")
    if amiss:
        first = amiss[0].partition(": ")[2].partition(";")[0]
        keys["on_bad_row"] = ("skip", f"leaves out what is amiss: {first}")
    return keys


def _told(source: Path, place: Path, tables: list[str]) -> Iterator[tuple[Path, int]]:
    """The JSON files in and beside a source that name its series, those of windows first, with how many they know."""
    folders = dict.fromkeys([source, place.parent] if source.is_dir() else [source.parent])
    files = [path for folder in folders for path in sorted(folder.glob("*.json")) if path.stat().st_size < _LARGEST]
    found = []
    for path in files:
        try:
            told = read_anomalies(path)
        except DataError:
            continue
        known = sum(map(bool, of_series(told, tables)[0].values()))
        moments = all(begin == end for windows in told.windows.values() for begin, end in windows)
        if known:
            found.append((moments, path, known))
    return ((path, known) for _, path, known in sorted(found, key=lambda each: each[0]))


def find_rows(source: Path, options: Options) -> Keys | None:
    """The keys of a task that looks for strange rows of a table, each with a reason; none where there is no table with
    labels of two sorts, one of them rare.

    Raises:
        DataError: the column that is named is no such label.
    """
    try:
        opened = open_source(source, Path(), options)
    except ConcoursError:
        return None
    table = opened.x
    if not isinstance(table, pa.Table) or not len(table):
        return None
    if options.names and options.names[0] not in table.column_names:
        return None
    rare = {name: found for name in table.column_names if (found := rare_label(table[name])) is not None}
    wanted = options.names[0] if options.names else next(reversed(rare), None)
    if wanted is None or not (options.names or options.asked or _looks_so(table, rare[wanted][1])):
        return None
    if wanted not in rare:
        raise DataError(
            f"--target: {opened.name}: {wanted!r} does not have two labels, one of them in at most {RARE:.0%} of rows"
        )
    label, share = rare[wanted]
    keys: Keys = {
        "data": (str(source), f"{len(table):,} rows"),
        "target": (wanted, "named by --target" if options.names else "the last column with a rare label"),
    }
    if opened.header == 0:
        keys["header"] = (False, "the first line is a row; columns are called 0, 1, …")
    if label not in ("1", "true"):
        keys["positive"] = (label, f"{share:.2%} of rows, taken for the anomalies")
    keys["split"] = ({"test": 0.3}, "both sorts in each part by their share")
    return keys


def _looks_so(table: pa.Table, share: float) -> bool:
    """Whether a table that nobody speaks of may be one: measurements, and behind them a label that is rare indeed."""
    *measured, _ = table.columns
    numbers = all(pa.types.is_floating(each.type) or pa.types.is_integer(each.type) for each in measured)
    return len(measured) > 1 and numbers and rare_label(table.columns[-1]) is not None and share <= _SELDOM


def sample(folder: Path, seed: int) -> Task:
    """Twelve hourly series with a daily season, and some hours in each that are off, with a file that says when."""
    rng, steps = np.random.default_rng(seed), 240
    place = folder / "series"
    place.mkdir()
    windows = {}
    for number in range(12):
        values = 20 + 3 * np.sin(2 * np.pi * np.arange(steps) / 24) + 0.5 * rng.standard_normal(steps)
        time = pd.date_range("2026-01-01", periods=steps, freq="h")
        begins = (60 + int(rng.integers(0, 30)), 150 + int(rng.integers(0, 60)))
        for begin in begins:
            values[begin : begin + 10] += rng.choice([-12.0, 12.0])
        name = f"machine-{number:02}.csv"
        table = pa.table({"time": time.strftime("%Y-%m-%d %H:%M:%S").tolist(), "heat": np.round(values, 3)})
        pa.csv.write_csv(table, place / name)
        windows[name] = [[str(time[begin]), str(time[begin + 9])] for begin in begins]
    (folder / "windows.json").write_text(json.dumps(windows))
    return Task(
        kind="anomaly-detection",
        data=str(place),
        split=Split(test=0.5, folds=2),
        options={"anomalies": str(folder / "windows.json")},
    )


def sample_rows(folder: Path, seed: int) -> Task:
    """Rows of two normal clouds, and some far from both."""
    rng, rows, strange = np.random.default_rng(seed), 240, 24
    centres = np.where(rng.random(rows) < 0.5, -2.0, 2.0)
    x = rng.standard_normal((rows, 3)) * 0.5 + centres[:, None]
    flags = np.zeros(rows, dtype=np.int64)
    flags[rng.permutation(rows)[:strange]] = 1
    x[flags == 1] = rng.uniform(-6, 6, (strange, 3))
    table = pa.table({**{name: np.round(x[:, place], 4) for place, name in enumerate("abc")}, "fault": flags})
    pa.csv.write_csv(table, folder / "rows.csv")
    return Task(
        kind="tabular-anomaly-detection",
        data=str(folder / "rows.csv"),
        target="fault",
        split=Split(test=0.3, folds=3),
    )
