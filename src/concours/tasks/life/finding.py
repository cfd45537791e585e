"""What tells that a source holds units that run to failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from concours.core.errors import ConcoursError, DataError
from concours.core.written import counted
from concours.tasks.life.cmapss import CYCLE, UNIT, engines_in
from concours.tasks.life.settings import CAP, WINDOW
from concours.tasks.readers.header import absent
from concours.tasks.readers.listing import TABLES, suffix_of
from concours.tasks.readers.opened import Options
from concours.tasks.sequences.finding import begins_with, named, with_time
from concours.tasks.sequences.gathering import Columns
from concours.tasks.sequences.tables import table_in

IDS: Final = tuple(
    f"{name}{end}"
    for name in ("unit", "engine", "machine", "asset", "device", "bearing", "battery")
    for end in ("", "_id", "id", "_number", "_nr")
)
LIVES: Final = ("rul", "remaining_useful_life", "remaining_life", "cycles_left", "time_to_failure", "ttf")
FAILURES: Final = ("failure", "failed", "fail", "broken")

_OPTIONS: Final = f"a model sees {WINDOW} steps (window), and lives count up to {CAP} (cap); give others here"


def find(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The keys of a task of remaining life, with a reason each; none where the source holds no units.

    Sure are the layout of C-MAPSS, and a table with a column of units and one of their remaining life, or of failures.

    Raises:
        DataError: the kind is asked for, and no column says which rows are a unit; or the target is not there.
    """
    if not source.exists():
        return None
    engines = engines_in(source)
    if engines is not None and engines.train is not None:
        units = len(engines.train[UNIT].unique())
        judging = f", {len(engines.test[UNIT].unique())} that judge" if engines.test is not None else ""
        said = f"the layout of C-MAPSS: {units} units that run to failure{judging}"
        keys: dict[str, tuple[Any, str]] = {
            "data": (str(source), said),
            "id": (UNIT, "windows of a unit keep together"),
        }
        split = (
            {} if engines.test is not None and engines.life is not None else {"split": ({"test": 0.2}, "of the units")}
        )
        return {**keys, **split, "options": ({"time": CYCLE, "window": WINDOW, "cap": CAP}, _OPTIONS)}
    known = (*LIVES, *FAILURES)
    if not source.is_file() or suffix_of(source.name) not in TABLES:
        return None
    if not options.asked and not (begins_with(source, IDS) and begins_with(source, known)):
        return None
    try:
        opened = table_in(source, Path(), options, source.name)
    except ConcoursError:
        if options.asked:
            raise
        return None
    assert isinstance(opened.x, pa.Table)  # noqa: S101 (for the type checker)
    return _of_table(source, opened.x, options)


def _of_table(source: Path, table: pa.Table, options: Options) -> dict[str, tuple[Any, str]] | None:
    id, wanted = named(IDS, table), next(iter(options.names), None)
    if id is None:
        if options.asked:
            raise DataError(
                f"{source.name} has no column of units, called like 'unit' or 'machine_id': give it such a name"
            )
        return None
    if wanted is not None and wanted not in table.column_names:
        raise DataError(f"--target: {source.name} has no column {wanted!r}; {absent(wanted, table.column_names)}")
    target, failure = wanted or named(LIVES, table), named(FAILURES, table)
    if target is None and failure is None and not options.asked:
        return None
    apart = tuple(one for one in (target, failure) if one is not None)
    timed = with_time(table, source.name, Columns(id=id, apart=apart), "unit")
    told = {"time": timed.name, "failure": failure if target is None else None, "window": WINDOW, "cap": CAP}
    keys: dict[str, tuple[Any, str]] = {
        "data": (str(source), f"{counted(len(table[id].unique()), 'unit')} by {id!r}, {len(table):,} steps{timed.why}"),
        "id": (id, "windows of a unit keep together"),
        "split": ({"test": 0.2}, "of the units, whole"),
        "options": ({key: value for key, value in told.items() if value is not None}, _OPTIONS),
        **timed.keys,
    }
    if target is not None:
        return {**keys, "target": (target, "the remaining life")}
    return keys
