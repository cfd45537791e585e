"""Ingesting: a task's data is read, checked, split, and kept in the store; what is left is a problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.compete.scale import Scale
from concours.core.errors import DataError
from concours.core.ports import Store
from concours.core.problem import Part, Problem
from concours.core.registry import load
from concours.core.seeds import derive_seed
from concours.core.values import take
from concours.core.written import quoted, written
from concours.entrants.zoo import Size
from concours.kernels.rows.weighing import effective
from concours.stores.blobs import get_array, put_array, put_table, put_texts
from concours.stores.values import put_values
from concours.tasks.alike import columns_alike
from concours.tasks.cells import Form
from concours.tasks.conforming import conform
from concours.tasks.division import DUPLICATES, Division, column_of, divide, some_rows, units_of, usual_folds
from concours.tasks.duplicates import row_keys
from concours.tasks.kinds import Kind, kind_named
from concours.tasks.metrics.checks import check_target, check_weights
from concours.tasks.outputs.output import OutputKind
from concours.tasks.readers.opened import Rows
from concours.tasks.reading import Data
from concours.tasks.relations import leaks
from concours.tasks.splits import public_rows
from concours.tasks.task import Split, Task


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """A problem, and what a person should know of its data.

    Attributes:
        test_ids: what the rows of the test part are called: their ids where the task has a column of these, else their
            positions in the data as it was read, from 0.
        files, test_files: of rows that are a file each, what those of the data and of a test part of its own are
            called; else empty.
        rows: of the data that the test part was split off from, or of the test file.
        data_ids: what all rows of the data are called, where the task has a column of ids and the data has it.
        data_rows: of the data, without a test file.
        places: (data_rows,) which rows of its source they are, from 0, where some of it were left out; else none.
        apart: whether the test part is a file of its own.
        reading: what was read, a line each of the data and of a test part of its own.
        forms: of columns, where rows do not keep them (`tasks.reading.Data`).
        size: of the training part as it was read.
        scale: by which it was divided.
    """

    problem: Problem
    warnings: tuple[str, ...]
    test_ids: pa.Array
    rows: int
    size: Size
    scale: Scale
    data_ids: pa.Array | None
    data_rows: int
    apart: bool
    places: NDArray[np.int64] | None = None
    reading: tuple[str, ...] = ()
    forms: Mapping[str, Form] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    test_files: tuple[str, ...] = ()


def names_of(ingested: Ingested, store: Store, *, test: bool) -> list[str]:
    """What the rows of the test part, or of the training part, are called: as of `Ingested.test_ids`."""
    at, ids = get_array(store, ingested.problem.train.ids), ingested.data_ids
    train = pa.array(at) if ids is None else ids.take(pa.array(at))
    return [written(value).strip() for value in (ingested.test_ids if test else train).to_pylist()]


Scaled = Callable[[Size, int, int], Scale]
"""From the size of the training part, its usual number of folds and the rows of the test part to a contest's scale."""


def _usual(size: Size, folds: int, _test_rows: int) -> Scale:
    return Scale(effort=1.0, folds=folds, rows=size.rows)


