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
from concours.serving.doors.keys_once import require_keys_once
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


def written(value: Any, twice: int) -> tuple[str, int]:
    """JSON, with the first key of the object of a number written a second time; and how many objects are left."""
    if isinstance(value, list):
        parts = []
        for each in value:
            text, twice = written(each, twice)
            parts.append(text)
        return f"[{', '.join(parts)}]", twice
    if not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False), twice
    again, parts = (twice == 0 and bool(value)), []
    twice -= bool(value)
    for name, each in value.items():
        text, twice = written(each, twice)
        parts.append(f"{json.dumps(name)} : {text}")
    return "{" + ",".join(parts + parts[:again]) + "}", twice


TEXTS = st.text(alphabet='a:"\\{,\u00e9\n', max_size=4)
NESTED = st.recursive(
    st.one_of(TEXTS, st.integers(), st.none()), lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)), max_leaves=10
)  # fmt: skip


@settings(max_examples=300)
@given(value=NESTED, twice=st.integers(0, 5))
def test_a_key_that_stands_twice_is_found(value: Any, twice: int) -> None:
    """Wherever it stands, whatever texts hold; the naive twin is a parser that keeps all pairs. Others are let through."""
    require_keys_once(json.dumps(value).encode(), value)
    text, left = written(value, twice)
    body = text.encode()
    if left < 0:
        with pytest.raises(Refused, match="stands twice in one object"):
            require_keys_once(body, json.loads(body))
    else:
        require_keys_once(body, json.loads(body))


@pytest.mark.parametrize(
    ("door", "body"),
    [
        ("plain", '{"rows": [{"length": 1, "length": 2}]}'),
        ("plain", '{"rows": [{"length": 1}], "rows": [{"length": 2}]}'),
        ("explain", '{"rows": [{"colour": "a:b", "colour": "c"}]}'),
        ("oip", '{"inputs": [{"name": "length", "name": "petals", "datatype": "FP64", "shape": [1], "data": [1]}]}'),
        ("openai-chat", '{"messages": [{"role": "user", "content": "a", "content": "b"}]}'),
    ],
)
def test_which_of_two_values_is_meant_is_not_guessed(answering: Answering, door: str, body: str) -> None:
    """Of no protocol."""
    (answer,) = answering.step([Ask(5, door, body.encode())])
    assert answer.status == 400 and "stands twice in one object" in str(json.loads(answer.body)["error"])


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
