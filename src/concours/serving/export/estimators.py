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
from concours.serving.export.preparation import Frame, matrix

Value = str | Frame
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


def of_prior(graph: Graph, estimator: Any, value: Value) -> str:
    """The same for every row."""
    first = value if isinstance(value, str) else value.numbers or value.codes
    if hasattr(estimator, "predict_proba"):
        row = estimator.predict_proba(np.zeros((1, 1)))[0]
    else:
        row = np.asarray(estimator.predict(np.zeros((1, 1))), dtype=np.float64)
    return constant(graph, row, first)


_HERE: Final = "concours.serving.export"

CONVERTERS: Final[Mapping[str, str]] = {
    "concours.entrants.fitting:_Constant": f"{_HERE}.estimators:of_prior",
    "sklearn.dummy:DummyClassifier": f"{_HERE}.estimators:of_prior",
    "sklearn.dummy:DummyRegressor": f"{_HERE}.estimators:of_prior",
}
"""What writes an estimator, by its type; what is of scikit-learn and not listed is `of_sklearn`."""
