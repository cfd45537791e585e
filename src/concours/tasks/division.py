"""Division: from a split as it is declared to which rows are where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import ContestError, DataError
from concours.core.written import counted
from concours.kernels.rows.spans import overlapping
from concours.tasks.duplicates import row_keys
from concours.tasks.readers.header import absent
from concours.tasks.readers.opened import Rows
from concours.tasks.splits import fold_rows, last_rows, test_rows, time_blocks, time_folds
from concours.tasks.task import Split

DUPLICATES = "duplicates"
"""The word for rows with equal inputs as groups."""

_FEW, _MANY, _MANY_SLOW = 3_000, 100_000, 10_000
_LEAST = 2
"""Rows that a fold leaves to fit on; of one nothing can be learned."""
_UNITS = 10
"""Series from which on each is one observation: the means of fewer say too little of how sure a score is."""


@dataclass(frozen=True, kw_only=True)
class Division:
    """Which rows are where.

    Attributes:
        in_test: whether each row judges, (rows,); none does where the test part is a source of its own.
        in_train: whether each row is fitted on, (rows,); a stretch of time that reaches into the target of a row that
            judges is neither.
        folds: of the rows that are fitted on, in their order: (training rows,), or (training rows, repeats).
        groups: of rows that are one observation, (rows,): the group of each row where the split is by group, its block
            of time where the split is by time, its series where there are ten at least; none where rows stand alone.
    """

    in_test: NDArray[np.bool_]
    in_train: NDArray[np.bool_]
    folds: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None


def divide(
    split: Split,
    x: Rows,
    strata: NDArray[np.int64] | None,
    *,
    rng: np.random.Generator,
    test_apart: bool,
    name: str,
    ignore: tuple[str, ...] = (),
    slow: bool = False,
    fewer: bool = False,
    spans: NDArray[np.float64] | None = None,
    kin: NDArray[np.int64] | None = None,
) -> Division:
    """Divides rows (rows,) of inputs.

    Args:
        strata: (rows,) of what each part should have its share; none where there is nothing such.
        slow: whether fits take so long that fewer folds are usual.
        fewer: whether nobody has said how many folds there are: of few groups, or times, there are then as many.
        test_apart: whether the test part is a source of its own, so that all these rows are fitted on.
        ignore: columns that do not count where rows are compared.
        spans: where rows are stretches of time, (rows, 3): they are split by where their targets begin.
        kin: (rows,) codes of which rows keep together, where the split names no group; of stretches of time, which
            series they are of: each series is split by its own time, and those of two never overlap.

    Raises:
        ContestError, DataError: the split does not suit the data.
    """
    if spans is not None and kin is not None:
        return _by_series(split, spans, kin, test_apart=test_apart, name=name, slow=slow)
    strata = _strata(split, strata, len(x))
    groups = kin if split.group is None else groups_of(split.group, x, name, ignore)
    time = spans[:, 1] if spans is not None else None if split.time is None else times(x, split.time, name)
    share = 0.0 if test_apart else split.test
    in_test = test_rows(strata, share, rng, groups=groups) if time is None else last_rows(time, share)
    train = ~in_test if spans is None else ~_reaching(spans, in_test)
    rows = int(np.count_nonzero(train))
    count = _folds(split, rows, name, slow=slow)
    if groups is not None:
        known = len(np.unique(groups[train]))
        count = max(min(count, known), 2) if fewer else count
        _check_enough(known, count, f"groups ({split.group or 'of rows that keep together'})", name)
    if time is None:
        left = None if groups is None else groups[train]
        folds = fold_rows(strata[train], count, rng, groups=left, repeats=split.repeats)
    else:
        count = max(min(count, len(np.unique(time[train]))), 2) if fewer else count
        folds = time_folds(time[train], count)
        _check_enough(len(np.unique(folds)), count, f"different times ({split.time or 'of the rows'})", name)
        if spans is not None:
            _check_left(spans[train], folds, name)
        groups = _blocks(time, in_test)
    return Division(in_test=in_test, in_train=train, folds=folds, groups=groups)


def _by_series(
    split: Split,
    spans: NDArray[np.float64],
    kin: NDArray[np.int64],
    *,
    test_apart: bool,
    name: str,
    slow: bool,
) -> Division:
    """The last stretch of each series judges, and each fold is a stretch of each."""
    time = spans[:, 1]
    in_test = _each(kin, lambda rows: last_rows(time[rows], 0.0 if test_apart else split.test)).astype(np.bool_)
    train = ~_reaching(spans, in_test)
    count = _folds(split, int(np.count_nonzero(train)), name, slow=slow)
    folds = _each(kin[train], lambda rows: time_folds(time[train][rows], count))
    _check_enough(len(np.unique(folds)), count, "different times (of the rows)", name)
    _check_left(spans[train], folds, name)
    blocks = _each(kin, lambda rows: _blocks(time[rows], in_test[rows]))
    groups = kin if kin.max() + 1 >= _UNITS else kin * (2 * len(time)) + blocks
    return Division(in_test=in_test, in_train=train, folds=folds, groups=np.unique(groups, return_inverse=True)[1])


def _each(kin: NDArray[np.int64], of: Callable[[NDArray[np.int64]], NDArray[Any]]) -> NDArray[np.int64]:
    """What a function of the rows of one series says, of all rows, (rows,)."""
    found = np.empty(len(kin), dtype=np.int64)
    for code in range(int(kin.max()) + 1):
        rows = np.flatnonzero(kin == code)
        found[rows] = of(rows)
    return found


def _units(time: NDArray[np.float64], kin: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which rows of several series are one observation, (rows,)."""
    if kin.max() + 1 >= _UNITS:
        return kin
    blocks = kin * len(time) + _each(kin, lambda rows: time_blocks(time[rows]))
    return np.unique(blocks, return_inverse=True)[1]


