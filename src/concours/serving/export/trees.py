"""Trees of scikit-learn as parts of a graph: what skl2onnx leaves out is where gaps go, and splits by categories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.serving.export.graph import Graph, Unexportable
from concours.serving.export.preparation import Frame, matrix

_LEAF, _AT_MOST, _EQUALS = "LEAF", "BRANCH_LEQ", "BRANCH_EQ"
_BITS: Final = 32


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A tree; node 0 is its root.

    Attributes:
        modes: of each node, as ONNX names them.
        features, values, yes, no: of each node, what is compared with what, and the node behind either answer; values
            float32, so that what is at most a value of float64 is at most this.
        gaps: of each node, whether what is missing goes where `yes` goes.
        leaves: (nodes, outputs) what leaves say; of others zeros.
    """

    modes: NDArray[Any]
    features: NDArray[np.int64]
    values: NDArray[np.float32]
    yes: NDArray[np.int64]
    no: NDArray[np.int64]
    gaps: NDArray[np.int64]
    leaves: NDArray[np.float64]


def of_forest(graph: Graph, estimator: Any, value: Frame | str) -> str:
    """The mean of trees, or one tree."""
    trees = [each.tree_ for each in getattr(estimator, "estimators_", [estimator])]
    grown = [_grown(each, len(trees), shares=hasattr(estimator, "classes_")) for each in trees]
    return graph.cast(_summed(graph, grown, matrix(graph, value)), np.float64)


def of_histograms(graph: Graph, estimator: Any, value: Frame | str) -> str:
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
    raw = graph("Add", graph.cast(_summed(graph, grown, matrix(graph, value)), np.float64), baseline)
    return _LINKS[loss](graph, raw)


def _both(graph: Graph, raw: str) -> str:
    p = graph("Sigmoid", raw)
    return graph("Concat", graph("Sub", np.array(1.0), p), p, axis=1)


_LINKS: Final = {
    "HalfBinomialLoss": _both,
    "HalfMultinomialLoss": lambda graph, raw: graph("Softmax", raw, axis=1),
    "HalfSquaredError": lambda graph, raw: raw,
}


def _grown(tree: Any, trees: int, *, shares: bool) -> Tree:
    """One of so many trees that count alike; of classes leaves tell shares."""
    inner = tree.children_left >= 0
    said = tree.value[:, 0, :] / (tree.value[:, 0, :].sum(axis=1, keepdims=True) if shares else 1.0)
    return Tree(
        modes=np.where(inner, _AT_MOST, _LEAF),
        features=np.where(inner, tree.feature, 0),
        values=np.where(inner, _floored(tree.threshold), np.float32(0)),
        yes=np.where(inner, tree.children_left, 0),
        no=np.where(inner, tree.children_right, 0),
        gaps=np.where(inner, tree.missing_go_to_left, 0).astype(np.int64),
        leaves=np.where(inner[:, None], 0.0, said / trees),
    )


