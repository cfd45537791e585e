"""Trees of scikit-learn as parts of a graph: what skl2onnx leaves out is where gaps go, and splits by categories."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.serving.export.graph import Graph, Unexportable
from concours.serving.export.joining import of_both
from concours.serving.export.preparation import Frame, Value, matrix
from concours.serving.export.trees import AT_MOST, Split, Tree, at_most, summed

_BITS: Final = 32
_LINKS: Final = {
    "HalfBinomialLoss": of_both,
    "HalfMultinomialLoss": lambda graph, raw: graph("Softmax", raw, axis=1),
    "HalfSquaredError": lambda graph, raw: raw,
}


def of_forest(graph: Graph, estimator: Any, value: Value) -> str:
    """The mean of trees, or one tree."""
    trees = [each.tree_ for each in getattr(estimator, "estimators_", [estimator])]
    grown = [_grown(each, len(trees), shares=hasattr(estimator, "classes_")) for each in trees]
    return graph.cast(summed(graph, grown, matrix(graph, value)), np.float64)


def _grown(tree: Any, trees: int, *, shares: bool) -> Tree:
    """One of so many trees that count alike; of classes leaves tell shares."""
    inner = tree.children_left >= 0
    said = tree.value[:, 0, :] / (tree.value[:, 0, :].sum(axis=1, keepdims=True) if shares else 1.0)
    leaves = np.where(inner[:, None], 0.0, said / trees)
    values, left, right = at_most(tree.threshold), tree.children_left, tree.children_right
    return Tree.of(inner, AT_MOST, tree.feature, values, left, right, tree.missing_go_to_left, leaves)


def of_histograms(graph: Graph, estimator: Any, value: Value) -> str:
    """Trees boosted on histograms, which may split by categories."""
    loss, codes = type(estimator._loss).__name__, _ordinals(estimator, value)
    if loss not in _LINKS:
        raise Unexportable(f"{type(estimator).__name__} is fitted by another loss than usual")
    outputs = estimator.n_trees_per_iteration_
    grown = [
        _grown_by_histograms(tree, codes, np.eye(outputs)[place])
        for round_ in estimator._predictors
        for place, tree in enumerate(round_)
    ]
    baseline = np.asarray(estimator._baseline_prediction, dtype=np.float64).reshape(1, outputs)
    raw = graph("Add", graph.cast(summed(graph, grown, matrix(graph, value)), np.float64), baseline)
    return _LINKS[loss](graph, raw)


Codes = tuple[NDArray[np.int64], dict[int, NDArray[np.int64]]]
"""The columns that features are, and, of those of categories, the ordinal number of each of our codes; -1 of none."""


def _ordinals(estimator: Any, value: Value) -> Codes:
    features = np.arange(estimator.n_features_in_)
    categorical = estimator.is_categorical_
    if categorical is None or not categorical.any():
        return features, {}
    if not isinstance(value, Frame) or estimator._preprocessor is None:
        raise Unexportable(f"{type(estimator).__name__} reads codes of categories from a matrix")
    words = list(value.categories.values())
    columns = np.concatenate([np.flatnonzero(categorical), np.flatnonzero(~categorical)])
    known = estimator._preprocessor.named_transformers_["encoder"].categories_
    places = [{word: place for place, word in enumerate(each.tolist())} for each in known]
    return columns, {
        int(column): np.array([place.get(word, -1) for word in words[column - value.width]])
        for column, place in zip(columns, places, strict=False)
    }


def _grown_by_histograms(tree: Any, codes: Codes, target: NDArray[np.float64]) -> Tree:
    """A tree for one of the outputs."""
    nodes, inner = tree.nodes, tree.nodes["is_leaf"] == 0
    features = codes[0][np.where(inner, nodes["feature_idx"], 0)]
    leaves = np.where(inner, 0.0, nodes["value"])[:, None] * target
    splits = _splits(tree, features, codes[1], inner)
    values, left, right = at_most(nodes["num_threshold"]), nodes["left"], nodes["right"]
    return Tree.of(inner, AT_MOST, features, values, left, right, nodes["missing_go_to_left"], leaves, splits)


def _splits(
    tree: Any, features: NDArray[np.int64], ordinals: dict[int, NDArray[np.int64]], inner: NDArray[np.bool_]
) -> Iterator[Split]:
    """Splits by categories, by the codes of the smaller side; a code that it does not know goes where gaps go."""
    nodes = tree.nodes
    for node in np.flatnonzero(inner & (nodes["is_categorical"] != 0)).tolist():
        one, own = nodes[node], ordinals[int(features[node])]
        gaps, at = bool(one["missing_go_to_left"]), np.maximum(own, 0)
        bits = tree.raw_left_cat_bitsets[one["bitset_idx"]]
        left = np.where(own < 0, gaps, (bits[at // _BITS] >> (at % _BITS).astype(np.uint32)) & 1).astype(np.bool_)
        there, elsewhere = int(one["left"]), int(one["right"])
        if left.sum() > len(left) / 2:
            left, gaps, there, elsewhere = ~left, not gaps, elsewhere, there
        yield Split(node=node, codes=np.flatnonzero(left).tolist(), there=there, elsewhere=elsewhere, gaps=gaps)