def _folds(split: Split, rows: int, name: str, *, slow: bool) -> int:
    """Into how many folds so many rows to fit on are divided. Raises DataError where they are too few."""
    count = split.folds or usual_folds(rows, slow=slow)
    if rows < 2 * count:
        raise DataError(f"{name}: {counted(rows, 'row')} to fit on, too few for {count} folds of two rows at least")
    return count


def units_of(
    split: Split,
    x: Rows,
    name: str,
    ignore: tuple[str, ...],
    *,
    spans: NDArray[np.float64] | None = None,
    kin: NDArray[np.int64] | None = None,
) -> NDArray[np.int64] | None:
    """Which rows of a test part of its own are one observation, (rows,): see `Division`.

    Raises:
        ContestError, DataError: the split's column is not there, or has gaps.
    """
    if spans is not None:
        return time_blocks(spans[:, 1]) if kin is None else _units(spans[:, 1], kin)
    if split.time is not None:
        return time_blocks(times(x, split.time, name))
    return kin if split.group is None else groups_of(split.group, x, name, ignore)


def usual_folds(rows: int, *, slow: bool) -> int:
    """How many folds suit so many rows to fit on: more where models gain by every row, fewer where fits take long."""
    if rows < _FEW:
        return max(2, min(8, rows // 2))
    return 3 if rows > (_MANY_SLOW if slow else _MANY) else 5


def some_rows(strata: NDArray[np.int64] | None, whole: int, rows: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which of the rows (whole,) stay where so many are to be fitted on: about as many of each stratum, where there are
    any; of each the last one stays in any case.
    """
    return ~test_rows(_strata(Split(), strata, whole), 1 - rows / whole, rng)


def column_of(x: Rows, column: str, key: str, name: str) -> pa.ChunkedArray:
    """A column that a key of the task names, without gaps.

    Raises:
        ContestError, DataError: the rows are not of a table, have no such column, or it has gaps.
    """
    if not isinstance(x, pa.Table):
        raise ContestError(f"{key}: {name} has no columns; only rows of a table have a column {column!r}")
    if column not in x.column_names:
        raise DataError(f"{key}: {name} has no column {column!r}; {absent(column, x.column_names)}")
    found = x[column]
    if found.null_count:
        first = int(np.argmax(found.is_null().to_numpy())) + 1
        raise DataError(f"{key}: {name}: column {column!r} is missing in {found.null_count} rows, first in row {first}")
    return found


def times(x: Rows, column: str, name: str) -> NDArray[np.float64]:
    """A column of numbers, dates, or texts that are dates (2026-05-31, or with a time behind it), as numbers (rows,).

    Raises:
        ContestError, DataError: there is no such column, or it is none of these.
    """
    found = column_of(x, column, "task.split.time", name)
    try:
        if pa.types.is_temporal(found.type) and not pa.types.is_time(found.type):
            found = found.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        return found.cast(pa.float64(), safe=False).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(
            f"task.split.time: {name}: column {column!r} must hold numbers or dates like 2026-05-31, "
            f"got {str(found[0].as_py())[:40]!r}"
        ) from None


def _strata(split: Split, strata: NDArray[np.int64] | None, rows: int) -> NDArray[np.int64]:
    by = split.by or ("random" if strata is None else "stratified")
    if by == "random":
        return np.zeros(rows, dtype=np.int64)
    if strata is None:
        raise ContestError(
            'task.split.by: "stratified" wants classes, and the target has none; leave it out, or say "random"'
        )
    return strata


def groups_of(group: str, x: Rows, name: str, ignore: tuple[str, ...]) -> NDArray[np.int64]:
    """The group of each row, (rows,), numbered from 0.

    Raises:
        ContestError, DataError: there is no such column, or it has gaps.
    """
    if group == DUPLICATES and not (isinstance(x, pa.Table) and group in x.column_names):
        rows = x.drop_columns(list(ignore)) if isinstance(x, pa.Table) and ignore else x
    else:
        rows = pa.table({group: column_of(x, group, "task.split.group", name)})
    return np.unique(row_keys(rows), return_inverse=True)[1]


def _reaching(spans: NDArray[np.float64], in_test: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether rows (rows,) judge, or reach into the target of one that does: what came before that may be known."""
    targets = np.where(in_test[:, None], spans[:, 1:], spans[:, [0, 2]])
    return overlapping(targets, in_test) if in_test.any() else in_test


def _blocks(time: NDArray[np.float64], in_test: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The block of time of each row, (rows,); none has rows of both parts."""
    blocks = np.empty(len(time), dtype=np.int64)
    blocks[~in_test] = time_blocks(time[~in_test])
    blocks[in_test] = time_blocks(time[in_test]) + len(time)
    return blocks


def _check_left(spans: NDArray[np.float64], folds: NDArray[np.int64], name: str) -> None:
    """Refuses rows of which too many reach into a fold. Raises DataError."""
    for fold in np.unique(folds):
        left = int(np.count_nonzero(~overlapping(spans[:, [0, 2]], folds == fold)))
        if left < _LEAST:
            reach = float(np.median(spans[:, 2] - spans[:, 0]))
            raise DataError(
                f"{name}: fold {fold + 1} of {folds.max() + 1} leaves {counted(left, 'row')} of {len(folds):,} to fit "
                f"on: a row reaches over {reach:,.0f} steps, and none counts that reaches into the fold; lower the "
                "context or the horizon in task.options, or give a longer series"
            )


def _check_enough(found: int, folds: int, what: str, name: str) -> None:
    if found < folds:
        raise DataError(f"{name}: {found} {what} to fit on are too few for {folds} folds; lower task.split.folds")
