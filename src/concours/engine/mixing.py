"""Rows made of the rows of a table, as teachers are asked about them and students take them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from concours.entrants.tables import Matrix, TableColumns
from concours.kernels.rows.mixing import between, exchanged, nearest

Codes = NDArray[np.int64]

_LOOKED_AT = 4_096
"""Rows among which neighbours are looked for at most, drawn by chance."""
_EXCHANGED, _SHARPNESS = 0.5, 1.0
"""How many cells a row takes of its neighbour, and how near numbers stay to that: the middle of those of the paper."""


def mixed(x: pd.DataFrame, times: int, seed: int) -> pd.DataFrame:
    """So many rows of each row of a frame, (times × rows, columns), all once before any a second time.

    Each has cells of its row and of one near it, in the columns' own types; whole numbers stay whole.
    """
    random = np.random.default_rng(seed)
    points = Matrix().fit_transform(TableColumns(topics=False).fit_transform(x)).astype(np.float64)
    parts = []
    for _ in range(times):
        among = np.sort(random.permutation(len(x))[:_LOOKED_AT])
        other = nearest(points, among)
        cells = exchanged(len(x), x.shape[1], _EXCHANGED, random)
        columns = {name: _mixed(x[name], other, cells[:, place], random) for place, name in enumerate(x.columns)}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _mixed(column: pd.Series[Any], other: Codes, taken: NDArray[np.bool_], random: np.random.Generator) -> Any:
    near = column.iloc[other].reset_index(drop=True)
    own = column.reset_index(drop=True)
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return own.where(~taken, near)
    here, there = (each.to_numpy(np.float64, na_value=np.nan) for each in (own, near))
    made = np.where(taken, between(here, there, _SHARPNESS, random), here)
    whole = pd.api.types.is_integer_dtype(column)
    return pd.Series(np.rint(made) if whole else made).astype(column.dtype)
