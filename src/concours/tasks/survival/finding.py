"""Whether a table may hold times to an event, and a little one for tests."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from concours.core.errors import ConcoursError, DataError
from concours.core.written import written
from concours.tasks.readers.archives import entry_at, is_archive
from concours.tasks.readers.damage import damage_named
from concours.tasks.readers.listing import TABLES, suffix_of
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source
from concours.tasks.survival.reading import meaning
from concours.tasks.survival.words import folded, that_came
from concours.tasks.task import Split, Task

TIMES: Final = (
    "time", "survival_time", "time_to_event", "duration", "futime", "followup_time", "follow_up_time", "followup",
    "lenfol", "os_time", "survival_months", "survival_days", "tenure", "days", "weeks", "months", "years",
    "zeit", "dauer", "überlebenszeit", "tage", "wochen", "monate", "jahre", "temps", "durée", "jours", "mois",
    "tiempo", "duración", "días", "meses",
)  # fmt: skip
"""Usual names of the time, in the order in which they are looked for."""
EVENTS: Final = (
    "event", "died", "dead", "death", "deceased", "fstat", "status", "cens", "censor", "censored", "relapse", "failed",
    "failure", "churn", "churned", "os_status", "vital_status", "verstorben", "gestorben", "ereignis", "zensiert",
    "ausgefallen", "gekündigt", "décédé", "décès", "événement", "censuré", "fallecido", "muerte", "evento", "censurado",
)  # fmt: skip
"""Usual names of the column that says whether the event came."""

_TYPED: Final = (".parquet", ".pq", ".arrow", ".feather", ".ipc")
_HEAD: Final = 1 << 13
_FEW: Final = 10
"""Values of a column that may yet be one of events."""


def find(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The keys of `[task]` of a table with a time and an event by usual names, each with a reason; none of another.

    Raises:
        DataError: the kind was asked for, and a column cannot be told.
    """
    if source.is_dir() or is_archive(source.name) or suffix_of(source.name) not in (*TABLES, ".json"):
        return None
    if not (options.asked or _may_hold(source)):
        return None
    try:
        opened = open_source(source, Path(), replace(options, input="table"))
    except ConcoursError:
        return None  # who reads it as a table says what is wrong
    table = opened.x
    if not isinstance(table, pa.Table):
        return None
    named = next(iter(options.names), None)
    numbers = [name for name in table.column_names if _are_times(table[name])]
    time = named if named in numbers else usual(TIMES, numbers)
    event = usual(EVENTS, [name for name in table.column_names if name != time and _two(table[name])])
    if time is None or event is None:
        if options.asked:
            raise DataError(_third(table, time, opened.name) or _asked(opened.name, time))
        return None
    return _keys(source, table, time, event, opened.name, asked=options.asked)


def usual(names: Sequence[str], columns: Collection[str]) -> str | None:
    """The column that is called by the first of usual names that one is called by, however that is written."""
    known = {folded(column): column for column in columns}
    return next((known[name] for name in map(folded, names) if name in known), None)


def _may_hold(source: Path) -> bool:
    """Whether the beginning of a file of text has such names; of what is no text, whether it may be read."""
    if suffix_of(source.name) in _TYPED:
        return True
    with damage_named(source.name), entry_at(source).open() as file:
        words = set(folded(file.read(_HEAD).decode("utf-8", "replace")).split("_"))
    return all(any(set(folded(name).split("_")) <= words for name in names) for names in (TIMES, EVENTS))


def _are_times(column: pa.ChunkedArray) -> bool:
    """Whether cells are numbers, most of them above 0."""
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)) or column.null_count == len(column):
        return False
    return bool(pc.mean(pc.greater(column, 0)).as_py() > 0.9)


def _two(column: pa.ChunkedArray) -> bool:
    return len(column) > column.null_count and len(column.drop_null().unique()) == 2


