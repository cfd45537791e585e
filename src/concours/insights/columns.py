"""What a model of a table looks at: how much worse it is without a column, and how its predictions go with one.

Both predict changed copies of some rows, all in one frame, so that the model is loaded once. How many rows are
predicted is bounded, whatever the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from concours.insights.metric import Metric
from concours.kernels.scoring.explaining import contrasts, explained_share

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Change = tuple[int, Rows]
"""A column by its place, and the rows that its values are taken from, one a row of the copy."""
Dates = Callable[[pd.Series], pd.Series]
"""Turns a column of dates into moments of one clock and unit, as preparation does."""

_CELLS = 20_000_000
"""Values of all copies together; what holds where columns are many."""
_LEAST = 100
"""Rows of a copy, where there are as many."""
_COLUMNS = 40
_REPEATS = 3
_SCREEN = 1000
_BINS = 10
_ROUNDS = 20
_GRID = 15
_VALUES = 10
_LONGEST = 80
_FEW = 30
_SHARE = 0.3
"""Distinct words, and their share of the rows, up to which a column is one of categories."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Explained:
    """A model of a table, and the rows that it is tried on.

    Attributes:
        x: raw inputs, a frame (rows, columns).
        predict: predictions (rows, outputs) of such a frame.
        affordable: how many rows it may predict, all copies together.
        seed: of what is drawn.
    """

    x: pd.DataFrame
    predict: Callable[[pd.DataFrame], Floats]
    affordable: int
    seed: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """What the predictions of the rows are scored by.

    Attributes:
        y: targets (rows,).
        metric: the ranking metric.
        told: turns predictions into those that the metric takes.
        groups: (rows,) which of them belong together, if any do.
        weights: of some rows by their numbers; none where all weigh alike.
    """

    y: NDArray[Any]
    metric: Metric
    told: Callable[[Floats], Floats]
    groups: NDArray[np.int64] | None
    weights: Callable[[Rows], Floats | None]


def importance(model: Explained, by: Scored) -> dict[str, Any]:
    """How much worse the ranking metric is when the values of one column are permuted (Breiman 2001).

    It says what the model relies on, not what matters in the world: of columns that tell the same, each may seem to
    matter little, as the model still has the others; and permuting one of them makes rows that never were (Fisher,
    Rudin and Dominici 2019). The standard errors are those of the paired differences on the same rows, which hold the
    chance of the permutation as well as that of the rows; what another training part would give is not in them.

    Of more than 40 columns those are measured that explain most of the model's predictions, each on its own; one that
    matters only together with others can be missed.

    Returns:
        Greatest drop first:
        columns: names.
        kinds: of each, `number`, `date`, `category` or `text`: words that hardly come again.
        drop: by how much the metric is worse; positive: the model relies on the column.
        stderr: of each drop.
        rows, repeats: of each column, how many rows were predicted, and how often.
        base: the metric on these rows as they are; None, and no columns, where it is undefined on them.
        left_out: how many columns were not measured.
    """
    x, rng = model.x, np.random.default_rng(model.seed)
    columns = _screened(model, rng)
    size, repeats = _extent(model, len(columns))
    rows = _sample(len(x), size, rng)
    changes = [(column, rng.permutation(rows)) for column in columns for _ in range(repeats)]
    p = by.told(model.predict(_copies(x, rows, changes)))
    within = None if by.groups is None else by.groups[rows]
    means = by.metric.means(
        by.y[rows],
        np.split(p, len(changes) + 1),
        seed=model.seed,
        rounds=_ROUNDS,
        groups=within,
        weights=by.weights(rows),
        empty=0.0,
    )
    moved, stderr = contrasts(means, repeats)
    drop = -by.metric.sign * moved
    defined = bool(np.isfinite(means.means).all())
    order = np.argsort(-drop, kind="stable").tolist() if defined else []
    return {
        "columns": [str(x.columns[columns[place]]) for place in order],
        "kinds": [_kind(x.iloc[:, columns[place]]) for place in order],
        "drop": [float(drop[place]) for place in order],
        "stderr": [float(stderr[place]) if np.isfinite(stderr[place]) else None for place in order],
        "rows": len(rows),
        "repeats": repeats,
        "base": float(means.means[0]) if defined else None,
        "left_out": x.shape[1] - len(order),
    }


