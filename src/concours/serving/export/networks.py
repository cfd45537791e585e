"""Networks of the zoo as parts of a graph, by torch."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np

from concours.serving.export.graph import OPSETS, Graph
from concours.serving.export.preparation import Value, matrix


def of_classes(graph: Graph, estimator: Any, value: Value) -> str:
    """A network whose outputs are logits."""
    return graph("Softmax", _outputs(graph, estimator, value), axis=1)


def of_numbers(graph: Graph, estimator: Any, value: Value) -> str:
    """A network of a number, scaled back."""
    scaled = graph("Mul", _outputs(graph, estimator, value), np.array(estimator.target_deviation_))
    return graph("Add", scaled, np.array(estimator.target_mean_))


def of_bounded_numbers(graph: Graph, estimator: Any, value: Value) -> str:
    """The same, within bounds (`entrants.tabular.TabularRegressor`)."""
    target = {name: np.array(each) for name, each in estimator.target_.items()}
    scaled = graph("Mul", _outputs(graph, estimator, value), target["deviation"])
    return graph("Clip", graph("Add", scaled, target["mean"]), target["low"], target["high"])


def _outputs(graph: Graph, estimator: Any, value: Value) -> str:
    """What the network says, float64 (rows, outputs)."""
    import onnx
    import torch

    file: Any = io.BytesIO()
    example = torch.zeros((2, *estimator.input_shape_))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter needs one more package, and traces these no better
        torch.onnx.export(
            estimator.network_.eval(), (example,), file, dynamo=False, opset_version=OPSETS[""], input_names=["x"],
            output_names=["y"], dynamic_axes={"x": {0: "rows"}},
        )  # fmt: skip
    model = onnx.load_model_from_string(file.getvalue())
    return graph.cast(graph.include(model, matrix(graph, value), "y"), np.float64)
