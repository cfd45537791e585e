"""Rubbish at the door: whatever comes is answered in one line of the protocol's own form, and is nobody's defect."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours import Result
from concours.serving.answering import Answering
from concours.serving.doors.oip import LENGTH
from concours.serving.doors.table import DOORS
from concours.serving.messages import MESSAGES
from concours.serving.model import Served
from concours.serving.refused import Refused
from concours.serving.tensors import TYPES, from_bytes, to_bytes
from concours.serving.wire import Ask

NAMES = ["length", "petals", "colour", "wild"]
ATOMS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=6))
JSON = st.recursive(
    ATOMS, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)), max_leaves=12
)  # fmt: skip
TENSOR = st.fixed_dictionaries(
    {
        "name": st.one_of(st.sampled_from([*NAMES, "rows"]), JSON),
        "datatype": st.one_of(st.sampled_from([*TYPES, "FP128"]), JSON),
        "shape": st.one_of(st.lists(st.integers(-2, 5), max_size=3), JSON),
        "data": JSON,
    }
)
BODIES = {
    "plain": st.fixed_dictionaries({"rows": JSON}, optional={"columns": JSON}),
    "explain": st.fixed_dictionaries({"rows": JSON}),
    "oip": st.fixed_dictionaries(
        {"inputs": st.one_of(st.lists(TENSOR, max_size=5), JSON)},
        optional={"outputs": JSON, "parameters": JSON, "id": JSON},
    ),
}


@pytest.fixture(scope="module")
def answering(result: Result) -> Answering:
    return Answering(Served.of(result, "tree"), DOORS, together=True)


def told(answering: Answering, ask: Ask) -> dict[str, Any]:
    (answer,) = answering.step([ask])
    assert answer.id == ask.id and answer.status in (200, 400, 413, 415), answer.body
    body = json.loads(answer.body)
    if answer.status != 200:
        assert set(body) == {"error"} and "\n" not in body["error"]
    return body


@pytest.mark.parametrize("door", list(BODIES))
@settings(max_examples=120)
@given(data=st.data())
def test_json_of_any_shape(answering: Answering, door: str, data: Any) -> None:
    """Whatever stands where rows, tensors and names should."""
    body = data.draw(st.one_of(BODIES[door], JSON))
    told(answering, Ask(1, door, json.dumps(body).encode()))


@pytest.mark.parametrize("door", [*BODIES, "oip-grpc"])
@settings(max_examples=80)
@given(body=st.binary(max_size=200), length=st.one_of(st.none(), st.text(max_size=4), st.integers(-3, 300)))
def test_bytes_of_any_sort(answering: Answering, door: str, body: bytes, length: Any) -> None:
    """Half a head too: a length that is none, or more than there is."""
    query = {} if length is None else {LENGTH: str(length)}
    told(answering, Ask(2, door, body, query=query))


@settings(max_examples=80)
@given(
    names=st.lists(st.sampled_from([*NAMES, "x"]), max_size=5),
    datatype=st.sampled_from([*TYPES, "?"]),
    shape=st.lists(st.integers(-1, 4), max_size=3),
    raw=st.lists(st.binary(max_size=40), max_size=5),
)
def test_messages_of_any_sort(answering: Answering, names, datatype, shape, raw) -> None:
    """Tensors of gRPC whose bytes are not what their type and shape say."""
    request = MESSAGES["ModelInferRequest"](model_name="m", raw_input_contents=raw)
    for name in names:
        request.inputs.add(name=name, datatype=datatype, shape=shape)
    told(answering, Ask(3, "oip-grpc", request.SerializeToString()))


@pytest.mark.parametrize(("datatype", "value"), [("FP16", 65520), ("FP32", 1e39), ("INT8", 200), ("UINT8", -1)])
def test_what_a_type_does_not_hold_is_refused(answering: Answering, datatype: str, value: float) -> None:
    """Rather than made infinite, or another number."""
    tensor = {"name": "length", "datatype": datatype, "shape": [1], "data": [value]}
    body = told(answering, Ask(4, "oip", json.dumps({"inputs": [tensor]}).encode()))
    assert f"1 values of {datatype}" in body["error"]


@settings(max_examples=60)
@given(texts=st.lists(st.text(max_size=8), max_size=5), cut=st.integers(0, 60))
def test_texts_of_a_tensor_go_there_and_back(texts: list[str], cut: int) -> None:
    """And a part of their bytes is refused."""
    from concours.serving.tensors import Tensor

    content = to_bytes(Tensor("t", "BYTES", np.array(texts, dtype=object)))
    found = from_bytes("t", "BYTES", [len(texts)], content)
    assert [each.decode() for each in found.data] == texts
    if cut < len(content):
        with pytest.raises(Refused):
            from_bytes("t", "BYTES", [len(texts)], content[:cut])


def test_those_beside_a_wrong_request_are_answered(answering: Answering) -> None:
    """In the same batch."""
    row = {"length": 1.5, "petals": 4, "colour": "red", "wild": True}
    good = json.dumps({"rows": [row]}).encode()
    answers = answering.step([Ask(1, "plain", good), Ask(2, "plain", b"{"), Ask(3, "plain", good)])
    assert {each.id: each.status for each in answers} == {1: 200, 2: 400, 3: 200}