def _floored(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest numbers of float32 that are at most these."""
    most = np.finfo(np.float32).max
    near = np.clip(values, -most, most).astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near)


Codes = tuple[NDArray[np.int64], dict[int, NDArray[np.int64]]]
"""The columns that features are, and, of those of categories, the ordinal number of each of our codes; -1 of none."""


def _ordinals(estimator: Any, value: Frame | str) -> Codes:
    features = np.arange(estimator.n_features_in_)
    categorical = estimator.is_categorical_
    if categorical is None or not categorical.any():
        return features, {}
    if isinstance(value, str) or estimator._preprocessor is None:
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
    """A tree for one of the outputs; a split by categories is a chain of nodes, one for each on its smaller side."""
    nodes, (columns, ordinals) = tree.nodes, codes
    inner = nodes["is_leaf"] == 0
    features = columns[np.where(inner, nodes["feature_idx"], 0)]
    parts = {
        "modes": np.where(inner, _AT_MOST, _LEAF),
        "features": np.where(inner, features, 0),
        "values": np.where(inner, _floored(nodes["num_threshold"]), np.float32(0)),
        "yes": np.where(inner, nodes["left"].astype(np.int64), 0),
        "no": np.where(inner, nodes["right"].astype(np.int64), 0),
        "gaps": np.where(inner, nodes["missing_go_to_left"], 0).astype(np.int64),
    }
    more: dict[str, list[Any]] = {name: [] for name in parts}
    for node in np.flatnonzero(inner & (nodes["is_categorical"] != 0)).tolist():
        left = _goes_left(tree.raw_left_cat_bitsets[nodes[node]["bitset_idx"]], ordinals[int(features[node])])
        unknown = ordinals[int(features[node])] < 0
        left = np.where(unknown, parts["gaps"][node] != 0, left)
        chosen, there, else_ = left, parts["yes"][node], parts["no"][node]
        if left.sum() > (~left).sum():
            chosen, there, else_ = ~left, else_, there
        gaps = int((parts["gaps"][node] != 0) == (chosen is left))
        chain = [float(code) for code in np.flatnonzero(chosen)] or [-1.0]
        begin = len(nodes) + len(more["yes"])
        places = [node, *range(begin, begin + len(chain) - 1), else_]
        for number, code in enumerate(chain):
            row = {"modes": _EQUALS, "features": features[node], "values": code, "yes": there}
            row |= {"no": places[number + 1], "gaps": gaps if number == 0 else 0}
            for name, each in row.items():
                if number == 0:
                    parts[name][node] = each
                else:
                    more[name].append(each)
    whole = {name: np.concatenate([each, np.array(more[name], dtype=each.dtype)]) for name, each in parts.items()}
    said = np.concatenate([np.where(inner, 0.0, nodes["value"]), np.zeros(len(more["yes"]))])
    return Tree(**whole, leaves=said[:, None] * target)


def _goes_left(bits: NDArray[np.uint32], ordinals: NDArray[np.int64]) -> NDArray[np.bool_]:
    at = np.maximum(ordinals, 0)
    return np.asarray((bits[at // _BITS] >> (at % _BITS).astype(np.uint32)) & 1, dtype=np.bool_)


def _summed(graph: Graph, trees: Sequence[Tree], x: str) -> str:
    """The sum of what trees say, float32 (rows, outputs), of a matrix of float32."""
    leaves = [np.nonzero((tree.modes == _LEAF)[:, None] & (tree.leaves != 0)) for tree in trees]
    nothing = [np.flatnonzero((tree.modes == _LEAF) & ~(tree.leaves != 0).any(axis=1)) for tree in trees]
    told = [
        (
            np.concatenate([some[0], none]),
            np.concatenate([some[1], np.zeros(len(none), dtype=np.int64)]),
            np.concatenate([tree.leaves[some], np.zeros(len(none))]),
        )
        for tree, some, none in zip(trees, leaves, nothing, strict=True)
    ]
    return graph.apart(
        "TreeEnsembleRegressor",
        x,
        domain="ai.onnx.ml",
        n_targets=trees[0].leaves.shape[1],
        post_transform="NONE",
        nodes_treeids=_numbered(len(tree.modes) for tree in trees),
        nodes_nodeids=np.concatenate([np.arange(len(tree.modes)) for tree in trees]),
        nodes_modes=np.concatenate([tree.modes for tree in trees]),
        nodes_featureids=np.concatenate([tree.features for tree in trees]),
        nodes_values=np.concatenate([tree.values for tree in trees]),
        nodes_truenodeids=np.concatenate([tree.yes for tree in trees]),
        nodes_falsenodeids=np.concatenate([tree.no for tree in trees]),
        nodes_missing_value_tracks_true=np.concatenate([tree.gaps for tree in trees]),
        target_treeids=_numbered(len(nodes) for nodes, _, _ in told),
        target_nodeids=np.concatenate([nodes for nodes, _, _ in told]),
        target_ids=np.concatenate([targets for _, targets, _ in told]),
        target_weights=np.concatenate([weights for _, _, weights in told]).astype(np.float32),
    )


def _numbered(counts: Iterable[int]) -> NDArray[np.int64]:
    every = list(counts)
    return np.repeat(np.arange(len(every)), every)
