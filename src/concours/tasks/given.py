"""Rows that are objects of Python: frames, Arrow tables, matrices, lists of texts, arrays of pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.tasks.readers.objects import as_table
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.settled import settled
from concours.tasks.task import Task
from concours.tasks.texts import strings


def given_rows(source: Any, kind: str, name: str) -> Opened:
    """Rows that are objects of Python, as a kind of input takes them: table, text or image.

    Raises:
        DataError: they are no table, or no texts.
    """
    if kind == "image":
        return Opened(x=np.asarray(source), name=name)
    if kind == "text" and not hasattr(source, "columns"):
        if isinstance(source, (pa.Array, pa.ChunkedArray)):
            return Opened(x=strings(source), name=name)
        values = source.to_list() if hasattr(source, "to_list") else list(source)
        if wrong := [value for value in values if not (value is None or isinstance(value, str) or value != value)]:
            raise DataError(f"{name}: expected texts, got {wrong[0]!r}")
        return Opened(x=strings(pa.array([v if isinstance(v, str) else "" for v in values], pa.string())), name=name)
    return Opened(x=as_table(source), name=name)


def given_pictures(task: Task, wanted: str) -> tuple[NDArray[Any], str]:
    """Pictures (rows, height, width[, channels]) that a task has as an array, beside a target; and their name.

    Args:
        wanted: what the target should be, for whoever gives none.

    Raises:
        DataError: they are no pictures, there is no target, or a test part is named.
    """
    x, name = np.asarray(task.data), task.name or "the data"
    if x.ndim not in (3, 4) or x.dtype.kind not in "uif":
        raise DataError(
            f"{name}: pictures (rows, height, width[, channels]) were expected, got {x.dtype} of shape {x.shape}"
        )
    if task.target is None or isinstance(task.target, (str, int)):
        raise DataError(f"task.target is missing: give {wanted}")
    if task.test is not None:
        raise DataError(
            "task.test: pictures given in Python have no test part of their own; task.split.test splits one off"
        )
    return x, name


def given_table(x: Any, name: str) -> Opened:
    """A frame, an Arrow table or a matrix as a table whose columns of dates are dates, written as they may be.

    Raises:
        DataError: it is none of these, or a column holds what is no number, text, date or truth value.
    """
    try:
        return settled(Opened(x=as_table(x), name=name), Options())
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
