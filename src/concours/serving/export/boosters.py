"""Boosted trees as parts of a graph: LightGBM's and XGBoost's by onnxmltools, CatBoost's by itself."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from concours.serving.export.graph import Graph, Unexportable
from concours.serving.export.preparation import Frame, matrix

_OPSET: Final = 15
"""The newest that onnxmltools writes; of its graphs the trees are taken, which are the same in every one."""


def of_lightgbm(graph: Graph, estimator: Any, value: str | Frame) -> str:
    """Trees of LightGBM."""
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    types = [("x", FloatTensorType([None, estimator.n_features_in_]))]
    model = convert_lightgbm(estimator._booster, initial_types=types, zipmap=False, target_opset=_OPSET)
    return _included(graph, model, value)


def of_xgboost(graph: Graph, estimator: Any, value: str | Frame) -> str:
    """Trees of XGBoost."""
    import xgboost
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    found = xgboost.XGBClassifier() if hasattr(estimator, "classes_") else xgboost.XGBRegressor()
    found.load_model(bytearray(estimator._save()))
    types = [("x", FloatTensorType([None, estimator.n_features_in_]))]
    return _included(graph, convert_xgboost(found, initial_types=types, target_opset=_OPSET), value)


def of_catboost(graph: Graph, estimator: Any, value: str | Frame) -> str:
    """Trees of CatBoost, of numbers."""
    import onnx

    if not isinstance(value, str) and value.codes:
        raise Unexportable(f"{type(estimator).__name__} reads columns of words, of which CatBoost writes no graph")
    with tempfile.TemporaryDirectory(prefix="concours-export-") as folder:
        path = Path(folder) / "trees.onnx"
        estimator._booster.save_model(str(path), format="onnx")
        model = onnx.load_model(path)
    return _included(graph, model, value)


def _included(graph: Graph, model: Any, value: str | Frame) -> str:
    """What the trees of a model say."""
    (name,) = (
        each.output[-1]
        for each in model.graph.node
        if each.op_type in ("TreeEnsembleClassifier", "TreeEnsembleRegressor")
    )
    return graph.cast(graph.include(model, matrix(graph, value), name), np.float64)
