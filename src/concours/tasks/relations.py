"""What columns say of one another: inputs that give the target away, and columns whose equal values are one thing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

_SAMPLE = 8000
_WIDE = 200  # columns; above, a smaller sample, so that a wide table is as quick
_LEAK = 0.98
_AGREE, _BY_CHANCE = 0.95, 0.7


def leaks(inputs: pa.Table, y: NDArray[np.generic], *, numbers: bool) -> dict[str, float]:
    """Columns that tell the target alone and nearly without error, with how well they do.

    A tree of one column is fitted on half of a sample of the rows and predicts the other half, and the reverse. For
    classes its worth is the normalised mutual information of prediction and truth, for numbers R².

    Args:
        y: (rows,) codes of classes, or numbers.
    """
    rows = np.sort(np.random.default_rng(0).permutation(len(y))[: _SAMPLE if inputs.num_columns <= _WIDE else 2000])
    sample, sought = inputs.take(pa.array(rows)), y[rows]
    if len(np.unique(sought)) < 2 or len(rows) < 20:
        return {}
    worths = {name: _worth(_as_numbers(sample[name]), sought, numbers) for name in sample.column_names}
    return {name: round(worth, 3) for name, worth in worths.items() if worth > _LEAK}


def agreeing(inputs: pa.Table, column: str) -> list[str]:
    """Columns in which rows agree that share a value of `column`, where rows by chance would not.

    Empty unless at least a fifth of the rows share their value with another one. Several such columns are a sign that
    the values stand for persons, things or events with several rows each.
    """
    head = inputs.slice(0, 50_000)
    groups = pd.factorize(_as_numbers(head[column]))[0]
    shared = np.bincount(groups)[groups] > 1
    if shared.mean() < 0.2:
        return []
    rows = np.flatnonzero(shared)[np.argsort(groups[shared], kind="stable")]
    same = np.diff(groups[rows]) == 0
    others = np.random.default_rng(0).permutation(rows)
    found = []
    for name in head.column_names:
        values = _as_numbers(head[name])
        agree = (values[rows[1:]] == values[rows[:-1]])[same].mean()
        chance = (values[others] == values[rows]).mean()
        if name != column and agree >= _AGREE and chance <= _BY_CHANCE:
            found.append(name)
    return found


def _worth(x: NDArray[np.float64], y: NDArray[np.generic], numbers: bool) -> float:
    from sklearn.metrics import normalized_mutual_info_score, r2_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    model = (DecisionTreeRegressor if numbers else DecisionTreeClassifier)(max_leaf_nodes=256, random_state=0)
    half = np.random.default_rng(1).random(len(y)) < 0.5
    guess = np.empty_like(y)
    for part in (half, ~half):
        guess[~part] = model.fit(x[part, None], y[part]).predict(x[~part, None])
    return float(r2_score(y, guess) if numbers else normalized_mutual_info_score(y, guess))


def _as_numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Codes of strings, numbers of everything else; what is missing is below all, so that it equals itself."""
    if pa.types.is_string(column.type):
        return pd.factorize(np.asarray(column.to_pylist(), dtype=object), sort=True)[0].astype(np.float64)
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    values = column.cast(pa.float64(), safe=False).to_numpy()
    known = values[~np.isnan(values)]
    return np.where(np.isnan(values), known.min(initial=0.0) - 1, values)
