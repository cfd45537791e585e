"""What columns say of one another: inputs that give the target away, and columns whose equal values are one thing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

_KAPPA, _R2 = 0.975, 0.98
_WIDE = 100  # columns; above, a smaller sample, so that a wide table is as quick
_SCREENED = 300  # columns that are looked at closely, the likeliest of more
_ROWS, _FEW_ROWS = 8000, 2000
_AGREE, _BY_CHANCE = 0.95, 0.7


def leaks(inputs: pa.Table, y: NDArray[np.generic], *, numbers: bool) -> dict[str, str]:
    """Columns that tell the target alone and nearly without error, each with how well it does, in words.

    A tree of one column is fitted on half of a sample of the rows and predicts the other half, and the reverse. A
    column leaks by a kappa (Cohen 1960) of at least 0.975 for classes, an R² of at least 0.98 for numbers. Moments are
    not looked at, nor, for numbers, columns in whose order the rows stand: between its neighbours in time every smooth
    series is told nearly without error, and nothing leaks.

    Args:
        y: (rows,) codes of classes, or numbers.
    """
    names = [field.name for field in inputs.schema if not pa.types.is_temporal(field.type)]
    rows = np.sort(np.random.default_rng(0).permutation(len(y))[: _ROWS if len(names) <= _WIDE else _FEW_ROWS])
    sample, sought = inputs.select(names).take(pa.array(rows)), y[rows]
    if len(np.unique(sought)) < 2 or len(rows) < 20:
        return {}
    columns = {name: as_numbers(sample[name]) for name in names}
    columns = {name: x for name, x in columns.items() if not (numbers and (np.diff(x) >= 0).all())}
    told = {name: _told(columns[name], sought, numbers) for name in _likeliest(columns, sought)}
    return {name: words for name, words in told.items() if words}


def agreeing(inputs: pa.Table, column: str) -> list[str]:
    """Columns in which rows agree that share a value of `column`, where rows by chance would not.

    Empty unless at least a fifth of the rows share their value with another one. Several such columns are a sign that
    the values stand for persons, things or events with several rows each.
    """
    head = inputs.slice(0, 50_000)
    groups = pd.factorize(as_numbers(head[column]))[0]
    shared = np.bincount(groups)[groups] > 1
    if shared.mean() < 0.2:
        return []
    rows = np.flatnonzero(shared)[np.argsort(groups[shared], kind="stable")]
    same = np.diff(groups[rows]) == 0
    others = np.random.default_rng(0).permutation(rows)
    found = []
    for name in head.column_names:
        values = as_numbers(head[name])
        agree = (values[rows[1:]] == values[rows[:-1]])[same].mean()
        chance = (values[others] == values[rows]).mean()
        if name != column and agree >= _AGREE and chance <= _BY_CHANCE:
            found.append(name)
    return found


def _likeliest(columns: dict[str, NDArray[np.float64]], y: NDArray[np.generic]) -> list[str]:
    """The columns whose ranks tell most of the target, where there are too many to fit a tree to each."""
    if len(columns) <= _SCREENED:
        return list(columns)
    codes = np.unique(y, return_inverse=True)[1]
    codes = codes if codes.max() < _WIDE else codes * _WIDE // (codes.max() + 1)
    sizes = np.bincount(codes)

    def between(x: NDArray[np.float64]) -> float:
        ranks = pd.Series(x).rank().to_numpy()
        means = np.bincount(codes, weights=ranks) / np.maximum(sizes, 1)
        return float(sizes @ np.square(means - ranks.mean()) / max(np.square(ranks - ranks.mean()).sum(), 1e-9))

    shares = {name: between(x) for name, x in columns.items()}
    return sorted(shares, key=lambda name: -shares[name])[:_SCREENED]


def _told(x: NDArray[np.float64], y: NDArray[np.generic], numbers: bool) -> str:
    """How well a column alone tells the target, in words; empty where it does not tell it nearly without error."""
    from sklearn.metrics import cohen_kappa_score, r2_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    model = (DecisionTreeRegressor if numbers else DecisionTreeClassifier)(max_leaf_nodes=256, random_state=0)
    half = np.random.default_rng(1).random(len(y)) < 0.5
    guess = np.empty_like(y)
    for part in (half, ~half):
        guess[~part] = model.fit(x[part, None], y[part]).predict(x[~part, None])
    if numbers:
        r2 = float(r2_score(y, guess))
        return f"R² {r2:.3f}" if r2 >= _R2 else ""
    right = 100 * float((guess == y).mean())
    return f"right in {right:.4g}% of rows" if cohen_kappa_score(y, guess) >= _KAPPA else ""


def as_numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """The values of a column as numbers (rows,): codes of strings in their order, numbers of everything else.

    What is missing is below all, so that it equals itself.
    """
    if pa.types.is_string(column.type):
        return pd.factorize(np.asarray(column.to_pylist(), dtype=object), sort=True)[0].astype(np.float64)
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    values = column.cast(pa.float64(), safe=False).to_numpy()
    known = values[~np.isnan(values)]
    return np.where(np.isnan(values), known.min(initial=0.0) - 1, values)
