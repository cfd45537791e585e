"""Frames as networks take them: one matrix of numbers and codes of categories; wrong ones are told in one line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from concours.core.errors import nearest

Array = NDArray[Any]

Column = tuple[Any, list[Any] | None]
"""A name, and the categories; None for numbers."""


def columns_of(X: Any) -> list[Column]:
    """The columns of a frame or an array, those of numbers first. What holds no numbers holds categories."""
    frame = _frame(X)
    found = [(name, _categories(frame[name])) for name in frame.columns]
    return sorted(found, key=lambda column: column[1] is not None)


def read_columns(X: Any, columns: Sequence[Column]) -> NDArray[np.float32]:
    """Rows (n, columns) float32 in the order of `columns`: numbers, and codes of categories; NaN where missing.

    Raises ValueError where names differ from those of `columns`, or a column of numbers holds words.
    """
    frame = _frame(X)
    known = [name for name, _ in columns]
    if missing := [name for name in known if name not in frame.columns]:
        raise ValueError(
            f"X must have the columns of fit; {missing[0]!r} is missing; {_near(missing[0], frame.columns)}"
        )
    if unknown := [name for name in frame.columns if name not in known]:
        raise ValueError(f"X must have the columns of fit only; got {unknown[0]!r}; {_near(unknown[0], known)}")
    rows = np.empty((len(frame), len(columns)), dtype=np.float32)
    for i, (name, categories) in enumerate(columns):
        column = cast("pd.Series[Any]", frame[name])
        rows[:, i] = _numbers(column) if categories is None else _codes(column, categories)
    return rows


def _frame(X: Any) -> pd.DataFrame:
    if hasattr(X, "toarray"):
        raise ValueError(
            f"X must be dense; got a sparse matrix {X.shape}; reduce it first, for example by TruncatedSVD"
        )
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X))
    if not frame.size:
        raise ValueError(f"X must not be empty; got shape {frame.shape}")
    if not frame.columns.is_unique:
        raise ValueError(
            f"X must have columns of different names; got {frame.columns[frame.columns.duplicated()][0]!r} twice"
        )
    return frame


def _near(name: Any, known: Iterable[Any]) -> str:
    return nearest(str(name), [str(other) for other in known])


def _categories(column: pd.Series[Any]) -> list[Any] | None:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return list(column.cat.categories.tolist())
    return None if pd.api.types.is_numeric_dtype(column) else list(pd.Categorical(column).categories.tolist())


def _numbers(column: pd.Series[Any]) -> Array:
    """As float32; infinite is missing."""
    try:
        values = column.to_numpy(dtype=np.float32, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {column.name!r} of X must hold numbers, as in fit; got {error}") from None
    return np.where(np.isfinite(values), values, np.nan)


def _codes(column: pd.Series[Any], categories: list[Any]) -> Array:
    """Places in `categories`; NaN where missing or not among them."""
    codes, values = pd.factorize(column)
    known = pd.Index(categories, dtype=object).get_indexer(pd.Index(values).astype(object))
    places = np.append(known, -1)[codes]
    return np.where(places >= 0, places, np.nan)
