"""Series of which a column says when they are strange: which column that is, and the keys of a task on them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from concours.core.errors import ConcoursError, DataError
from concours.core.written import written
from concours.tasks.readers.archives import is_archive
from concours.tasks.readers.beginning import open_beginning
from concours.tasks.readers.header import absent
from concours.tasks.readers.listing import TABLES, suffix_of
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source
from concours.tasks.series.channels import dated, numbered
from concours.tasks.series.finding import long_by
from concours.tasks.signals.series import Columns, series_of

Keys = dict[str, tuple[Any, str]]

RARE: Final = 0.2
"""The share of rows up to which one of two labels may be that of anomalies."""
_NAMED: Final = re.compile(r"anomal|outlier|abnormal", re.IGNORECASE)
_PLAIN: Final = frozenset(("value", "label"))
"""What columns are called beside one of times in files of labelled series, as those of the AIOps challenge (2018)."""
_WANTED: Final = (
    "nothing says when it is strange: give a folder of series, a file each, and a JSON file in it or beside it that "
    'names the windows of each, {"a.csv": [["2026-05-31 08:00", "2026-05-31 12:00"], …]}; or a table with a column of '
    f"labels such as 0 and 1, one of them in at most {RARE:.0%} of rows, which --target may name"
)


def find_labelled(place: Path, tables: Sequence[str], options: Options) -> Keys | None:
    """The keys of a task that watches series whose steps a column labels, each with a reason; none where there is no
    such column.

    Unasked one table is such a series where it has times, and its columns are called so: the label of two sorts an
    anomaly, or all as the AIOps challenge has it, time, value and label.

    Args:
        place: a file, a folder or an archive.
        tables: those in it.

    Raises:
        DataError: a person says that it is of this kind, and no column says when it is strange, or the one that is
            named does not.
    """
    try:
        if not tables or not (options.asked or (_is_one(place) and _is_plain(place))):
            return None
        table = _all_rows(place, tables, options)
        label = _label(table, place.name, options)
        return None if label is None else _keys(place, table, label, options)
    except ConcoursError:
        if options.asked:
            raise
        return None


def rare_label(column: pa.ChunkedArray) -> tuple[str, float] | None:
    """The rarer of two labels, as it is written, and its share; none where there are not two, or both are frequent."""
    if column.null_count or pa.types.is_floating(column.type) or pa.types.is_temporal(column.type):
        return None
    counts = column.value_counts()
    if len(counts) != 2:
        return None
    least = min(counts.to_pylist(), key=lambda each: each["counts"])
    share = least["counts"] / len(column)
    return (written(least["values"]).strip(), share) if share <= RARE else None


def _is_plain(file: Path) -> bool:
    """Whether the first rows of a file of a series look labelled, without a person who says so."""
    if suffix_of(file.name) not in TABLES:
        return False
    table = open_beginning(file, Options(input="table")).opened.x
    if not isinstance(table, pa.Table) or not dated(table):
        return False
    others = {name.lower() for name in table.column_names} - {name.lower() for name in dated(table)[:1]}
    return others == _PLAIN or any(_NAMED.search(name) for name in others)


def _all_rows(place: Path, tables: Sequence[str], options: Options) -> pa.Table:
    """The rows of all series, by the columns that all have."""
    sources = [str(place)] if _is_one(place) else [_inner(place, one) for one in sorted(tables)]
    opened = [open_source(source, Path(), replace(options, input="table")).x for source in sources]
    found = [one for one in opened if isinstance(one, pa.Table)]
    if len(found) < len(opened):
        raise DataError(f"{place.name} holds no series: {_WANTED}")
    shared = [name for name in found[0].column_names if all(name in one.column_names for one in found)]
    return pa.concat_tables([one.select(shared) for one in found], promote_options="permissive")


def _is_one(place: Path) -> bool:
    """Whether it is one table."""
    return place.is_file() and not is_archive(place.name)


def _inner(place: Path, name: str) -> str:
    return str(place / name) if place.is_dir() else f"{place}:{name}"


def _label(table: pa.Table, name: str, options: Options) -> str | None:
    """The column that says which steps are strange: the one that is named, or called so, or the last that may be."""
    rare = [column for column in table.column_names if rare_label(table[column]) is not None]
    if not options.names:
        called = [column for column in rare if _NAMED.search(column)]
        if not rare and options.asked:
            raise DataError(f"{name}: {_WANTED}")
        return (called or rare or [None])[-1]
    column = options.names[0]
    if column not in table.column_names:
        raise DataError(f"--target: {name} has no column {column!r}; {absent(column, table.column_names)}")
    if column not in rare:
        raise DataError(
            f"--target: {name}: {column!r} does not have two labels, one of them in at most {RARE:.0%} of rows"
        )
    return column


def _keys(place: Path, table: pa.Table, label: str, options: Options) -> Keys | None:
    time = next(iter(dated(table)), None)
    numbers = [name for name in numbered(table) if name != label]
    if not numbers:
        raise DataError(f"{place.name} has no column of numbers beside {label!r}, and a series is one")
    value = numbers[0]
    series = None if time is None or not _is_one(place) else long_by(table, value, time)
    rest = [name for name in numbers if name not in (value, series)]
    found = series_of(
        str(place),
        Path(),
        Columns(time=time, value=value, series=series, target=label),
        replace(options, names=()),
        name=place.name,
    )
    positive, share = rare_label(table[label]) or ("1", 0.0)
    keys: Keys = {
        "data": (str(place), f"{len(table):,} steps of {len(found):,} series" if len(found) > 1 else "a series"),
        "target": (
            label,
            f"named by --target; {share:.2%} of steps" if options.names else f"labels {share:.2%} of steps",
        ),
        "value": (value, f"the first of {len(numbers)} columns of numbers" if rest else "the only column of numbers"),
    }
    if positive.lower() not in ("1", "true"):
        keys["positive"] = (positive, "the rarer label, taken for the anomalies")
    if series is not None:
        keys["series"] = (series, "tells series apart: each has a moment once")
    keys["split"] = ({"test": 0.5}, "the later half of each series judges: anomalies are few, and a series is one case")
    if amiss := [line for one in found for line in one.amiss]:
        keys["on_bad_row"] = ("skip", f"leaves out what is amiss: {amiss[0].partition(': ')[2].partition(';')[0]}")
    return keys