def dependence(model: Explained, names: Sequence[str], outputs: Sequence[int], dates_of: Dates) -> dict[str, Any]:
    """How predictions change when one column is set to each value of a grid in all rows, the others as they are.

    The mean over rows is the partial dependence (Friedman 2001); quantiles over rows show how far single rows go other
    ways (Goldstein et al. 2015). As with permutations, rows that never were are among those predicted.

    Args:
        names: of the columns.
        outputs: the columns of predictions that are shown.

    Returns:
        columns: for each its `name`; its `kind`, `number`, `date` or `category`; `grid`, numbers, dates in ISO form or
            texts, or None for missing ones; `mean`, `low` and `high`, for each point of the grid a number an output:
            mean and the tenth and ninetieth percentile over rows; for numbers and dates `rug`, the deciles of the
            column, for categories `shares`, of rows that have the value. A column without a value has no grid.
        outputs: as given.
        rows: how many there are in a mean.
    """
    x, rng = model.x, np.random.default_rng(model.seed)
    places = [[str(name) for name in x.columns].index(name) for name in names]
    grids = [_grid(x.iloc[:, place], dates_of) for place in places]
    points = [(place, row) for place, grid in zip(places, grids, strict=True) for row in grid.rows]
    size, _ = _extent(model, len(points))
    rows = _sample(len(x), size, rng)
    p = model.predict(_copies(x, rows, [(place, np.full(len(rows), row)) for place, row in points]))
    curves = iter(np.split(p[:, outputs], len(points) + 1)[1:])
    return {
        "columns": [
            {"name": name, **grid.to_json(), **_bands([next(curves) for _ in grid.rows])}
            for name, grid in zip(names, grids, strict=True)
        ],
        "outputs": outputs,
        "rows": len(rows),
    }


