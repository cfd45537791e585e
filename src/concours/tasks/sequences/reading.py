"""Reading sequences with a class or a number each, in the form that models take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import ContestError, DataError
from concours.core.written import counted
from concours.tasks.cells import Form
from concours.tasks.ids import ids_of
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.readers.header import absent
from concours.tasks.readers.opened import Opened
from concours.tasks.reading import Data, require_known, split_off, with_target
from concours.tasks.sequences.gathering import Sequences, padded
from concours.tasks.sequences.sources import LABELS, new_sequences, sequences_in
from concours.tasks.sequences.ts_files import TARGET
from concours.tasks.task import Task
from concours.tasks.weights import require_column, weights_apart

Rows = NDArray[np.float32]


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """Sequences, float32 (rows, channels, steps), with their targets; and those that judge.

    Where they are of different lengths, NaN fills the shorter ones up at their ends.

    Raises:
        ContestError, DataError: the data is missing, damaged, or does not suit the task.
    """
    require_taken(task, kind)
    verbatim = kind.output.verbatim
    parts = sequences_in(task.data, task, folder, verbatim=verbatim)
    if task.target is not None and task.target_column is None:
        if task.test is not None:
            raise ContestError("task.test: with targets given as values, task.split.test splits a test part off")
        parts = [_with_values(parts[0], task.target)]
        task = replace(task, target=TARGET)
    data = _data(parts[0], task, kind, max(one.shape[1] for one in parts[0].values))
    if task.test is not None:
        parts = [parts[0], sequences_in(task.test, task, folder, verbatim=verbatim, like=parts[0])[0]]
    if len(parts) == 1:
        return data, None
    require_column(task.weight)
    return data, _data(parts[1], task, kind, _steps(data.x))


def renew(
    source: Any,
    like: Rows,
    *,
    forms: Mapping[str, Form] | None = None,
    written: Sequence[str] = (),
    told: Callable[[str], None] = lambda text: None,
    **more: Any,  # what other renewers are told
) -> tuple[Rows, Opened]:
    """New sequences of the channels, and with as many steps, as those that models were fitted on.

    NaN fills up shorter ones, and what is longer loses its end, which is told.

    Args:
        forms: of the columns that models were fitted on: channels, then the time, if there is one.
        written: the column of what sequences are called.

    Raises:
        DataError: they cannot be read, or have other channels.
    """
    del more
    found = new_sequences(source, forms or {}, like.shape[1], next(iter(written), None))
    if len(found.channels) != like.shape[1]:
        raise DataError(
            f"{found.name} has {counted(len(found.channels), 'channel')}; models were fitted on {like.shape[1]}"
        )
    for warning in (*found.warnings, *_cut(found, like.shape[2])):
        told(warning)
    return padded(found.values, like.shape[2]), Opened(x=found.table, name=found.name, notes=found.notes)


def _data(found: Sequences, task: Task, kind: Kind, steps: int) -> Data:
    """Rows and targets of one part."""
    name = found.name
    require_known(task, found.table, name)
    target = _target(found.table, task.target_column, name)
    rows, told = with_target(found.table, target, task, name, unit="sequence")
    if len(rows) < len(found):
        found = found.some(rows)
    table, y = split_off(found.table, target, name)
    table, weights, alike = weights_apart(table, task.weight, name)
    assert isinstance(table, pa.Table)  # noqa: S101 (for the type checker)
    lengths = [one.shape[1] for one in found.values]
    return Data(
        x=padded(found.values, steps),
        y=kind.output.checked(y, task, name),
        name=name,
        beside=table,
        ids=None if task.id is None else ids_of(table[task.id]),
        left_out=found.left_out,
        read="sequences",
        notes=(
            *found.notes,
            f"{min(lengths):,} to {max(lengths):,} steps each, of {counted(len(found.channels), 'channel')}",
        ),
        warnings=(*found.warnings, *told, *alike, *_cut(found, steps)),
        weights=weights,
        forms=found.forms,
    )


def _cut(found: Sequences, steps: int) -> list[str]:
    longer = sum(one.shape[1] > steps for one in found.values)
    said = f"{found.name}: {longer:,} of {len(found):,} sequences are longer than the {steps:,} steps that models take"
    return [f"{said}, and lose their ends"] if longer else []


def _target(table: pa.Table, named: str | None, name: str) -> str:
    """The column of the target: that which is named, or one that is called so. Raises DataError."""
    columns = table.column_names
    if named is not None:
        if named not in columns:
            raise DataError(f"task.target: {name} has no column {named!r}; {absent(named, columns)}")
        return named
    found = next((column for column in columns if column.lower() in LABELS), None)
    if found is None:
        raise DataError(f"task.target is missing: name the column to predict; {name} has: {', '.join(columns[:40])}")
    return found


def _with_values(found: Sequences, target: Any) -> Sequences:
    """Sequences with targets that are given as values, (sequences,)."""
    values = np.asarray(target)
    if values.shape != (len(found),):
        raise DataError(f"task.target must have one value a sequence: expected {len(found)}, got shape {values.shape}")
    return replace(found, table=found.table.append_column(TARGET, pa.array(values)))


def _steps(x: Any) -> int:
    return int(x.shape[2])