def ingest(task: Task, store: Store, *, seed: int, folder: Path, scaled: Scaled = _usual) -> Ingested:
    """Reads a task's data and keeps it split. The seed decides which rows are in which part.

    Args:
        scaled: into how many folds the training part is divided, and how many of its rows are fitted on.

    Raises:
        ContestError, DataError: the task or its data are wrong.
    """
    kind = kind_named(task.kind)
    data, test = load(kind.input.reader)(task, kind, folder)
    encoded = kind.output.encode(data.y, task, data.name, **data.meta)
    output, y, warnings = encoded.output, encoded.values, list(encoded.warnings)
    metrics = [output.metric(name) for name in task.metrics or kind.metrics or output.usual]
    check_target(metrics, y)
    if any(part is not None and part.weights is not None for part in (data, test)):
        check_weights(metrics)
    apart = (task.id,) if task.id else ()
    size, usual, judging_rows = _amounts(data, test, task, kind, output)
    scale = scaled(size, task.split.folds or usual, judging_rows)
    division = _divided(task, data, output.strata(y), scale, seed, test_apart=test is not None, slow=kind.input.slow)
    in_test = division.in_test
    ids, data_ids = _ids(data if test is None else test, task), _named(data, task)
    together = None if test is None else _together(task, test, apart)
    keys, test_keys = _keys(data, test)
    told: tuple[str, ...] = ()
    called, test_called = (None if part is None else _called(part, task, kind) for part in (data, test))
    data, test = _inputs(data, task, kind), None if test is None else _inputs(test, task, kind)
    if test is None:
        test_part = (
            _keep(store, data, y, np.flatnonzero(in_test), division.groups, task.split, called)
            if in_test.any()
            else None
        )
    else:
        test_y, told = output.encoded(test.y, test.name)
        test_part = _keep(store, test, test_y, np.arange(len(test)), together, task.split, test_called)
    train, folds, few = np.flatnonzero(division.in_train), division.folds, []
    judged = take(y, np.flatnonzero(in_test)) if test is None and in_test.any() else None if test is None else test_y
    output, learned = output.learned(data.x, y, train, judged)
    if scale.rows < size.rows:
        rng = np.random.default_rng(derive_seed(seed, "rows"))
        stay = some_rows(output.strata(take(y, train)), len(train), scale.rows, rng)
        few = [f"{stay.sum():,} of {len(train):,} rows are fitted on: the budget is short; more seconds, more rows"]
        train, folds = train[stay], folds[stay]
    judging = np.flatnonzero(in_test) if test is None else np.arange(len(test))
    public = public_rows(_numbers(ids, judging), task.split.public) if task.split.public and test_part else None
    problem = Problem(
        name=task.name or data.name.partition(".")[0],
        kind=kind.name,
        input=kind.input.value,
        output=output.value,
        metrics=tuple(found.goal for found in metrics),
        train=_keep(store, data, y, train, division.groups, task.split, called),
        folds=put_array(store, folds),
        n_folds=int(division.folds.max()) + 1,
        test=test_part,
        public=None if public is None else put_array(store, public),
        repeats=task.split.repeats,
    )
    warnings = [*(_leaking(data, output, y, train, task) if "columns" in kind.input.can else ()), *warnings]
    warnings += _blocks_said(task, test_part)
    warnings += _repeated(keys[train], keys[in_test] if test_keys is None else test_keys)
    warnings += [*_repeated_over_folds(keys[train], folds), *few]
    warnings += told
    warnings += columns_alike(data.x.column_names) if isinstance(data.x, pa.Table) else []
    said = [*data.warnings, *(test.warnings if test else ()), *warnings]
    return Ingested(
        problem=problem,
        warnings=tuple(dict.fromkeys(said)),
        test_ids=pa.array(judging) if ids is None else ids.take(pa.array(judging)),
        rows=len(in_test) if test is None else len(test),
        reading=(data.said, *(() if test is None else (test.said,)), *learned),
        size=size,
        scale=scale,
        data_ids=data_ids,
        data_rows=len(in_test),
        places=data.rows,
        apart=test is not None,
        forms=data.forms,
        files=data.files,
        test_files=test.files if test else (),
    )


def _divided(
    task: Task, data: Data, strata: NDArray[np.int64] | None, scale: Scale, seed: int, *, test_apart: bool, slow: bool
) -> Division:
    """Which rows are where; where inputs do not tell rows apart, those of equal content keep together."""
    split, rows = _grouped(replace(task.split, folds=scale.folds), data)
    return divide(
        split,
        rows,
        strata,
        rng=np.random.default_rng(derive_seed(seed, "split")),
        test_apart=test_apart,
        spans=data.spans,
        kin=data.kin,
        name=data.name,
        ignore=(task.id,) if task.id else (),
        slow=slow,
        fewer=task.split.folds is None,
    )


def _together(task: Task, test: Data, apart: tuple[str, ...]) -> NDArray[np.int64] | None:
    """Which rows of a test part of its own are one observation."""
    return units_of(*_grouped(task.split, test), test.name, apart, spans=test.spans, kin=test.kin)


