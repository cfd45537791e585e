"""An ONNX graph that is being written (https://onnx.ai, opset 18 and ai.onnx.ml 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import ConcoursError

OPSETS: Final[Mapping[str, int]] = {"": 18, "ai.onnx.ml": 3}
_IR: Final = 9
"""The version of the form of files that came with these operators."""


class Unexportable(ConcoursError):
    """What cannot be a graph, and why, in words."""


class Graph:
    """Nodes, in the order in which they run; values have names. What is asked for twice is computed once.

    Args:
        inputs: (name, dtype, columns) of matrices (rows, columns).
    """

    def __init__(self, inputs: Sequence[tuple[str, Any, int]]) -> None:
        self._inputs = tuple(inputs)
        self._nodes, self._constants = list[Any](), dict[str, NDArray[Any]]()
        self._known: dict[Any, str] = {}
        self._count = 0

    @property
    def first(self) -> str:
        """The name of the first input."""
        return self._inputs[0][0]

    def __call__(self, op: str, *inputs: str | NDArray[Any], **attributes: Any) -> str:
        """The name of what an operator gives, of one output; arrays among its inputs are constants."""
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        key = (op, tuple(names), repr(sorted(attributes.items())))
        if key not in self._known:
            self._known[key] = self.apart(op, *names, **attributes)
        return self._known[key]

    def apart(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """The same of attributes that may be long arrays; it is computed once more where it is asked for twice."""
        (name,) = self.several(op, *inputs, outputs=1, domain=domain, **attributes)
        return name

    def several(
        self, op: str, *inputs: str | NDArray[Any], outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """The names of what an operator gives, of several outputs."""
        from onnx import helper

        given = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        names = [self._name() for _ in range(outputs)]
        plain = {name: each for name, each in attributes.items() if not isinstance(each, np.ndarray)}
        node = helper.make_node(op, given, names, domain=domain, **plain)
        node.attribute.extend(_listed(name, each) for name, each in attributes.items() if name not in plain)
        self._nodes.append(node)
        return names

    def _name(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def constant(self, value: NDArray[Any]) -> str:
        """The name of a constant."""
        value = np.ascontiguousarray(value) if value.ndim else value
        key = (value.dtype.str, value.shape, value.tobytes())
        if key not in self._known:
            self._known[key] = self._name()
            self._constants[self._known[key]] = value
        return self._known[key]

    def cast(self, value: str, dtype: Any) -> str:
        """A value in another dtype."""
        from onnx import helper

        return self("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def include(self, model: Any, value: str, output: str) -> str:
        """One of the outputs of a model of one input, given that."""
        from onnx import compose, numpy_helper

        (own,) = (each.name for each in model.graph.input)
        prefix = f"{self._name()}/"
        graph = compose.add_prefix(model, prefix).graph
        for node in graph.node:
            node.input[:] = [value if name == prefix + own else name for name in node.input]
        self._nodes += graph.node
        self._constants |= {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        return prefix + output

    def written(self, output: str) -> bytes:
        """The file of the graph; its output is called `predictions`, float64 (rows, outputs)."""
        from onnx import TensorProto, checker, helper, numpy_helper

        nodes = [*_needed(self._nodes, output), helper.make_node("Identity", [output], ["predictions"])]
        used = {name for node in nodes for name in node.input}
        kinds = [(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), width) for name, dtype, width in self._inputs]
        graph = helper.make_graph(
            nodes,
            "model",
            [helper.make_tensor_value_info(name, kind, ["rows", width]) for name, kind, width in kinds],
            [helper.make_tensor_value_info("predictions", TensorProto.DOUBLE, ["rows", None])],
            [numpy_helper.from_array(each, name) for name, each in self._constants.items() if name in used],
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR, producer_name="concours")
        checker.check_model(model)
        content: bytes = model.SerializeToString()
        return content


def _listed(name: str, values: NDArray[Any]) -> Any:
    """An attribute that is a long list of whole numbers, fractions or texts; the library would look at each of them."""
    from onnx import AttributeProto

    if values.dtype.kind == "f":
        return AttributeProto(name=name, type=AttributeProto.FLOATS, floats=values.tolist())
    if values.dtype.kind == "U":
        return AttributeProto(name=name, type=AttributeProto.STRINGS, strings=np.char.encode(values).tolist())
    return AttributeProto(name=name, type=AttributeProto.INTS, ints=values.tolist())


def _needed(nodes: Sequence[Any], output: str) -> list[Any]:
    """Those of the nodes that an output hangs on, in their order."""
    wanted, found = {output}, list[Any]()
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            found.append(node)
    return found[::-1]
