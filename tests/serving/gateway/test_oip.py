"""Open Inference through a gateway: the stock client, JSON and binary, and what is refused."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from gateways import SECRET, key

from concours.testing.endpoints import Answer

INFER = "/v2/models/best/infer"
HEAD = {"authorization": f"Bearer {SECRET}"}


def endpoint(asked):
    """Says how many rows came, as numbers, and the label of each as text; in binary, as tritonclient asks for it."""
    if not asked.path.endswith("/infer"):
        return Answer({"name": "m", "platform": "x", "path": asked.path})
    length = int(asked.headers.get("inference-header-content-length", len(asked.content)))
    said = json.loads(asked.content[:length])
    rows = said["inputs"][0]["shape"][0]
    labels = b"".join(struct.pack("<I", 1) + b"7" for _ in range(rows))
    outputs = [
        {"name": "p", "datatype": "FP32", "shape": [rows, 2], "parameters": {"binary_data_size": 8 * rows}},
        {"name": "label", "datatype": "BYTES", "shape": [rows, 1], "parameters": {"binary_data_size": len(labels)}},
    ]
    if length == len(asked.content):
        outputs = [{**outputs[1], "parameters": {}, "data": ["7"] * rows}]
        return Answer({"model_name": "m", "outputs": outputs})
    head = json.dumps({"model_name": "m", "outputs": outputs}).encode()
    content = head + np.full((rows, 2), 0.5, np.float32).tobytes() + labels
    headers = {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"}
    return Answer(content, headers=headers)


@pytest.fixture
def start(gateway):
    def started(**how):
        return gateway(
            {"digits": endpoint}, digits={"protocol": "oip", "price": {"row": 0.5}, **how.pop("digits", {})}, **how
        )

    return started


def body(*shape):
    return {"inputs": [{"name": "x", "shape": list(shape), "datatype": "FP32", "data": [0.0]}]}


def test_the_stock_client_of_triton(start):
    """Health, metadata, binary tensors there and back, and JSON; rows are paid."""
    client_of = pytest.importorskip("tritonclient.http", reason="tritonclient is not installed")
    found = start()
    address = found.url.removeprefix("http://")
    with client_of.InferenceServerClient(address) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("digits", headers=HEAD)
        assert client.get_model_metadata("qa:best", headers=HEAD)["path"] == "/v2/models/digits-1"
        for binary, row_count in ((True, 3), (False, 2)):
            x = client_of.InferInput("x", [row_count, 4], "FP32")
            x.set_data_from_numpy(np.zeros((row_count, 4), np.float32), binary_data=binary)
            wanted = [client_of.InferRequestedOutput("label", binary_data=binary)]
            answer = client.infer("best", [x], outputs=wanted, headers={**HEAD})
            assert answer.as_numpy("label").ravel().tolist() == ([b"7"] * 3 if binary else ["7"] * 2)
        with pytest.raises(Exception, match="no model 'other'"):
            client.infer("other", [x], headers=HEAD)
    assert [row["rows"] for row in found.ledger.usage()] == [5]
    assert found.ledger.budgets()[0]["spent"] == 5 * 10**12 // 2


@pytest.mark.parametrize("binary", [False, True])
def test_the_truth_of_one_row(start, binary):
    """The label of one row is compared with the truth."""
    found = start()
    head = {}
    content = json.dumps(body(1, 4)).encode()
    if binary:
        head = {"inference-header-content-length": str(len(content))}
        content += b"\0" * 16
    id = found.post(INFER, content=content, headers=head).headers["concours-request"]
    assert found.post("/feedback", json={"request": id, "truth": "7"}).status_code == 200
    assert found.ledger.scores() == {"digits": (1, 1.0)}
    id = found.post(INFER, json=body(2, 4)).headers["concours-request"]
    assert "not one text" in found.post("/feedback", json={"request": id, "truth": "7"}).json()["error"]


def test_versions_go_with_an_offer(start):
    """A version is the endpoint's own, so it goes with the offer's name alone."""
    found = start()
    assert found.get("/v2/models/digits/versions/3").json()["path"] == "/v2/models/digits-1/versions/3"
    assert found.get("/v2/models/best/versions/3").status_code == 400


WRONG = [
    (b"", {}),
    (b"{}", {}),
    (b'{"inputs": []}', {}),
    (b'{"inputs": [{"name": "x", "shape": [-1]}]}', {}),
    (b'{"inputs": [{"name": "x", "shape": [1e3]}]}', {}),
    (b'{"inputs": [{"name": "x", "shape": ["1"]}]}', {}),
    (b'{"inputs": [{"name": "x", "shape": [99999999999999999999]}]}', {}),
    (json.dumps(body(1)).encode(), {"inference-header-content-length": "99999"}),
    (json.dumps(body(1)).encode(), {"inference-header-content-length": "-1"}),
    (json.dumps(body(1)).encode(), {"inference-header-content-length": "9"}),
    (json.dumps(body(1)).encode(), {"inference-header-content-length": "x"}),
    (b"[" * 10**6, {}),
]


def test_wrong_requests(start):
    """One line in the form of the protocol; nobody is asked, nothing is charged. A billion rows are too dear, not too many."""
    found = start(keys=[key(budget=10)])
    for content, head in WRONG:
        answer = found.post(INFER, content=content, headers=head)
        assert (answer.status_code, "\n" in answer.json()["error"]) == (400, False), answer.text
    assert found.post(INFER, json=body(10**9)).status_code == 402
    assert found.post(INFER, json=body(20)).status_code == 200
    assert found.post(INFER, json=body(1)).status_code == 402
    assert found.post("/v2/models/best/infer/more", json=body(1)).json()["error"].startswith("nothing answers POST")
    for path in ("/v2/models/best/infer", "/v1/chat/completions"):
        told = found.get(path)
        assert (told.status_code, told.headers.get("allow")) == (405, "POST")
    assert found.get("/v1/nothing").json()["error"]["type"] == "not_found_error"
    assert found.ledger.budgets()[0]["spent"] == 10 * 10**12


def test_without_a_limit_money_does_not_overflow(start):
    """A key without a limit spends up to what 64 bits hold, exactly, and no further."""
    found = start(digits={"price": {"row": 100_000}})
    told = [found.post(INFER, json=body(10)).status_code for _ in range(10)]
    assert told == [200] * 8 + [402] * 2
    assert found.post(INFER, json=body(11)).status_code == 402
    assert found.ledger.budgets()[0]["spent"] == 8 * 10**18
