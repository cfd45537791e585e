"""How predictions are joined, calibrated and aligned, as parts of a graph: what the kernels of the same names do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from concours.entrants.fitting import Fitted
from concours.kernels.joining import blending, calibration
from concours.kernels.joining.calibration import Calibration
from concours.serving.export.graph import Graph

_ROWS: Final = np.array([1], dtype=np.int64)


def blended(graph: Graph, rule: str, members: Sequence[str], weights: NDArray[np.float64], outputs: int) -> str:
    """Members (rows, outputs) joined by a rule, as `blending.blend` joins them."""
    before, after = RULES[rule if outputs > 1 else "mean"]
    parts = [before(graph, member, outputs) for member in members]
    if len(set(weights)) == 1:
        total = graph("Mul", _sum(graph, parts), np.array(weights[0]))
    else:
        total = _sum(graph, [graph("Mul", part, np.array(weight)) for part, weight in zip(parts, weights, strict=True)])
    return after(graph, total, len(members), outputs)


def _sum(graph: Graph, parts: Sequence[str]) -> str:
    return graph("Sum", *parts) if len(parts) > 1 else parts[0]


def _votes(graph: Graph, p: str, outputs: int) -> str:
    return graph("Gather", np.eye(outputs), graph("ArgMax", p, axis=1, keepdims=0), axis=0)


def _with_even_vote(graph: Graph, total: str, members: int, outputs: int) -> str:
    votes = graph("Add", graph("Mul", total, np.array(float(members))), np.array(1 / outputs))
    return graph("Div", votes, np.array(members + 1.0))


def _logs(graph: Graph, p: str, outputs: int) -> str:  # noqa: ARG001
    return graph("Log", graph("Max", p, np.array(blending.FLOOR)))


_Before = Callable[[Graph, str, int], str]
_After = Callable[[Graph, str, int, int], str]

RULES: Final[Mapping[str, tuple[_Before, _After]]] = {
    **dict.fromkeys(("mean", "mixture"), (lambda graph, p, outputs: p, lambda graph, total, members, outputs: total)),
    "vote": (_votes, _with_even_vote),
    "pool": (_logs, lambda graph, total, members, outputs: graph("Softmax", total, axis=1)),
}
"""By name, as of `blending.RULES`: what is done with each member before the sum, and with the sum."""


def calibrated(graph: Graph, p: str, how: Calibration) -> str:
    """Probabilities (rows, classes), as `Calibration.apply` makes them of such."""
    floored = graph("Max", p, np.array(calibration.FLOOR))
    floored = graph("Div", floored, graph("ReduceSum", floored, _ROWS, keepdims=1))
    mixed = graph("Add", graph("Mul", floored, np.array(1 - how.mix)), how.mix * np.array(how.prior))
    return graph("Softmax", graph("Div", graph("Log", mixed), np.array(how.temperature)), axis=1)


def aligned(graph: Graph, said: str, fitted: Fitted) -> str:
    """What an estimator says, (rows, seen classes) or (rows, 1) float64, as `Fitted.predict` gives it."""
    if not fitted.classes:
        return said
    p = graph("Div", graph("Max", said, np.array(0.0)), graph("ReduceSum", said, _ROWS, keepdims=1))
    unseen = fitted.classes - len(fitted.codes)
    if not unseen:
        return p
    floor = 1 / (fitted.rows + fitted.classes)
    places, floors = np.zeros((len(fitted.codes), fitted.classes)), np.full(fitted.classes, floor)
    places[np.arange(len(fitted.codes)), fitted.codes] = 1 - floor * unseen
    floors[fitted.codes] = 0.0
    return graph("Add", graph("MatMul", p, places), floors)


def constant(graph: Graph, value: NDArray[np.float64], like: str) -> str:
    """The same row (outputs,) for each row of another value."""
    rows = graph("Slice", graph("Shape", like), np.array([0]), np.array([1]))
    return graph("Expand", value[None], graph("Concat", rows, np.array([len(value)]), axis=0))


def of_both(graph: Graph, raw: str) -> str:
    """Probabilities (rows, 2) of the logarithm of the odds (rows, 1) of the second of two classes."""
    p = graph("Sigmoid", raw)
    return graph("Concat", graph("Sub", np.array(1.0), p), p, axis=1)
