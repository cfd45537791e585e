"""Nearest neighbours as a part of a graph."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from concours.serving.export.graph import Graph, Unexportable
from concours.serving.export.preparation import Value, matrix

_NEAR: Final = 1e-30
"""Squares of distances below are as good as none: such a neighbour alone counts, as where it is the same row."""
_AXIS: Final = np.array([1], dtype=np.int64)


def of_neighbours(graph: Graph, estimator: Any, value: Value) -> str:
    """The mean over the nearest rows of the fit, by Euclidean distance, each alike or by one over its distance."""
    if estimator.effective_metric_ != "euclidean" or estimator.weights not in ("uniform", "distance"):
        raise Unexportable(f"{type(estimator).__name__} goes by another distance or other weights than usual")
    rows, x = np.asarray(estimator._fit_X, dtype=np.float64), graph.cast(matrix(graph, value), np.float64)
    lengths = graph("ReduceSum", graph("Mul", x, x), _AXIS, keepdims=1)
    products = graph("MatMul", x, np.ascontiguousarray(-2 * rows.T))
    squares = graph("Add", graph("Add", products, lengths), np.square(rows).sum(axis=1))
    nearest, places = graph.several("TopK", squares, np.array([estimator.n_neighbors]), outputs=2, axis=1, largest=0)
    told = graph("Gather", _told(estimator), places, axis=0)
    if estimator.weights == "uniform":
        return graph("ReduceMean", told, _AXIS, keepdims=0)
    weights = graph("Reciprocal", graph("Sqrt", graph("Max", nearest, np.array(_NEAR))))
    shares = graph("Div", weights, graph("ReduceSum", weights, _AXIS, keepdims=1))
    return graph("ReduceSum", graph("Mul", told, graph("Unsqueeze", shares, np.array([2]))), _AXIS, keepdims=0)


def _told(estimator: Any) -> Any:
    """What each row of the fit says, (rows, outputs)."""
    if hasattr(estimator, "classes_"):
        return np.eye(len(estimator.classes_))[np.asarray(estimator._y).reshape(-1)]
    return np.asarray(estimator._y, dtype=np.float64).reshape(-1, 1)