def _amounts(data: Data, test: Data | None, task: Task, kind: Kind, output: OutputKind) -> tuple[Size, int, int]:
    """The size of the training part, its usual number of folds, and the rows of the test part."""
    x, judging = data.x, round(len(data) * task.split.test) if test is None else len(test)
    rows = len(data) - judging if test is None else len(data)
    texts = [x] if isinstance(x, pa.ChunkedArray) else x.columns if isinstance(x, pa.Table) else []
    words = (column for column in texts if pa.types.is_string(column.type) or pa.types.is_large_string(column.type))
    letters = sum(pc.mean(pc.utf8_length(column)).as_py() or 0.0 for column in words)
    columns = x.num_columns if isinstance(x, pa.Table) else prod(x.shape[1:]) if isinstance(x, np.ndarray) else 1
    size = Size(rows=rows, columns=columns, width=output.width, letters=letters)
    return size, usual_folds(rows, slow=kind.input.slow), judging


def _leaking(data: Data, output: OutputKind, y: Any, rows: NDArray[np.int64], task: Task) -> list[str]:
    """A warning for each column that alone predicts the target of the rows that are fitted on almost perfectly."""
    if not isinstance(data.x, pa.Table) or "sum" not in output.can:
        return []
    inputs = data.x.drop_columns([name for name in data.x.column_names if name == task.split.time])
    known = inputs.take(pa.array(rows))
    told = [
        (name, what, how)
        for what, sought, numbers in output.each_target(y)
        for name, how in leaks(known, sought[rows], numbers=numbers).items()
    ]
    return [
        f"{name!r} alone predicts {what} almost perfectly ({how}): a leak? The scores count on it; if it is not "
        f"known when predictions are made, leave it out by drop = [{quoted(name)}] in [task]"
        for name, what, how in told
    ]


def _blocks_said(task: Task, test: Part | None) -> list[str]:
    """What is to be known of intervals where rows follow in time."""
    if test is None or not test.in_time or test.observations is None:
        return []
    by = f" by {task.split.time!r}" if task.split.time else ""
    what = "series" if test.observed == "series" else "blocks of time"
    said = f"rows follow in time{by}, and neighbours are alike: intervals count {test.observations:,} {what} as "
    return [f"{said}observations, not the {test.rows:,} rows that judge"]


def _grouped(split: Split, data: Data) -> tuple[Split, Rows]:
    """A split, and the rows that it divides: by their content where inputs do not tell them apart, and then equal ones
    are a group.
    """
    if data.content is None:
        return replace(split, group=split.group or data.together), data.splitting(split)
    again = len(np.unique(row_keys(data.content))) < len(data.content)
    return replace(split, group=split.group or (DUPLICATES if again else None)), data.content


def _keys(data: Data, test: Data | None) -> tuple[NDArray[np.uint64], NDArray[np.uint64] | None]:
    """Keys of the rows by all that tells them apart, what no model gets too: ids, groups, and what is dropped."""
    if data.content is not None:
        return row_keys(data.content), None if test is None or test.content is None else row_keys(test.content)
    if not isinstance(data.x, pa.Table) or data.apart is None:
        return row_keys(data.x), None if test is None else row_keys(test.x)
    if test is None:
        return row_keys(_beside(data.x, data.apart)), None
    if test.apart is None or set(test.apart.column_names) != set(data.apart.column_names):
        return row_keys(data.x), row_keys(test.x)
    alike = conform(test.apart, data.apart, test.name)
    return row_keys(_beside(data.x, data.apart)), row_keys(_beside(test.x, alike))


def _beside(x: Rows, more: Rows) -> pa.Table:
    assert isinstance(x, pa.Table)  # noqa: S101 (for the type checker)
    assert isinstance(more, pa.Table)  # noqa: S101 (for the type checker)
    return pa.table([*x.columns, *more.columns], [*x.column_names, *more.column_names])


def _repeated(train: NDArray[np.uint64], test: NDArray[np.uint64]) -> list[str]:
    """A warning where rows that judge have the same inputs as rows that are fitted on, by their keys."""
    known, sought = np.sort(train), np.sort(test)
    places = np.searchsorted(known, sought).clip(max=len(known) - 1)
    again = int((known[places] == sought).sum())
    text = f"{again} of {len(test)} rows that judge have the inputs of a row that is fitted on: scores flatter there"
    return [text] if again else []


def _repeated_over_folds(keys: NDArray[np.uint64], folds: NDArray[np.int64]) -> list[str]:
    """A warning where rows of one fold have the same inputs as rows of another."""
    first = folds if folds.ndim == 1 else folds[:, 0]
    distinct, place = np.unique(keys, return_inverse=True)
    lowest, highest = np.full(len(distinct), first.max()), np.zeros(len(distinct), dtype=first.dtype)
    np.minimum.at(lowest, place, first)
    np.maximum.at(highest, place, first)
    again = int((lowest < highest)[place].sum())
    text = (
        f"{again} of {len(keys)} rows that are fitted on have the inputs of a row in another fold, which flatters what "
        'learns by heart; group = "duplicates" in [task.split] keeps such rows together'
    )
    return [text] if again else []


