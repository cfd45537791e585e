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


SIZES = st.sampled_from([0, 1, 3, 10**9, 2**31, 2**63 - 1, 2**64, 10**30])


@settings(max_examples=150)
@given(
    name=st.sampled_from(NAMES),
    datatype=st.sampled_from(list(TYPES)),
    shape=st.lists(SIZES, max_size=4),
    raw=st.binary(max_size=24),
    form=st.sampled_from(["values", "bytes", "message"]),
)
def test_rows_that_are_only_declared(answering: Answering, name, datatype, shape, raw, form) -> None:
    """A thousand million of them, or none of so many: memory is for what came, and nothing of it is a defect."""
    tensor: dict[str, Any] = {"name": name, "datatype": datatype, "shape": shape}
    if form == "values":
        told(answering, Ask(6, "oip", json.dumps({"inputs": [{**tensor, "data": list(raw)}]}).encode()))
    elif form == "bytes":
        head = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": len(raw)}}]}).encode()
        told(answering, Ask(6, "oip", head + raw, query={LENGTH: str(len(head))}))
    else:
        tensor["shape"] = [min(size, 2**63 - 1) for size in shape]
        request = MESSAGES["ModelInferRequest"](model_name="m", raw_input_contents=[raw])
        request.inputs.add(**tensor)
        told(answering, Ask(6, "oip-grpc", request.SerializeToString()))


@settings(max_examples=100)
@given(data=st.data())
def test_a_binary_request_that_is_cut_anywhere(answering: Answering, data: Any) -> None:
    """In its head, in its data, or with a length that is off: it is refused, and never answered as another one."""
    row = {"length": (np.float64, "FP64", 1.5), "petals": (np.int64, "INT64", 4), "wild": (np.bool_, "BOOL", True)}
    parts = {name: kind(value).tobytes() for name, (kind, _, value) in row.items()}
    parts["colour"] = (3).to_bytes(4, "little") + b"red"
    inputs = [
        {"name": name, "datatype": row[name][1] if name in row else "BYTES", "shape": [1],
         "parameters": {"binary_data_size": len(part)}}
        for name, part in parts.items()
    ]  # fmt: skip
    head = json.dumps({"inputs": inputs}).encode()
    body = head + b"".join(parts.values())
    assert "outputs" in told(answering, Ask(7, "oip", body, query={LENGTH: str(len(head))}))
    cut = data.draw(st.integers(0, len(body) - 1))
    length = data.draw(st.one_of(st.just(len(head)), st.integers(0, len(body))))
    query = {LENGTH: str(length)}
    assert "error" in told(answering, Ask(7, "oip", body[:cut], query=query))
    if length != len(head):
        assert "error" in told(answering, Ask(7, "oip", body, query=query))


ENCODED = {
    "JSON of 16 bits": ("application/json", '{"rows": [{"length": 1}]}'.encode("utf-16")),
    "JSON with a mark of order": ("application/json", '{"rows": [{"length": 1}]}'.encode("utf-8-sig")),
    "JSON of Latin letters": ("application/json", '{"rows": [{"colour": "grün"}]}'.encode("latin-1")),
    "half a surrogate": ("application/json", b'{"rows": [{"colour": "\\ud800"}]}'),
    "CSV that is none": ("text/csv", bytes(range(256))),
    "a zip that is none": ("application/zip", b"PK\x03\x04"),
    "half a line of JSON": ("application/x-ndjson", b'{"length": 1}\n{"len'),
}


@pytest.mark.parametrize(("type", "body"), ENCODED.values(), ids=ENCODED)
def test_what_is_encoded_otherwise(answering: Answering, type: str, body: bytes) -> None:
    """Than its type says is refused, in a line."""
    assert "error" in told(answering, Ask(8, "plain", body, type=type))


def test_what_is_no_number_is_a_gap(answering: Answering) -> None:
    """Among the bytes of a tensor, as `null` is in JSON, which has no other word for it."""
    row = {"length": None, "petals": 4, "colour": "red", "wild": True}
    gap = told(answering, Ask(9, "plain", json.dumps({"rows": [row]}).encode()))["probabilities"]
    inputs = [
        {"name": "length", "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": 8}},
        {"name": "petals", "datatype": "INT64", "shape": [1], "data": [4]},
        {"name": "colour", "datatype": "BYTES", "shape": [1], "data": ["red"]},
        {"name": "wild", "datatype": "BOOL", "shape": [1], "data": [True]},
    ]
    head = json.dumps({"inputs": inputs}).encode()
    body = told(answering, Ask(9, "oip", head + np.float64(np.nan).tobytes(), query={LENGTH: str(len(head))}))
    assert [each["data"] for each in body["outputs"] if each["name"] == "probabilities"] == gap


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
