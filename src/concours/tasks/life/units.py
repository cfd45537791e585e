"""Where units come from: the layout of C-MAPSS, or a table with a row a step; and which of their lives are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import counted, written
from concours.tasks.life.cmapss import CYCLE, UNIT, Engines, engines_in
from concours.tasks.places import Places
from concours.tasks.readers.header import absent
from concours.tasks.readers.opened import Opened
from concours.tasks.sequences.gathering import Sequences
from concours.tasks.sequences.tables import opened_table
from concours.tasks.task import Task

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Units:
    """Units as they were read, a row a step.

    Attributes:
        left: by what units are called, how many steps are left after their last row, where that is told apart.
        rows: which rows of the source the table has, where some were left out.
    """

    table: pa.Table
    name: str
    left: Mapping[str, float] | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    left_out: int = 0
    rows: Places | None = None


def units_of(task: Task, folder: Path) -> tuple[Units, Units | None, Task]:
    """The units to learn from, those that judge, and the task with what the layout of the data tells.

    Raises:
        ContestError, DataError: they are missing, damaged, or do not suit the task.
    """
    engines = _engines(task.data, folder)
    if engines is None:
        return *_of_tables(task, folder), task
    told = replace(task, id=task.id or UNIT, options={"time": CYCLE, **task.options})
    if engines.train is None:
        raise DataError(
            f"{engines.test_name} holds units that stop before they fail; name the file that begins with train"
        )
    judging = engines if task.test is None else _engines(task.test, folder)
    if judging is None:
        raise DataError("task.test: a file like test_FD001.txt was expected, with RUL_FD001.txt beside it")
    train = Units(table=_bare(engines.train, task, engines.name), name=engines.name)
    if judging.test is None or judging.life is None:
        if task.test is not None or judging.test is not None:
            raise DataError(
                f"{judging.test_name or judging.name}: the cycles left of its units are missing; a file RUL_… was "
                "expected beside it"
            )
        return train, None, told
    test = _bare(judging.test, task, judging.test_name)
    return train, Units(table=test, name=judging.test_name, left=_left(judging)), told


def new_units(source: Any, folder: Path) -> pa.Table | None:
    """The units of which a source of that layout asks: those of its test part, else all; none of another layout."""
    engines = _engines(source, folder)
    return None if engines is None else engines.train if engines.test is None else engines.test


def steps_left(units: Units, found: Sequences, target: str | None, failure: str | None) -> dict[int, Floats | str]:
    """How many steps are left after each step of each unit, (steps,), or what is wrong with the unit.

    A column tells them, or they are told apart; else a unit fails at its last row, of which `failure` is the proof.
    """
    values = None if target is None else _column(units, target)
    failed = None if failure is None else _column(units, failure)
    names = [written(one) for one in found.table.column(0).to_pylist()]
    lives: dict[int, Floats | str] = {}
    for place, (name, rows) in enumerate(zip(names, found.rows, strict=True)):
        where = f"{units.name}: unit {name}"
        after = np.arange(len(rows), dtype=np.float64)[::-1]
        numbers = 1 + (rows if units.rows is None else units.rows[rows])
        if values is not None:
            lives[place] = _told(values[rows], where, str(target), numbers)
        elif units.left is not None:
            lives[place] = after + units.left[name]
        elif failed is not None:
            lives[place] = _failing(failed[rows], after, where, str(failure), numbers)
        else:
            lives[place] = after
    return lives


def _told(own: Floats, where: str, target: str, numbers: NDArray[np.int64]) -> Floats | str:
    bad = ~np.isfinite(own) | (own < 0)
    if bad.any():
        return f"{where} has {target} = {own[bad][0]:g} in row {numbers[np.argmax(bad)]}; 0 or more was expected"
    return own


def _failing(failed: Floats, after: Floats, where: str, failure: str, numbers: NDArray[np.int64]) -> Floats | str:
    if failed[-1] == 1 and (failed[:-1] == 0).all():
        return after
    if not (failed == 1).any():
        return (
            f"{where} has no failure: {failure} is never 1, up to its last row, {numbers[-1]}; a unit to learn from "
            "is followed until it fails"
        )
    first = int(np.argmax(failed == 1))
    return f"{where} has {failure} = 1 in row {numbers[first]}, and rows behind it; a unit ends where it fails"


def _column(units: Units, column: str) -> Floats:
    """A column of numbers or truth values (rows,). Raises DataError where it is something else."""
    if column not in units.table.column_names:
        raise DataError(f"{units.name} has no column {column!r}; {absent(column, units.table.column_names)}")
    found = units.table[column]
    if not (pa.types.is_integer(found.type) or pa.types.is_floating(found.type) or pa.types.is_boolean(found.type)):
        raise DataError(f"{units.name}: column {column!r} must hold numbers, got {str(found[0].as_py())[:40]!r}")
    return np.asarray(pc.cast(found, pa.float64()).to_numpy(), dtype=np.float64)


def _engines(source: Any, folder: Path) -> Engines | None:
    return engines_in(folder / source) if isinstance(source, (str, Path)) else None


def _left(engines: Engines) -> dict[str, float]:
    assert engines.test is not None  # noqa: S101 (for the type checker)
    assert engines.life is not None  # noqa: S101 (for the type checker)
    names = [written(one) for one in engines.test[UNIT].unique().to_pylist()]
    if len(names) != len(engines.life):
        raise DataError(
            f"{engines.life_name} has {counted(len(engines.life), 'line')}, and {engines.test_name} "
            f"{counted(len(names), 'unit')}: a line a unit was expected, in their order"
        )
    return dict(zip(names, engines.life.tolist(), strict=True))


def _bare(table: pa.Table, task: Task, name: str) -> pa.Table:
    """A table without what is dropped."""
    for column in task.drop:
        if column not in table.column_names:
            raise DataError(f"task.drop: {name} has no column {column!r}; {absent(column, table.column_names)}")
    return table.drop_columns(list(task.drop))


def _of_tables(task: Task, folder: Path) -> tuple[Units, Units | None]:
    opened = opened_table(task.data, task, folder, written=_ids(task))
    if task.id is None:
        raise DataError(f"task.id is missing: name the column of the units; {opened.name} has: {_listed(opened)}")
    like = opened.x.schema if isinstance(opened.x, pa.Table) else None
    judging = opened.test if task.test is None else opened_table(task.test, task, folder, written=_ids(task), like=like)
    if judging is not None and task.target is None:
        raise DataError(
            f"{judging.name}: units that judge need their remaining life: name its column by target in [task]; without "
            "a test part of their own, units of the data judge, which run to failure"
        )
    return _units(opened), None if judging is None else _units(judging)


def _units(opened: Opened) -> Units:
    assert isinstance(opened.x, pa.Table)  # noqa: S101 (for the type checker)
    return Units(
        table=opened.x,
        name=opened.name,
        notes=opened.notes,
        warnings=opened.warnings,
        left_out=opened.left_out,
        rows=opened.rows,
    )


def _ids(task: Task) -> tuple[str, ...]:
    return () if task.id is None else (task.id,)


def _listed(opened: Opened) -> str:
    return ", ".join(opened.x.column_names[:40]) if isinstance(opened.x, pa.Table) else ""
