"""Ingesting: a task's data is read, checked, split, and kept in the store; what is left is a problem."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from concours.commons.blobs import put_array, put_table
from concours.core.errors import ContestError, DataError
from concours.core.ports import Store
from concours.core.problem import Part, Problem
from concours.core.seeds import derive_seed
from concours.tasks.kinds import Kind, kind_named
from concours.tasks.metrics import measure
from concours.tasks.reading import Data, read
from concours.tasks.splits import fold_rows, test_rows
from concours.tasks.task import Task

_MOST_CLASSES = 1000


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """A problem, and what a person should know of its data."""

    problem: Problem
    warnings: tuple[str, ...]


def ingest(task: Task, store: Store, *, seed: int, folder: Path) -> Ingested:
    """Reads a task's data and keeps it split. The seed decides which rows are in which part.

    Raises:
        ContestError, DataError: the task or its data are wrong.
    """
    kind = kind_named(task.kind)
    data, test = read(task, kind, folder)
    classes, codes, warnings = _encode(data, kind)
    metrics = [measure(name, kind.target, len(classes)) for name in task.metrics or kind.metrics]
    strata = _strata(codes, kind, task)
    rng = np.random.default_rng(derive_seed(seed, "split"))
    if test is None:
        in_test = test_rows(strata, task.split.test, rng)
        test_part = _keep(store, data.x, codes, np.flatnonzero(in_test)) if in_test.any() else None
    else:
        in_test = np.zeros(len(data), dtype=np.bool_)
        test_part = _keep(store, test.x, _codes_of(test, classes, kind), np.arange(len(test)))
    train = np.flatnonzero(~in_test)
    if len(train) < 2 * task.split.folds:
        raise DataError(
            f"{data.name}: {len(train)} rows to fit on are too few for {task.split.folds} folds; at least two a fold"
        )
    problem = Problem(
        name=task.name or data.name.partition(".")[0],
        kind=kind.name,
        classes=classes,
        metrics=tuple(found.metric for found in metrics),
        train=_keep(store, data.x, codes, train),
        folds=put_array(store, fold_rows(strata[train], task.split.folds, rng)),
        n_folds=task.split.folds,
        test=test_part,
    )
    inputs = data.x.take(train) if isinstance(data.x, pa.Table) else data.x[train]
    judged = (data.x if test is None else test.x, np.flatnonzero(in_test) if test is None else np.arange(len(test)))
    warnings += _leaks(inputs, judged[0].take(judged[1]) if isinstance(judged[0], pa.Table) else judged[0][judged[1]])
    return Ingested(problem=problem, warnings=tuple(warnings))


def _encode(data: Data, kind: Kind) -> tuple[tuple[Any, ...], NDArray[Any], list[str]]:
    """The class list in sorted order, the codes (or values) of the rows, and warnings."""
    y = np.asarray(data.y)
    distinct, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    if len(distinct) < 2:
        raise DataError(f"{data.name}: the target is {distinct[0]!s} in every row; there is nothing to learn")
    if kind.target == "number":
        return (), y, []
    if len(distinct) > _MOST_CLASSES or (len(distinct) > 20 and len(distinct) > len(y) / 2):
        raise DataError(
            f"{data.name}: the target has {len(distinct)} different values in {len(y)} rows; is it a number "
            "(a regression) or an identifier rather than a class?"
        )
    single = [str(label) for label, count in zip(distinct, counts, strict=True) if count == 1]
    warnings = []
    if single:
        names = ", ".join(single[:5])
        warnings.append(
            f"{len(single)} of {len(distinct)} classes have one row only ({names}); it is fitted on and never judged by"
        )
    return tuple(distinct.tolist()), codes.astype(np.int64), warnings


def _leaks(train: pa.Table | NDArray[Any], test: pa.Table | NDArray[Any]) -> list[str]:
    """A warning where rows that judge have the same inputs as rows that are fitted on."""
    if not len(test):
        return []
    known = set(_hashes(train))
    again = sum(key in known for key in _hashes(test))
    text = f"{again} of {len(test)} rows that judge have the inputs of a row that is fitted on: scores flatter there"
    return [text] if again else []


def _hashes(x: pa.Table | NDArray[Any]) -> list[Any]:
    """A key for each row that is the same for equal rows."""
    if isinstance(x, np.ndarray):
        return [hash(row.tobytes()) for row in x]
    return pd.util.hash_pandas_object(x.to_pandas(), index=False).tolist()


def _codes_of(test: Data, classes: tuple[Any, ...], kind: Kind) -> NDArray[Any]:
    y = np.asarray(test.y)
    if kind.target == "number":
        return y
    table = {label: code for code, label in enumerate(classes)}
    labels = y.tolist()
    unknown = sorted({str(label) for label in labels if label not in table})
    if unknown:
        known = ", ".join(map(str, classes[:10]))
        raise DataError(
            f"{test.name}: the target has labels that the training data has not: {', '.join(unknown[:5])}; "
            f"known: {known}"
        )
    return np.asarray([table[label] for label in labels], dtype=np.int64)


def _strata(codes: NDArray[Any], kind: Kind, task: Task) -> NDArray[np.int64]:
    by = task.split.by or ("stratified" if kind.target == "classes" else "random")
    if by == "random":
        return np.zeros(len(codes), dtype=np.int64)
    if kind.target == "number":
        raise ContestError('task.split.by: "stratified" wants classes; a regression is split "random"')
    return codes


def _keep(store: Store, x: pa.Table | NDArray[Any], y: NDArray[Any], rows: NDArray[np.int64]) -> Part:
    kept = put_array(store, x[rows]) if isinstance(x, np.ndarray) else put_table(store, x.take(rows))
    return Part(x=kept, y=put_array(store, y[rows]), ids=put_array(store, rows), rows=len(rows))
