"""Fitted estimators as parts of a graph: a table by their types; scikit-learn's by skl2onnx, and boosted trees by the
libraries that know them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from concours.core.registry import load
from concours.serving.export.graph import OPSETS, Graph, Unexportable
from concours.serving.export.joining import constant
from concours.serving.export.preparation import Value, matrix

Converter = Callable[[Graph, Any, Value], str]


def said(graph: Graph, estimator: Any, value: Value) -> str:
    """What an estimator says of prepared rows: probabilities (rows, seen classes), or values (rows, 1), float64.

    Raises:
        Unexportable: nobody knows how to write it as a graph.
    """
    kind = type(estimator)
    name = f"{kind.__module__}:{kind.__qualname__}"
    if name in CONVERTERS:
        converter: Converter = load(CONVERTERS[name])
    elif name.startswith("sklearn."):
        converter = of_sklearn
    else:
        raise Unexportable(f"{kind.__name__} is no estimator that can be written as a graph")
    return converter(graph, estimator, value)


def of_sklearn(graph: Graph, estimator: Any, value: Value) -> str:
    """An estimator of scikit-learn, in double precision."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import DoubleTensorType

    tells = hasattr(estimator, "predict_proba")
    model = convert_sklearn(
        estimator,
        initial_types=[("x", DoubleTensorType([None, estimator.n_features_in_]))],
        options={id(estimator): {"zipmap": False}} if tells else None,
        target_opset=dict(OPSETS),
    )
    output = model.graph.output[1 if tells else 0].name
    return graph.cast(graph.include(model, graph.cast(matrix(graph, value), np.float64), output), np.float64)


def of_prior(graph: Graph, estimator: Any, value: Value) -> str:  # noqa: ARG001
    """The same for every row."""
    if hasattr(estimator, "predict_proba"):
        row = estimator.predict_proba(np.zeros((1, 1)))[0]
    else:
        row = np.asarray(estimator.predict(np.zeros((1, 1))), dtype=np.float64)
    return constant(graph, row, graph.first)


_HERE: Final = "concours.serving.export"
_OURS: Final = "concours.entrants"

CONVERTERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "sklearn.ensemble._forest:ExtraTreesClassifier",
            "sklearn.ensemble._forest:ExtraTreesRegressor",
            "sklearn.ensemble._forest:RandomForestClassifier",
            "sklearn.ensemble._forest:RandomForestRegressor",
            "sklearn.tree._classes:DecisionTreeClassifier",
            "sklearn.tree._classes:DecisionTreeRegressor",
            "sklearn.tree._classes:ExtraTreeClassifier",
            "sklearn.tree._classes:ExtraTreeRegressor",
        ),
        f"{_HERE}.forests:of_forest",
    ),
    **dict.fromkeys(
        (
            f"{_OURS}.fitting:_Constant",
            "sklearn.dummy:DummyClassifier",
            "sklearn.dummy:DummyRegressor",
        ),
        f"{_HERE}.estimators:of_prior",
    ),
    **dict.fromkeys(
        (
            "sklearn.ensemble._hist_gradient_boosting.gradient_boosting:HistGradientBoostingClassifier",
            "sklearn.ensemble._hist_gradient_boosting.gradient_boosting:HistGradientBoostingRegressor",
        ),
        f"{_HERE}.forests:of_histograms",
    ),
    f"{_OURS}.boosters:LightGBMClassifier": f"{_HERE}.boosters:of_lightgbm",
    f"{_OURS}.boosters:LightGBMRegressor": f"{_HERE}.boosters:of_lightgbm",
    f"{_OURS}.boosters:XGBoostClassifier": f"{_HERE}.boosters:of_xgboost",
    f"{_OURS}.boosters:XGBoostRegressor": f"{_HERE}.boosters:of_xgboost",
    f"{_OURS}.boosters:CatBoostClassifier": f"{_HERE}.boosters:of_catboost",
    f"{_OURS}.boosters:CatBoostRegressor": f"{_HERE}.boosters:of_catboost",
    "sklearn.neighbors._classification:KNeighborsClassifier": f"{_HERE}.neighbours:of_neighbours",
    "sklearn.neighbors._regression:KNeighborsRegressor": f"{_HERE}.neighbours:of_neighbours",
    "sklearn.calibration:CalibratedClassifierCV": f"{_HERE}.machines:of_calibrated",
    f"{_OURS}.radial:RadialSVC": f"{_HERE}.machines:of_radial_classes",
    f"{_OURS}.radial:RadialSVR": f"{_HERE}.machines:of_radial_numbers",
    f"{_OURS}.neural:DenseClassifier": f"{_HERE}.networks:of_classes",
    f"{_OURS}.neural:DenseRegressor": f"{_HERE}.networks:of_numbers",
    f"{_OURS}.population:ScheduledClassifier": f"{_HERE}.networks:of_classes",
    f"{_OURS}.population:ScheduledRegressor": f"{_HERE}.networks:of_numbers",
    f"{_OURS}.tabular:TabularNetworkClassifier": f"{_HERE}.networks:of_classes",
    f"{_OURS}.tabular:TabularNetworkRegressor": f"{_HERE}.networks:of_bounded_numbers",
    f"{_OURS}.tabular:TabularTransformerClassifier": f"{_HERE}.networks:of_classes",
    f"{_OURS}.tabular:TabularTransformerRegressor": f"{_HERE}.networks:of_bounded_numbers",
}
"""What writes an estimator, by its type; what is of scikit-learn and not listed is `of_sklearn`."""
