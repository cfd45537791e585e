"""What each column of one row adds to what a model says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Attribution:
    """How a number that a model says of a row comes about.

    Law: `base + effects.sum() == value`, up to rounding.

    Attributes:
        value: what it says of the row.
        base: what it says on average of the rows that the row is compared with.
        effects: (columns,) what each column adds, on average over orders in which columns become those of the row.
        errors: (columns,) their standard errors over these orders.
    """

    value: float
    base: float
    effects: Floats
    errors: Floats


def of_row(
    said: Callable[[pd.DataFrame], Floats], row: pd.DataFrame, others: pd.DataFrame, *, orders: int, seed: int
) -> Attribution:
    """Shapley values of the columns, sampled (Štrumbelj and Kononenko 2014), each order walked forth and back.

    In each order a row of the others becomes this row, column by column; what the model says changes by what that
    column adds. The same row is walked in the reverse order too, which takes out much of what columns do together.

    Args:
        said: the number (rows,) that the model says of rows.
        row: one row.
        others: rows to compare with.
        orders: how many, of which two walk with the same row; an even number of at least 4.
    """
    if orders < 4 or orders % 2:
        raise ValueError(f"orders are an even number of at least 4, got {orders}")
    rng, columns = np.random.default_rng(seed), row.shape[1]
    starts = rng.integers(0, len(others), size=orders // 2)
    walks = np.array([rng.permutation(columns) for _ in starts])
    walks = np.concatenate([walks, walks[:, ::-1]])
    taken = np.argsort(walks, axis=1)[:, None, :] < np.arange(columns + 1)[None, :, None]  # (orders, steps, columns)
    where = taken.reshape(-1, columns)
    begun = others.iloc[np.repeat(np.concatenate([starts, starts]), columns + 1)].reset_index(drop=True)
    mixed = pd.DataFrame(
        {name: begun[name].mask(where[:, place], row[name].iloc[0]) for place, name in enumerate(row.columns)}
    ).astype(row.dtypes.to_dict())
    steps = np.diff(np.asarray(said(mixed), dtype=np.float64).reshape(orders, columns + 1), axis=1)
    added = np.empty_like(steps)
    np.put_along_axis(added, walks, steps, axis=1)
    pairs = (added[: len(starts)] + added[len(starts) :]) / 2
    value = float(said(row)[0])
    effects = pairs.mean(axis=0)
    return Attribution(
        value=value,
        base=value - float(effects.sum()),
        effects=effects,
        errors=pairs.std(axis=0, ddof=1) / np.sqrt(len(starts)),
    )