def _third(table: pa.Table, time: str | None, name: str) -> str | None:
    """What to say of a column that is called as events are, and has more than two values; none where there is none."""
    event = usual(EVENTS, [column for column in table.column_names if column != time])
    if time is None or event is None:
        return None
    cells = pc.drop_null(table[event])
    counts = sorted(((one["counts"], one["values"]) for one in cells.value_counts().to_pylist()), reverse=True)
    if not 2 < len(counts) <= _FEW:
        return None
    values = ", ".join(f"{written(value)!r} ({count:,})" for count, value in counts)
    rarest = counts[-1][1]
    row = next(row for row, cell in enumerate(table[event].to_pylist(), 1) if cell == rarest)
    return (
        f"{name}: {event!r} must have two values, whether the event came or not; it has {len(counts)}: {values}, "
        f"{written(rarest)!r} first in row {row}; mend such cells, or empty them and on_bad_row leaves the rows out"
    )


def _asked(name: str, time: str | None) -> str:
    if time is None:
        return f"--target: which column of {name} is the time until the event, a number above 0? Name it by --target"
    return (
        f"{name}: which column says whether the event came at {time!r}? No column of two values is called "
        f'{", ".join(EVENTS[:4])} or the like: write a contest file with [task] kind = "survival", target = "{time}" '
        'and event = "THAT COLUMN"'
    )


def _keys(
    source: Path, table: pa.Table, time: str, event: str, name: str, *, asked: bool
) -> dict[str, tuple[Any, str]]:
    values = _values(table[event])
    keys: dict[str, tuple[Any, str]] = {
        "data": (str(source), f"{len(table):,} rows"),
        "target": (time, "the time, in the unit that it has"),
        "event": (event, f"whether the event came then; else the row is censored; values: {', '.join(values)}"),
        "split": ({"test": 0.2}, "by chance, with as many events in every part"),
    }
    happened = that_came(values, event)
    if happened is None and asked:
        raise DataError(_unknown(source, time, event, values, name))
    if happened is not None and happened != _by_itself(values, event, name):
        other = next(value for value in values if value != happened)
        keys["happened"] = (happened, f"the value of {event!r} that says that it came; {other!r} says that it did not")
    if "cens" in event.lower() and set(values) == {"0", "1"}:
        keys["happened"] = ("1", f"{event!r} may say the opposite, who was censored: then write 0")
    bad = sum(each.null_count for each in (table[time], table[event])) + pc.sum(pc.less_equal(table[time], 0)).as_py()
    if bad:
        keys["on_bad_row"] = ("skip", f"{bad:,} cells of {time!r} or {event!r} are missing, or no time above 0")
    return keys


def _values(column: pa.ChunkedArray) -> list[str]:
    """The different values, as they are written."""
    return sorted({written(value).strip() for value in column.drop_null().unique().to_pylist()})


def _by_itself(values: list[str], event: str, name: str) -> str | None:
    """What a contest that does not say it takes for the event."""
    try:
        return meaning(values, event, None, name)
    except DataError:
        return None


def _unknown(source: Path, time: str, event: str, values: Sequence[str], name: str) -> str:
    one, other = values
    return (
        f'{name}: which value of {event!r} says that the event came, "{one}" or "{other}"? Their words do not tell. '
        f'Write a contest file with [task] kind = "survival", data = "{source.name}", target = "{time}", '
        f'event = "{event}" and happened = "{one}", or happened = "{other}"'
    )


def sample(folder: Path, seed: int) -> Task:
    """Machines that fail the sooner the hotter they run, some of which are still running, as a CSV file."""
    rng, rows = np.random.default_rng(seed), 150
    heat, load = rng.normal(60, 10, rows), rng.choice(["low", "high"], rows)
    fails = rng.weibull(1.5, rows) * 40 * np.exp((60 - heat) / 12 - 0.4 * (load == "high"))
    seen = rng.uniform(5, 90, rows)
    table = pa.table(
        {
            "heat": heat.round(1),
            "load": load.tolist(),
            "weeks": np.maximum(np.minimum(fails, seen), 0.1).round(2),
            "failed": np.where(fails <= seen, "yes", "no").tolist(),
        }
    )
    path = folder / "machines.csv"
    pa.csv.write_csv(table, path)
    return Task(
        kind="survival",
        data=str(path),
        target="weeks",
        split=Split(test=0.3, folds=3),
        options={"event": "failed"},
    )