def _extent(model: Explained, changes: int) -> tuple[int, int]:
    """How many rows each changed copy has, and how often each change is made: rows first, as they say more."""
    total = min(model.affordable, _CELLS // max(model.x.shape[1], 1))
    size = min(len(model.x), max(total // (changes + 1), _LEAST))
    return size, int(np.clip((total // size - 1) // max(changes, 1), 1, _REPEATS))


def _sample(rows: int, size: int, rng: np.random.Generator) -> Rows:
    return np.sort(rng.choice(rows, size, replace=False))


def _copies(x: pd.DataFrame, rows: Rows, changes: Sequence[Change]) -> pd.DataFrame:
    """Some rows as they are, and below them a copy for each change, in which one column is taken from other rows.

    Values are moved, never made, so that every column keeps its type.
    """
    whole = np.tile(rows, len(changes) + 1)
    copies = x.iloc[whole].reset_index(drop=True)
    for column in sorted({column for column, _ in changes}):
        sources = whole.copy().reshape(len(changes) + 1, len(rows))
        for copy, (changed, taken) in enumerate(changes, 1):
            if changed == column:
                sources[copy] = taken
        copies.isetitem(column, x.iloc[:, column].take(sources.ravel()).array)
    return copies


def _screened(model: Explained, rng: np.random.Generator) -> list[int]:
    """Places of the columns that are measured: all, or those that explain most of the model's predictions."""
    x = model.x
    if x.shape[1] <= _COLUMNS:
        return list(range(x.shape[1]))
    rows = _sample(len(x), min(len(x), _SCREEN, max(_CELLS // x.shape[1], _LEAST)), rng)
    some = x.iloc[rows].reset_index(drop=True)
    p = model.predict(some)
    shares = [explained_share(_binned(some.iloc[:, place]), p) for place in range(x.shape[1])]
    return sorted(np.argsort(-np.asarray(shares), kind="stable")[:_COLUMNS].tolist())


def _binned(column: pd.Series) -> Rows:
    """A group for each row (rows,): tenths of numbers, or values; missing ones are a group."""
    if _is_number(column) and column.nunique() > _BINS:
        values = column.to_numpy(np.float64, na_value=np.nan)
        edges = np.unique(np.nanquantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
        return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))
    codes = pd.factorize(column)[0]
    return np.where(codes < 0, codes.max(initial=-1) + 1, codes)


@dataclass(frozen=True, kw_only=True)
class _Grid:
    """Values that a column is set to, by rows that have them.

    Attributes:
        rows: (points,) a row that has the value.
        labels: (points,) the values as JSON.
        about: what is known of the column besides: `rug` or `shares`.
    """

    kind: str
    rows: list[int]
    labels: list[Any]
    about: dict[str, list[Any]]

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "grid": self.labels, **self.about}


def _grid(column: pd.Series, dates_of: Dates) -> _Grid:
    if _is_number(column):
        numbers = column.to_numpy(np.float64, na_value=np.nan)
        return _steps("number", np.where(np.isfinite(numbers), numbers, np.nan), numbers.tolist())
    dates = _as_dates(column, dates_of)
    if dates is None:
        return _frequent(column)
    seconds = (dates - pd.Timestamp(0, unit="s")).dt.total_seconds().to_numpy(np.float64, na_value=np.nan)
    return _steps("date", seconds, [None if pd.isna(date) else date.isoformat() for date in dates])


def _steps(kind: str, values: NDArray[Any], labels: list[Any]) -> _Grid:
    """At most 15 of the values, evenly spread over the sorted rows from the 2.5th to the 97.5th percentile."""
    order = np.argsort(values, kind="stable")[: np.count_nonzero(~np.isnan(values))]
    if not len(order):
        return _Grid(kind=kind, rows=[], labels=[], about={"rug": []})
    first = order[np.unique(values[order], return_index=True)[1]]  # a row for each value
    if len(first) > _GRID:
        spread = order[np.round(np.linspace(0.025, 0.975, _GRID) * (len(order) - 1)).astype(np.int64)]
        first = spread[np.unique(values[spread], return_index=True)[1]]
    deciles = order[np.round(np.linspace(0, 1, 11) * (len(order) - 1)).astype(np.int64)]
    rug = [labels[row] for row in deciles]
    return _Grid(kind=kind, rows=first.tolist(), labels=[labels[row] for row in first], about={"rug": rug})


def _frequent(column: pd.Series) -> _Grid:
    """The ten most frequent values, the missing one among them; of equally frequent ones that which comes first."""
    codes, values = pd.factorize(column, use_na_sentinel=False)
    _, first, counts = np.unique(codes, return_index=True, return_counts=True)
    kept = np.argsort(-counts, kind="stable")[:_VALUES]
    labels = [None if pd.isna(value := values[code]) else str(value)[:_LONGEST] for code in kept]
    shares = (counts[kept] / len(column)).tolist()
    return _Grid(kind="category", rows=first[kept].tolist(), labels=labels, about={"shares": shares})


def _kind(column: pd.Series) -> str:
    if _is_number(column):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "date"
    few = column.nunique() <= max(_FEW, _SHARE * column.notna().sum())
    return "category" if few else "text"


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _as_dates(column: pd.Series, dates_of: Dates) -> pd.Series | None:
    """The dates of a column that preparation takes for one of dates."""
    return dates_of(column) if pd.api.types.is_datetime64_any_dtype(column) else None


def _bands(curves: Sequence[Floats]) -> dict[str, Any]:
    """Mean and quantiles over rows of predictions (rows, outputs) a point of a grid."""
    low, high = ([np.quantile(curve, q, axis=0).tolist() for curve in curves] for q in (0.1, 0.9))
    return {"mean": [curve.mean(axis=0).tolist() for curve in curves], "low": low, "high": high}
