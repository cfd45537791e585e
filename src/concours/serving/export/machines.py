"""Support vector machines of our own, and linear ones that are calibrated, as parts of a graph."""

from __future__ import annotations

from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.entrants.radial import FLOOR
from concours.serving.export.graph import Graph, Unexportable
from concours.serving.export.joining import of_both
from concours.serving.export.preparation import Value, matrix

_AXIS: Final = np.array([1], dtype=np.int64)


def of_radial_classes(graph: Graph, estimator: Any, value: Value) -> str:
    """Margins of pairs, sigmoids of these, and what couples them (`entrants.radial.RadialSVC`)."""
    machine, classes = estimator.machine_, len(estimator.classes_)
    pairs = list(combinations(range(classes), 2))
    begins = np.concatenate([[0], np.cumsum(machine.n_support_)])
    duals = np.zeros((len(machine.support_vectors_), len(pairs)))
    for place, (first, second) in enumerate(pairs):
        for one, row in ((first, second - 1), (second, first)):
            own = slice(begins[one], begins[one + 1])
            duals[own, place] = machine.dual_coef_[row, own]
    sign = -1.0 if classes == 2 else 1.0
    intercept = machine.intercept_
    if classes == 2:  # as libsvm has it, scikit-learn turns the signs of both
        duals, intercept = machine.dual_coef_.T, machine.intercept_
    margins = graph("Mul", _machine(graph, machine, duals, intercept, matrix(graph, value)), np.array(sign))
    slopes, shifts = estimator.sigmoids_[:, 0], estimator.sigmoids_[:, 1]
    sure = graph("Sigmoid", graph("Add", graph("Mul", margins, slopes), shifts))
    shares = graph("Clip", sure, np.array(FLOOR), np.array(1 - FLOOR))
    ahead = graph("Reciprocal", shares)
    behind = graph("Reciprocal", graph("Sub", np.array(1.0), shares))
    firsts, seconds = (np.eye(classes)[[pair[side] for pair in pairs]] for side in (0, 1))
    against = graph("Add", graph("MatMul", ahead, firsts), graph("MatMul", behind, seconds))
    coupled = graph("Reciprocal", graph("Add", against, np.array(2.0 - classes)))
    return _raised(graph, _raised(graph, coupled, 1.0), estimator.power_)


def of_radial_numbers(graph: Graph, estimator: Any, value: Value) -> str:
    """A sum of kernels, scaled back (`entrants.radial.RadialSVR`)."""
    machine = estimator.machine_
    said = _machine(graph, machine, machine.dual_coef_.T, machine.intercept_, matrix(graph, value))
    return graph("Add", graph("Mul", said, np.array(machine.target_deviation_)), np.array(machine.target_mean_))


def of_calibrated(graph: Graph, estimator: Any, value: Value) -> str:
    """Sigmoids of the margins of a linear model (`CalibratedClassifierCV`, without an ensemble)."""
    (one,) = estimator.calibrated_classifiers_
    linear = one.estimator
    if not hasattr(linear, "coef_") or one.method != "sigmoid" or hasattr(linear, "support_vectors_"):
        raise Unexportable(f"a calibrated {type(linear).__name__} is none that can be written as a graph")
    x = graph.cast(matrix(graph, value), np.float64)
    margins = graph("Add", graph("MatMul", x, np.ascontiguousarray(linear.coef_.T)), np.asarray(linear.intercept_))
    slopes = np.array([-each.a_ for each in one.calibrators])
    shifts = np.array([-each.b_ for each in one.calibrators])
    scaled = graph("Add", graph("Mul", margins, slopes), shifts)
    if len(estimator.classes_) == 2:
        return of_both(graph, scaled)
    p = graph("Sigmoid", scaled)
    return graph("Div", p, graph("ReduceSum", p, _AXIS, keepdims=1))


def _machine(graph: Graph, machine: Any, duals: NDArray[Any], intercept: NDArray[Any], x: str) -> str:
    """Radial kernels of the support vectors, times their weights (vectors, outputs), plus intercepts."""
    vectors, x = machine.support_vectors_, graph.cast(x, np.float64)
    lengths = graph("ReduceSum", graph("Mul", x, x), _AXIS, keepdims=1)
    products = graph("MatMul", x, np.ascontiguousarray(-2 * vectors.T))
    squares = graph("Add", graph("Add", products, lengths), np.square(vectors).sum(axis=1))
    kernels = graph("Exp", graph("Mul", squares, np.array(-machine._gamma)))
    return graph("Add", graph("MatMul", kernels, np.ascontiguousarray(duals)), np.asarray(intercept))


def _raised(graph: Graph, shares: str, power: float) -> str:
    raised = graph("Pow", shares, np.array(float(power)))
    return graph("Div", raised, graph("ReduceSum", raised, _AXIS, keepdims=1))
