"""What of data is to be looked into before anybody competes: gaps, and labels that are likely wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa


def missing_share(x: Any) -> float:
    """The share of the cells that are missing, of rows that are a table, or numbers."""
    if isinstance(x, pa.Table):
        cells = len(x) * x.num_columns
        return sum(column.null_count for column in x.columns) / cells if cells else 0.0
    if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.size:
        return float(np.isnan(x).mean())
    return 0.0


def rarest_share(y: Any, classes: int) -> float:
    """The share of the rarest class among codes (rows,); 1 where there are no classes."""
    if classes < 2 or not len(y):
        return 1.0
    return float(np.bincount(np.asarray(y), minlength=classes).min() / len(y))
