"""Boosted trees as parts of a graph: LightGBM's and XGBoost's by what their files say, CatBoost's by itself.

onnxmltools writes the same trees, but node by node, which takes minutes where there are many.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.serving.export.graph import Graph, Unexportable
from concours.serving.export.joining import of_both
from concours.serving.export.preparation import Frame, Value, matrix
from concours.serving.export.trees import AT_MOST, BELOW, Split, Tree, at_most, summed

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
"""Bits of `decision_type` in a file of LightGBM; the two above them are what counts as missing: nothing, 0, or gaps."""
_NOTHING, _ZERO = 0, 1


def of_lightgbm(graph: Graph, estimator: Any, value: Value) -> str:
    """Trees of LightGBM."""
    head, *blocks = estimator._booster.model_to_string().split("\nTree=")
    outputs = int(dict(line.partition("=")[::2] for line in head.splitlines())["num_tree_per_iteration"])
    blocks = [block.partition("\nend of trees")[0] for block in blocks]
    trees = [_of_text(block, np.eye(outputs)[place % outputs]) for place, block in enumerate(blocks)]
    return _told(graph, estimator, graph.cast(summed(graph, trees, matrix(graph, value)), np.float64))


def _of_text(block: str, target: NDArray[np.float64]) -> Tree:
    """A tree as a file of LightGBM writes it: leaf i is node -1 - i."""
    found = dict(line.partition("=")[::2] for line in block.splitlines())
    if found.get("is_linear", "0") != "0":
        raise Unexportable("its trees have linear leaves")
    said = np.array(found["leaf_value"].split(), dtype=np.float64)
    nodes = len(found.get("split_feature", "").split())
    inner = np.arange(nodes + len(said)) < nodes
    kinds = _numbers(found, "decision_type", len(inner)).astype(np.int64)
    left, right = (_numbers(found, f"{side}_child", len(inner)).astype(np.int64) for side in ("left", "right"))
    left, right = (np.where(child < 0, nodes - 1 - child, child) for child in (left, right))
    values, missing = _numbers(found, "threshold", len(inner)), kinds >> 2
    if (missing[inner] == _ZERO).any():
        raise Unexportable("its trees take 0 for missing")
    gaps = np.where(missing == _NOTHING, values >= 0, kinds & _DEFAULT_LEFT != 0)
    splits = [
        Split(
            node=node,
            codes=_codes(found, int(values[node])),
            there=int(left[node]),
            elsewhere=int(right[node]),
            gaps=False,
        )
        for node in np.flatnonzero(inner & (kinds & _CATEGORICAL != 0)).tolist()
    ]
    leaves = np.concatenate([np.zeros(nodes), said])[:, None] * target
    features = _numbers(found, "split_feature", len(inner))
    return Tree.of(inner, AT_MOST, features, at_most(values), left, right, gaps, leaves, splits)


def _numbers(found: Mapping[str, str], name: str, count: int) -> NDArray[np.float64]:
    """Numbers of inner nodes, those of leaves 0."""
    told = np.array(found.get(name, "").split(), dtype=np.float64)
    return np.concatenate([told, np.zeros(count - len(told))])


def _codes(found: Mapping[str, str], place: int) -> list[int]:
    """The codes that go left, bits of words of 32."""
    begin, end = found["cat_boundaries"].split()[place : place + 2]
    words = [int(word) for word in found["cat_threshold"].split()[int(begin) : int(end)]]
    return [32 * number + bit for number, word in enumerate(words) for bit in range(32) if word >> bit & 1]


def of_xgboost(graph: Graph, estimator: Any, value: Value) -> str:
    """Trees of XGBoost."""
    learner = json.loads(bytes(estimator._booster.save_raw("json")))["learner"]
    model, outputs = learner["gradient_booster"]["model"], max(1, int(learner["learner_model_param"]["num_class"]))
    pairs = zip(model["trees"], model["tree_info"], strict=True)
    trees = [_of_json(tree, np.eye(outputs)[target]) for tree, target in pairs]
    base = np.atleast_1d(np.array(json.loads(learner["learner_model_param"]["base_score"]), dtype=np.float64))
    if learner["objective"]["name"] == "binary:logistic":
        base = np.log(base / (1 - base))
    raw = graph.cast(summed(graph, trees, matrix(graph, value)), np.float64)
    return _told(graph, estimator, graph("Add", raw, np.broadcast_to(base, outputs)))


def _of_json(tree: Mapping[str, Any], target: NDArray[np.float64]) -> Tree:
    """A tree as a file of XGBoost writes it: what is one of the categories of a node goes right."""
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    inner, gaps = left >= 0, np.array(tree["default_left"]) != 0
    values = np.array(tree["split_conditions"], dtype=np.float32)
    sets = zip(tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True)
    splits = [
        Split(
            node=node,
            codes=tree["categories"][begin : begin + size],
            there=int(right[node]),
            elsewhere=int(left[node]),
            gaps=not gaps[node],
        )
        for node, begin, size in sets
    ]
    leaves = np.where(inner, 0.0, values.astype(np.float64))[:, None] * target
    return Tree.of(inner, BELOW, np.array(tree["split_indices"]), values, left, right, gaps, leaves, splits)


def _told(graph: Graph, estimator: Any, raw: str) -> str:
    """What sums of leaves stand for."""
    if not hasattr(estimator, "classes_"):
        return raw
    return graph("Softmax", raw, axis=1) if len(estimator.classes_) > 2 else of_both(graph, raw)


def of_catboost(graph: Graph, estimator: Any, value: Value) -> str:
    """Trees of CatBoost, of numbers."""
    import onnx

    if isinstance(value, Frame) and value.codes:
        raise Unexportable(f"{type(estimator).__name__} reads columns of words, of which CatBoost writes no graph")
    with tempfile.TemporaryDirectory(prefix="concours-export-") as folder:
        path = Path(folder) / "trees.onnx"
        estimator._booster.save_model(str(path), format="onnx")
        model = onnx.load_model(path)
    (trees,) = (each for each in model.graph.node if each.op_type.startswith("TreeEnsemble"))
    return graph.cast(graph.include(model, matrix(graph, value), trees.output[-1]), np.float64)
