"""Ingesting: a task's data is read, checked, split, and kept in the store; what is left is a problem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.compete.scale import Scale
from concours.core.errors import DataError, nearest
from concours.core.ports import Store
from concours.core.problem import Part, Problem
from concours.core.seeds import derive_seed
from concours.core.written import quoted, written
from concours.entrants.zoo import Size
from concours.kernels.rows.weighing import effective
from concours.stores.blobs import get_array, put_array, put_table, put_texts
from concours.tasks.alike import columns_alike
from concours.tasks.conforming import conform
from concours.tasks.division import column_of, divide, some_rows, units_of, usual_folds
from concours.tasks.duplicates import row_keys
from concours.tasks.kinds import Kind, kind_named
from concours.tasks.labels import alike_said, by_number, class_list, codes_of, label_named
from concours.tasks.metrics.checks import check_target, check_weights
from concours.tasks.metrics.named import metric_named
from concours.tasks.readers.opened import Rows
from concours.tasks.reading import Data, read
from concours.tasks.relations import leaks
from concours.tasks.splits import public_rows
from concours.tasks.task import Split, Task

_MOST_CLASSES = 1000


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """A problem, and what a person should know of its data.

    Attributes:
        test_ids: what the rows of the test part are called: their ids where the task has a column of these, else their
            positions in the data as it was read, from 0.
        rows: of the data that the test part was split off from, or of the test file.
        data_ids: what all rows of the data are called, where the task has a column of ids and the data has it.
        data_rows: of the data, without a test file.
        apart: whether the test part is a file of its own.
        reading: what was read, a line each of the data and of a test part of its own.
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
    reading: tuple[str, ...] = ()


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
    data, test = read(task, kind, folder)
    classes, codes, warnings = _encode(data, kind, task)
    metrics = [metric_named(name, kind.target, len(classes)) for name in task.metrics or kind.metrics]
    check_target(metrics, codes)
    if any(part is not None and part.weights is not None for part in (data, test)):
        check_weights(metrics)
    apart = (task.id,) if task.id else ()
    size, usual, judging_rows = _amounts(data, test, task, len(classes))
    scale = scaled(size, task.split.folds or usual, judging_rows)
    division = divide(
        replace(task.split, folds=scale.folds),
        data.x,
        codes,
        classes=len(classes),
        rng=np.random.default_rng(derive_seed(seed, "split")),
        test_apart=test is not None,
        name=data.name,
        ignore=apart,
    )
    in_test = division.in_test
    ids, data_ids = _ids(data if test is None else test, task), _named(data, task)
    together = None if test is None else units_of(task.split, test.x, test.name, apart)
    keys, test_keys = _keys(data, test)
    data, test = _inputs(data, task), None if test is None else _inputs(test, task)
    if test is None:
        test_part = (
            _keep(store, data, codes, np.flatnonzero(in_test), division.groups, task.split) if in_test.any() else None
        )
    else:
        test_part = _keep(store, test, _codes_of(test, classes, kind), np.arange(len(test)), together, task.split)
    train, folds, few = np.flatnonzero(~in_test), division.folds, []
    if scale.rows < size.rows:
        stay = some_rows(codes[train], len(classes), scale.rows, np.random.default_rng(derive_seed(seed, "rows")))
        few = [f"{stay.sum():,} of {len(train):,} rows are fitted on: the budget is short; more seconds, more rows"]
        train, folds = train[stay], folds[stay]
    judging = np.flatnonzero(in_test) if test is None else np.arange(len(test))
    public = public_rows(_numbers(ids, judging), task.split.public) if task.split.public and test_part else None
    problem = Problem(
        name=task.name or data.name.partition(".")[0],
        kind=kind.name,
        classes=classes,
        metrics=tuple(found.goal for found in metrics),
        train=_keep(store, data, codes, train, division.groups, task.split),
        folds=put_array(store, folds),
        n_folds=int(division.folds.max()) + 1,
        test=test_part,
        public=None if public is None else put_array(store, public),
        repeats=task.split.repeats,
    )
    warnings = [*_leaking(data, codes, train, task, numbers=kind.target == "number"), *warnings]
    warnings += _blocks_said(task, test_part, store)
    warnings += _repeated(keys[train], keys[in_test] if test_keys is None else test_keys)
    warnings += [*_repeated_over_folds(keys[train], folds), *few]
    warnings += [] if test is None else _other_forms(test, classes)
    warnings += columns_alike(data.x.column_names) if isinstance(data.x, pa.Table) else []
    said = [*data.warnings, *(test.warnings if test else ()), *warnings]
    return Ingested(
        problem=problem,
        warnings=tuple(dict.fromkeys(said)),
        test_ids=pa.array(judging) if ids is None else ids.take(pa.array(judging)),
        rows=len(in_test) if test is None else len(test),
        reading=(data.said,) if test is None else (data.said, test.said),
        size=size,
        scale=scale,
        data_ids=data_ids,
        data_rows=len(in_test),
        apart=test is not None,
    )


def _amounts(data: Data, test: Data | None, task: Task, classes: int) -> tuple[Size, int, int]:
    """The size of the training part, its usual number of folds, and the rows of the test part."""
    x, judging = data.x, round(len(data) * task.split.test) if test is None else len(test)
    rows = len(data) - judging if test is None else len(data)
    texts = [x] if isinstance(x, pa.ChunkedArray) else x.columns if isinstance(x, pa.Table) else []
    words = (column for column in texts if pa.types.is_string(column.type) or pa.types.is_large_string(column.type))
    letters = sum(pc.mean(pc.utf8_length(column)).as_py() or 0.0 for column in words)
    columns = x.num_columns if isinstance(x, pa.Table) else prod(x.shape[1:]) if isinstance(x, np.ndarray) else 1
    size = Size(rows=rows, columns=columns, classes=classes, letters=letters)
    return size, usual_folds(rows, pictures=isinstance(x, np.ndarray)), judging


