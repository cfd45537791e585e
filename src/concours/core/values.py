"""Values a row: a dense array (rows, …), or an Arrow array (rows) of strings, lists, structs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def take(values: Any, rows: NDArray[np.int64]) -> Any:
    """Some of the rows, in that order."""
    return values[rows] if isinstance(values, np.ndarray) else values.take(rows)
