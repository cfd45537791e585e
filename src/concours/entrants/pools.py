"""Rows to boost on, and as the three libraries take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """Rows to fit on or to watch: inputs (n, features), targets (n,), and weights (n,), where they have some; and of
    documents that are put in order the code of the query of each, (n,), those of one behind one another.
    """

    x: Any
    y: NDArray[Any]
    weights: Floats | None
    query: NDArray[np.int64] | None = None

    def some(self, rows: NDArray[np.int64]) -> Rows:
        """Some of them, by their numbers."""
        x = self.x.iloc[rows] if isinstance(self.x, pd.DataFrame) else self.x[rows]
        weights = None if self.weights is None else self.weights[rows]
        return Rows(x, self.y[rows], weights, None if self.query is None else self.query[rows])

    @property
    def in_query(self) -> NDArray[np.int64] | None:
        """How many documents each query has, in their order."""
        return None if self.query is None else np.unique(self.query, return_counts=True)[1]


def matrix(rows: Rows) -> Any:
    """As XGBoost takes them."""
    import xgboost

    return xgboost.DMatrix(
        named(rows.x), rows.y, weight=rows.weights, qid=rows.query, enable_categorical=True, nthread=1
    )


def pool(
    X: Any, y: NDArray[Any] | None = None, weights: Floats | None = None, query: NDArray[np.int64] | None = None
) -> Any:
    """As CatBoost takes them: categories as whole numbers, missing ones as one more."""
    import catboost

    if not isinstance(X, pd.DataFrame):
        return catboost.Pool(np.asarray(X, dtype=np.float32), y, weight=weights, group_id=query)
    plain = {name: column.cat.codes if column.dtype == "category" else column for name, column in X.items()}
    categories = [index for index, name in enumerate(X.columns) if X[name].dtype == "category"]
    return catboost.Pool(pd.DataFrame(plain), y, cat_features=categories, weight=weights, group_id=query)


def named(X: Any) -> Any:
    """LightGBM and XGBoost refuse some signs in the names of columns; numbers do as well."""
    return X.set_axis([str(i) for i in range(X.shape[1])], axis=1) if isinstance(X, pd.DataFrame) else X