def _encode(data: Data, kind: Kind, task: Task) -> tuple[tuple[Any, ...], NDArray[Any], list[str]]:
    """The class list in its order, the codes (or values) of the rows, and warnings."""
    y = np.asarray(data.y)
    if (y == y[0]).all():
        raise DataError(f"{data.name}: the target is {written(y[0])} in every row; there is nothing to learn")
    if kind.target == "number":
        return (), y, []
    distinct = _positive_last(class_list(y, task.classes, data.name), task, data.name)
    if len(distinct) > _MOST_CLASSES or (len(distinct) > 20 and len(distinct) > len(y) / 2):
        raise DataError(
            f"{data.name}: the target has {len(distinct)} different values in {len(y)} rows; is it a number "
            "(a regression) or an identifier rather than a class?"
        )
    codes = codes_of(y, distinct, data.name)
    counts = np.bincount(codes)
    single = [written(label) for label, count in zip(distinct, counts, strict=True) if count == 1]
    warnings = alike_said(y)
    if single:
        names = ", ".join(single[:5])
        warnings.append(
            f"{len(single)} of {len(distinct)} classes have one row only ({names}); it is fitted on, never evaluated by"
        )
    return distinct, codes, warnings


def _leaking(data: Data, codes: NDArray[Any], rows: NDArray[np.int64], task: Task, *, numbers: bool) -> list[str]:
    """A warning for each column that alone predicts the target of the rows that are fitted on almost perfectly."""
    if not isinstance(data.x, pa.Table):
        return []
    inputs = data.x.drop_columns([name for name in data.x.column_names if name == task.split.time])
    told = leaks(inputs.take(pa.array(rows)), codes[rows], numbers=numbers)
    return [
        f"{name!r} alone predicts the target almost perfectly ({how}): a leak? The scores count on it; if it is not "
        f"known when predictions are made, leave it out by drop = [{quoted(name)}] in [task]"
        for name, how in told.items()
    ]


def _blocks_said(task: Task, test: Part | None, store: Store) -> list[str]:
    """What is to be known of intervals where rows follow in time."""
    if task.split.time is None or test is None or test.groups is None:
        return []
    blocks = int(get_array(store, test.groups).max()) + 1
    said = (
        f"rows follow in time by {task.split.time!r}, and neighbours are alike: intervals count {blocks:,} blocks of "
    )
    return [f"{said}time as observations, not the {test.rows:,} rows that judge"]


def _keys(data: Data, test: Data | None) -> tuple[NDArray[np.uint64], NDArray[np.uint64] | None]:
    """Keys of the rows by all that tells them apart, what no model gets too: ids, groups, and what is dropped."""
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


def _codes_of(test: Data, classes: tuple[Any, ...], kind: Kind) -> NDArray[Any]:
    y = np.asarray(test.y)
    return y if kind.target == "number" else codes_of(y, classes, test.name)


def _other_forms(test: Data, classes: tuple[Any, ...]) -> list[str]:
    """What to say where labels of the test part write the number of a class in another way."""
    given = {written(label) for label in np.unique(np.asarray(test.y)).tolist()} if classes else set()
    meant = by_number(sorted(given), map(written, classes))
    told = ", ".join(f"{label} as {other}" for label, other in list(meant.items())[:5])
    return [f"{test.name}: labels count by the number that they write: {told}"] if meant else []


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


def _inputs(data: Data, task: Task) -> Data:
    """The data without the columns that no model gets."""
    if not isinstance(data.x, pa.Table):
        return data
    unused = [name for name in (task.id, task.split.group) if name in data.x.column_names]
    if len(unused) == data.x.num_columns:
        names = ", ".join(map(str, unused))
        raise DataError(f"{data.name} has no column to predict from besides {names}, which no model gets")
    return replace(data, x=data.x.drop_columns(unused))


def _positive_last(classes: tuple[Any, ...], task: Task, name: str) -> tuple[Any, ...]:
    if task.positive is None:
        return classes
    found = label_named(task.positive, classes)
    if found is None:
        known = nearest(written(task.positive), map(written, classes))
        raise DataError(f"task.positive: no row of {name} has the label {written(task.positive)!r}; {known}")
    return (*(label for label in classes if label != found), found)


def _keep(
    store: Store,
    data: Data,
    y: NDArray[Any],
    rows: NDArray[np.int64],
    groups: NDArray[np.int64] | None,
    split: Split,
) -> Part:
    if isinstance(data.x, pa.Table):
        kept = put_table(store, data.x, rows)
    elif isinstance(data.x, pa.ChunkedArray):
        kept = put_texts(store, data.x, rows, data.text, data.unit)
    else:
        kept = put_array(store, data.x, rows)
    codes = None if groups is None else np.unique(groups[rows], return_inverse=True)[1]
    weights = None if data.weights is None else data.weights[rows]
    if weights is not None and not weights.any():
        raise DataError(
            f"task.weight: {data.name}: all {len(rows)} rows of the training part or of the test part have weight 0; "
            "give some of them a weight above 0"
        )
    return Part(
        x=kept,
        y=put_array(store, y[rows]),
        ids=put_array(store, rows),
        rows=len(rows),
        groups=None if codes is None else put_array(store, codes),
        weights=None if weights is None else put_array(store, weights),
        effective=None if weights is None else round(effective(weights), 1),
        in_time=split.time is not None,
    )