def _named(data: Data, task: Task) -> pa.Array | None:
    """The names of the rows, if there is a column of these."""
    rows = data.x if data.ids is None else pa.table({task.id: data.ids})
    return rows[task.id].combine_chunks() if isinstance(rows, pa.Table) and task.id in rows.column_names else None


def _ids(data: Data, task: Task) -> pa.Array | None:
    """The names of the rows, if the task has a column of these; no two alike."""
    if task.id is None:
        return None
    rows = data.x if data.ids is None else pa.table({task.id: data.ids})
    ids = column_of(rows, task.id, "task.id", data.name).combine_chunks()
    distinct = ids.value_counts()
    if len(distinct) < len(ids):
        most = max(distinct.to_pylist(), key=lambda entry: entry["counts"])
        raise DataError(f"task.id: {data.name}: {most['values']!r} is the id of {most['counts']} rows; ids must differ")
    return ids


def _numbers(ids: pa.Array | None, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers that depend on the rows' own ids alone."""
    return rows if ids is None else row_keys(pa.table({"id": ids.take(pa.array(rows))})).view(np.int64)


def _inputs(data: Data, task: Task, kind: Kind) -> Data:
    """The data without the columns that no model gets."""
    if not isinstance(data.x, pa.Table):
        return data
    group = None if kind.input.sees_groups else task.split.group
    unused = [name for name in (task.id, group) if name in data.x.column_names]
    if len(unused) == data.x.num_columns:
        names = ", ".join(map(str, unused))
        raise DataError(f"{data.name} has no column to predict from besides {names}, which no model gets")
    return replace(data, x=data.x.drop_columns(unused))


def _called(data: Data, task: Task, kind: Kind) -> pa.Table | None:
    """What the group of each row is called, where the input tells scores by groups, and a column has their names."""
    if data.called is not None:
        return data.called
    split, rows = _grouped(task.split, data)
    if "groups" not in kind.input.can or not isinstance(rows, pa.Table):
        return None
    return rows.select([split.group]) if split.group in rows.column_names else None


def _observed(data: Data, split: Split, count: int) -> str:
    """What each of so many groups of rows is, that count as one observation, in words."""
    if split.time is not None or data.spans is not None:
        return "series" if data.kin is not None and data.kin.max() + 1 == count else "block of time"
    column = split.group or data.together
    if column == DUPLICATES:
        return "set of rows with equal inputs"
    return data.kin_of if column is None else f"value of {str(column)!r}"


def _keep(
    store: Store,
    data: Data,
    y: Any,
    rows: NDArray[np.int64],
    groups: NDArray[np.int64] | None,
    split: Split,
    called: pa.Table | None,
) -> Part:
    if isinstance(data.x, pa.Table):
        kept = put_table(store, data.x, rows)
    elif isinstance(data.x, pa.ChunkedArray):
        kept = put_texts(store, data.x, rows, data.text, data.unit)
    else:
        kept = put_array(store, data.x, rows)
    codes = None if groups is None else np.unique(groups[rows], return_inverse=True)[1]
    count = None if codes is None else int(codes.max()) + 1
    weights = None if data.weights is None else data.weights[rows]
    if weights is not None and not weights.any():
        raise DataError(
            f"task.weight: {data.name}: all {len(rows)} rows of the training part or of the test part have weight 0; "
            "give some of them a weight above 0"
        )
    return Part(
        x=kept,
        y=put_values(store, take(y, rows)),
        ids=put_array(store, rows),
        rows=len(rows),
        groups=None if codes is None else put_array(store, codes),
        observations=count,
        observed="" if count is None else _observed(data, split, count),
        called=None if called is None else put_table(store, called, rows),
        weights=None if weights is None else put_array(store, weights),
        spans=None if data.spans is None else put_array(store, data.spans[rows][:, [0, 2]]),
        effective=None if weights is None else round(effective(weights), 1),
        in_time=split.time is not None or data.spans is not None,
    )
