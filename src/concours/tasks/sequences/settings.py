"""What `[task] options` say of sequences: columns by name, and whole numbers of steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from concours.core.errors import ContestError, nearest

_MOST = 100_000


def checked(options: Mapping[str, Any], columns: tuple[str, ...], counts: tuple[str, ...] = ()) -> dict[str, Any]:
    """The options of a task, each a name of a column, or a whole number of steps from 1.

    Raises:
        ContestError: one is unknown, or something else.
    """
    for key, value in options.items():
        if key not in (*columns, *counts):
            raise ContestError(f"task.options.{key}: unknown key; {nearest(key, (*columns, *counts))}")
        if key in columns and not isinstance(value, str):
            raise ContestError(f"task.options.{key} must be the name of a column, got {value!r}")
        if key in counts and (not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST):
            raise ContestError(f"task.options.{key} must be a whole number of steps from 1 to {_MOST:,}, got {value!r}")
    return dict(options)
