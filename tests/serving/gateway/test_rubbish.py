"""Whatever a caller sends and whatever an endpoint answers: an answer in the form of the protocol, and books that agree."""

from __future__ import annotations

import json

import httpx
from gateways import ask, key, part, says
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from concours.testing.endpoints import Answer, chat

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["content", "role", "text", "usage"]), inner, max_size=2),
    max_leaves=5,
)  # fmt: skip
FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
REQUESTS = st.one_of(
    st.binary(max_size=40),
    st.dictionaries(
        st.sampled_from(
            ["messages", "stream", "max_tokens", "n", "stream_options", "tools", "cache", "prompt", "input"]
        ),
        VALUES,
        max_size=5,
    ).map(lambda body: json.dumps({"model": "best", **body}).encode()),
    st.dictionaries(st.sampled_from(["stream_options", "n", "max_tokens", "prompt", "input"]), VALUES, max_size=2).map(
        lambda body: json.dumps({**ask("x", "best", stream=True), **body}).encode()
    ),
)
HEADS = st.dictionaries(
    st.sampled_from(["cache-control", "concours-budget", "idempotency-key", "content-type", "accept", "inference-header-content-length"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8).map(str.strip),
    max_size=2,
)  # fmt: skip
ANSWERS = st.one_of(
    st.binary(max_size=60).map(lambda content: Answer(content)),
    st.binary(max_size=60).map(lambda content: Answer(content, fault="bare")),
    st.binary(max_size=60).map(lambda content: Answer(content, headers={"Content-Type": "text/event-stream", "Content-Length": ""})),
    st.fixed_dictionaries({"choices": VALUES, "usage": VALUES}).map(lambda content: Answer(json.dumps(content).encode())),
    st.lists(VALUES, max_size=4).map(
        lambda parts: Answer(
            b"".join(b"data: " + json.dumps({**part(""), "choices": each, "usage": each}).encode() + b"\n\n" for each in parts) + b"data: [DONE]\n\n",
            headers={"Content-Type": "text/event-stream", "Content-Length": ""},
        )
    ),
    st.sampled_from([Answer(chat("x"), status=status) for status in (204, 301, 400, 404, 429, 500)]),
    st.sampled_from([Answer(chat("x"), fault=fault) for fault in ("cut", "drop")]),
)  # fmt: skip


def agree(gateway):
    """Nothing is reserved, and the rows sum to what was spent."""
    found = gateway.ledger.budgets()[0]
    assert (found["reserved"], found["spent"]) == (0, sum(row["cost"] for row in gateway.ledger.usage()))


def test_whatever_is_asked(gateway):
    """No request makes a defect; each refusal is one line."""
    found = gateway({"good": says("good")}, good={"price": {"input": 1, "output": 1}}, keys=[key(budget=1)])
    paths = st.sampled_from(
        [
            "/v1/chat/completions",
            "/v1/completions",
            "/v1/embeddings",
            "/v1/responses",
            "/feedback",
            "/v2/models/good/infer",
        ]
    )

    @FEW
    @given(paths, REQUESTS, HEADS)
    def ask_it(path, content, head):
        answer = found.post(path, content=content, headers=head)
        assert answer.status_code in (200, 400, 402, 404, 409, 503), answer.text
        if answer.status_code >= 400:
            told = answer.json()["error"]
            assert "\n" not in (told if isinstance(told, str) else told["message"])

    ask_it()
    agree(found)


def test_whatever_an_endpoint_answers(gateway):
    """Rubbish is no answer: the next one is asked, or the caller is told; and nothing stays reserved."""
    told = [Answer(b"")]
    found = gateway(
        {"good": lambda _: told[0]},
        good={"price": {"input": 1, "output": 1}, "limits": {"seconds": 0.2}},
        keys=[key(budget=1)],
    )

    @FEW
    @given(ANSWERS, st.booleans())
    def answer_it(answer, streams):
        told[0] = answer
        try:
            found_answer = found.post("/v1/chat/completions", json=ask(stream=streams))
        except httpx.RemoteProtocolError:
            raise AssertionError("the stream was not ended") from None
        assert found_answer.status_code in (200, 400, 503), found_answer.text

    answer_it()
    agree(found)
