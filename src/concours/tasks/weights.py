"""Weights of rows as they are read: numbers of at least 0, checked, and no input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import ContestError, DataError, nearest
from concours.core.written import number_in
from concours.tasks.places import RowError
from concours.tasks.readers.opened import Rows

Floats = NDArray[np.float64]

_CURE = "finite numbers of at least 0, one of them above 0, were expected"


def weights_apart(x: Rows, weight: Any, name: str) -> tuple[Rows, Floats | None, tuple[str, ...]]:
    """The inputs without the weights, these, (rows,), or none where all are equal, and then a warning.

    Args:
        weight: the name or number of a column, or the weights themselves.

    Raises:
        ContestError, DataError: there is no such column, or it holds something else; the message says where.
    """
    if weight is None:
        return x, None, ()
    if isinstance(weight, str | int):
        x, values, what = _column(x, str(weight), name)
    else:
        values, what = _one_a_row(weight, len(x)), "the weights"
    weights = _checked(values, what, name)
    if np.ptp(weights):
        return x, weights, ()
    return x, None, (f"task.weight: {what} is {weights[0]:g} in every row, so that all rows count alike",)


def weights_kept(weight: Any, kept: NDArray[np.int64], rows: int) -> Any:
    """Weights as a task has them, of the rows that are kept of so many; a column stays what it is. Raises DataError."""
    return weight if weight is None or isinstance(weight, str | int) else _one_a_row(weight, rows)[kept]


def require_column(weight: Any) -> None:
    """Refuses weights given as an array where the test part has rows of its own.

    Raises:
        ContestError: with what to do.
    """
    if weight is not None and not isinstance(weight, str | int):
        raise ContestError(
            "task.weight: weights given as an array are those of task.data, and the test part has rows of its own; "
            "name a column that both have"
        )


def _one_a_row(weight: Any, rows: int) -> NDArray[Any]:
    values = np.asarray(weight)
    if values.shape != (rows,):
        raise DataError(f"task.weight must have one number a row: expected shape ({rows},), got {values.shape}")
    return values


def _column(x: Rows, column: str, name: str) -> tuple[pa.Table, NDArray[Any], str]:
    """The inputs without a column, that, and what it is called."""
    if not isinstance(x, pa.Table):
        raise ContestError(f"task.weight: {name} has no columns; only rows of a table have a column {column!r}")
    if column not in x.column_names:
        raise DataError(f"task.weight: {name} has no column {column!r}; {nearest(column, x.column_names)}")
    return x.drop_columns([column]), _numbers(x[column], column, name), f"column {column!r}"


def _numbers(column: pa.ChunkedArray, what: str, name: str) -> NDArray[Any]:
    if column.null_count:
        first = pc.index(pc.is_null(column), True).as_py() + 1
        gaps = f"is missing in {column.null_count} of {len(column)} rows, first in"
        raise RowError(f"task.weight: {name}: column {what!r} {gaps}", first, f"; {_CURE}")
    try:
        return column.cast(pa.float64(), safe=False).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return np.asarray(column.to_pylist(), dtype=object)


def _checked(values: NDArray[Any], what: str, name: str) -> Floats:
    where = f"task.weight: {name}: {what}"
    try:
        weights = values.astype(np.float64)
    except (TypeError, ValueError):
        wrong = next(index for index, value in enumerate(values) if number_in(value) is None)
        raise RowError(f"{where} is {str(values[wrong])[:40]!r} in", wrong + 1, f"; {_CURE}") from None
    bad = ~np.isfinite(weights) | (weights < 0)
    if bad.any():
        row = int(np.argmax(bad))
        rows = f"{bad.sum()} of {len(bad)} rows, first in"
        raise RowError(f"{where} is {weights[row]:g} in {rows}", row + 1, f"; {_CURE}")
    if not weights.any():
        raise DataError(f"{where} is 0 in every row; {_CURE}")
    return weights
