"""A gateway as its callers meet it: who answers, what it costs, and what is refused in which words."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest
from gateways import ask, key, part, says, stream

from concours.testing.endpoints import Answer, chat

CHAT = "/v1/chat/completions"
TOKENS = {"input": 1, "output": 2}


def spent(gateway, name="ada"):
    return next(row for row in gateway.ledger.budgets() if row["key"] == name)


# Who answers


@pytest.mark.parametrize(
    ("word", "who"),
    [("best", "good"), ("qa", "good"), ("cheap", "fair"), ("qa:cheap", "fair"), ("fast", "fair"), ("poor", "poor")],
)
def test_who_answers(gateway, word, who):
    """The best by its score; the cheapest and the quickest of those that are about as good; or who is named."""
    found = gateway(
        {name: says(name) for name in ("good", "fair", "poor")},
        good={"score": 0.9, "price": {"request": 0.01}, "seconds": 2},
        fair={"score": 0.89, "price": {"request": 0.001}, "seconds": 1},
        poor={"score": 0.5, "price": {"request": 0.0001}, "seconds": 0.1},
        settings={"alike": 0.05},
    )
    answer = found.post(CHAT, json=ask(model=word))
    assert answer.json()["choices"][0]["message"]["content"] == who
    assert answer.headers["concours-offer"] == who
    row = found.ledger.request("ada", answer.headers["concours-request"])
    assert (row["offer"], row["chosen"], row["state"]) == (who, who, "settled")


def test_exploration_is_drawn_with_the_probability_that_is_written(gateway):
    """Another than the best is asked for a share of requests; its propensity stands in the books."""
    draws = iter([0.999, 0.0])
    found = gateway(
        {"good": says("good"), "poor": says("poor")},
        good={"score": 0.9},
        poor={"score": 0.5, "price": {"request": 1}},
        settings={"exploration": 0.2},
        drawn=lambda: next(draws),
    )
    seen = {}
    for _ in range(2):
        answer = found.post(CHAT, json=ask())
        row = found.ledger.request("ada", answer.headers["concours-request"])
        seen[row["chosen"]] = row["propensity"]
        assert sum(json.loads(row["considered"]).values()) == pytest.approx(1)
    assert seen["poor"] == pytest.approx(0.05)
    assert seen["good"] == pytest.approx(0.95)


FAULTS = {
    "an error": Answer(status=500),
    "no key": Answer(status=401),
    "dropped": Answer(fault="drop"),
    "no JSON": Answer(b"no json"),
    "cut": Answer(chat(""), fault="cut"),
    "no HTTP": Answer(b"rubbish", fault="bare"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_goes_on_to_the_next(gateway, fault):
    """One that fails in any way is left for the next, which alone is paid for."""
    found = gateway(
        {"good": lambda _: fault, "fair": says("fair")},
        good={"score": 0.9, "price": {"request": 5}},
        fair={"score": 0.8, "price": {"request": 3}},
    )
    assert found.post(CHAT, json=ask()).headers["concours-offer"] == "fair"
    assert found.ends["good"].count == 1
    assert (spent(found)["spent"], spent(found)["reserved"]) == (3 * 10**12, 0)


def test_nobody_answers(gateway, caplog):
    """One line with who failed and why, nothing charged, and no secret said or logged."""
    found = gateway(
        {"good": lambda _: Answer(status=500), "gone": says("")}, gone={"score": 0.5, "url": "http://127.0.0.1:9/v1"}
    )
    answer = found.post(CHAT, json=ask())
    assert answer.status_code == 503
    told = answer.json()["error"]["message"]
    assert told == "no offer answered: good answered with status 500, gone cannot be reached"
    assert spent(found)["reserved"] == 0
    assert "sk-" not in caplog.text


def test_a_slow_one_is_hedged_and_paid_once(gateway):
    """After its own 95th percentile a second is asked beside it; the caller pays the one that answered."""
    slow = threading.Event()

    def good(asked):
        return Answer(chat("good"), delay_s=5.0 if slow.is_set() else 0.0)

    found = gateway(
        {"good": good, "fair": says("fair")},
        fair={"score": 0.8, "price": {"request": 3}},
        good={"price": {"request": 5}},
    )
    for _ in range(20):
        assert found.post(CHAT, json=ask()).headers["concours-offer"] == "good"
    slow.set()
    answer = found.post(CHAT, json=ask())
    assert answer.headers["concours-offer"] == "fair"
    assert answer.headers["concours-cost"] == "3.00"
    assert spent(found)["spent"] == 103 * 10**12
    assert spent(found)["reserved"] == 0


def test_too_slow(gateway):
    """An endpoint that says nothing for as long as its limit says is left."""
    found = gateway({"good": lambda _: Answer(fault="hang")}, good={"limits": {"seconds": 0.1}})
    assert found.post(CHAT, json=ask()).json()["error"]["message"].endswith("good did not answer within 0.1 s")


# What it costs


def test_64_clients_do_not_overrun(gateway):
    """Sixty-four clients at once, a budget for a hundred answers: a hundred are given, to the unit."""
    found = gateway({"good": says("good")}, good={"price": {"request": 0.01}}, keys=[key(budget=1.0)])
    with (
        httpx.Client(
            base_url=found.url, headers=found.client.headers, limits=httpx.Limits(max_connections=64)
        ) as client,
        ThreadPoolExecutor(64) as pool,
    ):
        told = [answer.status_code for answer in pool.map(lambda _: client.post(CHAT, json=ask()), range(130))]
    assert sorted(set(told)) == [200, 402]
    assert told.count(200) == 100
    assert (spent(found)["spent"], spent(found)["reserved"]) == (10**12, 0)


@pytest.mark.parametrize(
    ("tokens", "counting", "paid"),
    [
        ((10, 5), "told", (10, 5)),
        ((10**9, 10**9), "over", None),
        ((-5, "many"), "bound", None),
        ((True, 2.5), "bound", None),
        ((None, None), "bound", None),
        ((0, 0), "told", (0, 0)),
    ],
)
@pytest.mark.parametrize("streams", [False, True])
def test_tokens_that_an_endpoint_tells(gateway, tokens, counting, paid, streams):
    """A true count is paid; one that bytes do not allow, or that is none, is bounded by bytes, and marked in the books."""
    usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}
    content = "Paris is where it is"
    whole = Answer({**chat(content), "usage": usage})
    found = gateway(
        {
            "good": lambda asked: (
                stream(part(content), {**part(""), "choices": [], "usage": usage}) if streams else whole
            )
        },
        good={"price": TOKENS},
    )
    answer = found.post(CHAT, json=ask(stream=streams, max_tokens=50))
    assert content in answer.text
    row = found.ledger.request("ada", answer.headers["concours-request"])
    assert (row["counting"], row["state"]) == (counting, "settled")
    if paid:
        assert (row["tokens_in"], row["tokens_out"]) == paid
    else:
        assert len(content) <= row["tokens_out"] <= 50
        assert len(json.dumps(ask())) <= row["tokens_in"] <= 300
    assert row["cost"] == (row["tokens_in"] + 2 * row["tokens_out"]) * 10**6 <= row["reserved"]


def test_a_limit_of_tokens_is_named_where_none_is(gateway):
    """What is reserved is what can come: an endpoint is told a limit where the caller names none."""
    bodies = []
    found = gateway(
        {"good": lambda asked: bodies.append(asked.body) or Answer(chat("x"))},
        good={"price": TOKENS, "limits": {"tokens": 77}},
    )
    found.post(CHAT, json=ask())
    found.post(CHAT, json=ask(max_completion_tokens=5))
    assert [body.get("max_tokens") for body in bodies] == [77, None]
    assert {body["model"] for body in bodies} == {"good-1"}


def test_the_callers_budget_of_a_request(gateway):
    """Who costs more at worst than the caller allows is not asked; if that are all, it is said what one costs."""
    found = gateway(
        {"good": says("good"), "fair": says("fair")},
        good={"price": {"request": 5}},
        fair={"score": 0.8, "price": {"request": 3}},
    )
    assert found.post(CHAT, json=ask(), headers={"concours-budget": "4"}).headers["concours-offer"] == "fair"
    answer = found.post(CHAT, json=ask(), headers={"concours-budget": "2.5"})
    assert answer.status_code == 402
    assert "this request may cost 3.00, and 2.50 may be spent on it" in answer.text


def test_answers_are_kept_where_the_caller_allows(gateway):
    """The same content is answered from memory, at no cost, to the same key, and only if it says so."""
    found = gateway({"good": says("good")}, good={"price": {"request": 5}}, keys=[key(), key("eve", "sk-of-eve")])
    old = {"cache-control": "max-age=60"}
    first = found.post(CHAT, json=ask(), headers=old)
    again = found.post(CHAT, json=dict(reversed(ask().items())), headers=old)
    assert again.json() == first.json()
    assert again.headers["concours-cost"] == "0.00"
    assert found.ends["good"].count == 1
    found.post(CHAT, json=ask())
    found.post(CHAT, json=ask("another"), headers=old)
    found.post(CHAT, json=ask(), headers=old | {"authorization": "Bearer sk-of-eve"})
    assert found.ends["good"].count == 4
    found.post(CHAT, json=ask("third", cache=True))
    assert found.post(CHAT, json=ask("third", cache=True)).headers["age"] == "0"
    assert found.ends["good"].count == 5
    assert spent(found)["spent"] == 4 * 5 * 10**12


def test_an_id_is_answered_and_paid_once(gateway):
    """A request that comes again under its id has the same answer at no cost; another request under it is refused."""
    found = gateway({"good": says("good")}, good={"price": {"request": 5}})
    named = {"idempotency-key": "one"}
    first, again = (found.post(CHAT, json=ask(), headers=named) for _ in range(2))
    assert first.json() == again.json()
    assert found.ends["good"].count == 1
    assert spent(found)["spent"] == 5 * 10**12
    assert found.post(CHAT, json=ask("another"), headers=named).status_code == 409


# Streams


def test_a_stream_passes(gateway):
    """Its parts come as they are; the usage that only the gateway wanted is taken out, and stays where the caller did."""
    found = gateway({"good": says("Paris is there")}, good={"price": TOKENS})
    text = found.post(CHAT, json=ask(stream=True)).text
    assert "usage" not in text
    assert text.endswith("data: [DONE]\n\n")
    assert '"usage"' in found.post(CHAT, json=ask(stream=True, stream_options={"include_usage": True})).text
    assert [row["tokens_out"] for row in found.ledger.usage()] == [10]


@pytest.mark.parametrize("fault", ["cut", ""])
def test_half_a_stream(gateway, fault):
    """What came is passed on and paid, then the caller is told that it broke off."""
    found = gateway(
        {"good": lambda _: stream(part("Paris"), part(" is"), part(" x" * 99), done=False, fault=fault)},
        good={"price": TOKENS},
    )
    text = found.post(CHAT, json=ask(stream=True)).text
    assert "Paris" in text
    assert "[DONE]" not in text
    assert json.loads(text.strip().rpartition("data: ")[2])["error"]["message"].startswith("offer good ")
    row = found.ledger.usage()[0]
    assert 5 <= row["tokens_out"] <= 220
    assert spent(found)["reserved"] == 0


def test_a_caller_that_leaves_a_stream(gateway):
    """What had come is billed, and nothing stays reserved."""
    found = gateway({"good": says("word " * 20_000)}, good={"price": TOKENS, "limits": {"tokens": 100}})
    with found.client.stream("POST", CHAT, json=ask(stream=True)) as answer:
        next(answer.iter_lines())
    for _ in range(100):
        if not spent(found)["reserved"]:
            break
        threading.Event().wait(0.02)
    assert found.ledger.usage()[0]["under_way"] == 0
    assert spent(found)["reserved"] == 0
    assert spent(found)["spent"] > 0


# What is refused

WRONG = [
    (b"", 400, "no JSON"),
    (b"{", 400, "no JSON"),
    (b"\xff", 400, "no JSON"),
    (b"[" * 100_000, 400, "no JSON"),
    (b"[]", 400, "must be a JSON object"),
    (b"{}", 400, "model must be"),
    (b'{"model": 3, "messages": []}', 400, "model must be"),
    (b'{"model": "best"}', 400, "messages is missing"),
    (json.dumps(ask(model="bset")).encode(), 404, "did you mean 'best'?"),
    (json.dumps(ask(model="other:best")).encode(), 404, "no model"),
    (json.dumps(ask(stream="yes")).encode(), 400, "true or false"),
    (json.dumps(ask(stream=True, stream_options=[1])).encode(), 400, "stream_options must be"),
    (json.dumps(ask(max_tokens=-1)).encode(), 400, "max_tokens must be a whole number"),
    (json.dumps(ask(max_tokens=1e9)).encode(), 400, "max_tokens must be a whole number"),
    (json.dumps(ask(n=0)).encode(), 400, "n must be a whole number"),
]


def test_wrong_requests(gateway):
    """One clear line in the form of the protocol, and nobody is asked."""
    found = gateway({"good": says("good")})
    for content, status, told in WRONG:
        answer = found.post(CHAT, content=content)
        assert (answer.status_code, told in answer.json()["error"]["message"]) == (status, True), answer.text
        assert "\n" not in answer.json()["error"]["message"]
    for head in (
        {"idempotency-key": "x" * 201},
        {"concours-budget": "much"},
        {"concours-budget": "-1"},
        {"concours-budget": "NaN"},
    ):
        assert found.post(CHAT, json=ask(), headers=head).status_code == 400
    assert found.post(CHAT, content=b"", headers={"content-encoding": "gzip"}).status_code == 415
    assert found.ends["good"].count == 0


def test_who_may_ask(gateway):
    """No key, an unknown one, one without scope, one without budget, one that asks too often."""
    keys = [key(), key("poor", "p", budget=0), key("narrow", "n", scopes=["fair"]), key("quick", "q", requests=2)]
    found = gateway(
        {"good": says("good"), "fair": says("fair")}, fair={"task": "other"}, good={"price": {"request": 1}}, keys=keys
    )

    def status(secret, word="good"):
        head = {"authorization": f"Bearer {secret}"} if secret else {"authorization": ""}
        return found.post(CHAT, json=ask(model=word), headers=head)

    assert [status(secret).status_code for secret in ("", "wrong")] == [401, 401]
    assert status("p").status_code == 402
    assert status("p", "fair").status_code == 200
    assert [status("n", word).status_code for word in ("good", "qa", "fair", "best")] == [403, 403, 200, 200]
    assert "say other:best or qa:best" in status("sk-of-ada", "best").text
    assert [status("q").status_code for _ in range(3)] == [200, 200, 429]
    assert 1 <= int(status("q").headers["retry-after"]) <= 60


def test_limits_of_offers(gateway):
    """An offer that can take no more is passed over; if all can, the caller is told when to come again."""
    found = gateway(
        {"good": says("good"), "fair": says("fair")},
        good={"limits": {"requests": 1}},
        fair={"score": 0.8, "limits": {"requests": 1}},
    )
    assert [found.post(CHAT, json=ask()).headers.get("concours-offer") for _ in range(2)] == ["good", "fair"]
    answer = found.post(CHAT, json=ask())
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


def test_what_the_endpoint_refuses(gateway, monkeypatch):
    """What is wrong with the request the endpoint says itself, without its key, and nothing is charged."""
    monkeypatch.setenv("GOOD_KEY", "sk-secret")
    found = gateway(
        {
            "good": lambda _: Answer(b'{"error": {"message": "no such tool, sk-secret"}}', status=422),
            "fair": says("fair"),
        },
        good={"key_env": "GOOD_KEY", "price": {"request": 1}},
        fair={"score": 0.8},
    )
    answer = found.post(CHAT, json=ask())
    assert (answer.status_code, answer.json()) == (422, {"error": {"message": "no such tool, ***"}})
    assert found.ends["good"].keys == {"Bearer sk-secret"}
    assert spent(found)["spent"] == 0


# What comes back


def test_feedback_changes_who_is_best(gateway):
    """Scores and truths move the belief of the offer that answered, once each; then another is the best."""
    found = gateway(
        {"good": says("yes"), "fair": says("no")},
        good={"quality": {"score": 0.9, "error": 0.1}},
        fair={"quality": {"score": 0.8, "error": 0.1}},
    )
    answers = [found.post(CHAT, json=ask()).headers["concours-request"] for _ in range(15)]
    for id in answers:
        told = found.post("/feedback", json={"request": id, "truth": " no\n"})
        assert told.json()["offer"] == "good"
    assert told.json()["quality"]["mean"] < 0.8
    assert found.post("/feedback", json={"request": id, "score": 1}).status_code == 409
    assert found.post(CHAT, json=ask()).headers["concours-offer"] == "fair"
    assert found.ledger.scores() == {"good": (15, 0.0)}
    for wrong, status in [
        ({"request": "x", "score": 1}, 404),
        ({"request": id}, 400),
        ({"request": id, "score": 7}, 400),
        ({}, 400),
        ({"request": id, "score": "1"}, 400),
    ]:
        assert found.post("/feedback", json=wrong).status_code == status


def test_usage(gateway):
    """Sums by day, key and offer, as a page and as CSV, for the admin alone."""
    found = gateway({"good": says("good")}, good={"price": {"request": 0.25}})
    id = found.post(CHAT, json=ask()).headers["concours-request"]
    found.post("/feedback", json={"request": id, "score": 1})
    assert found.get("/usage").status_code == 401
    admin = {"authorization": "Bearer let-me-see"}
    lines = found.get("/usage.csv", headers=admin).text.splitlines()
    assert lines[0].startswith("day,key,offer,requests")
    assert lines[1].split(",")[1:4] == ["ada", "good", "1"]
    assert ",0.25," in lines[1]
    page = httpx.get(f"{found.url}/usage", auth=("anybody", "let-me-see"))
    assert page.status_code == 200
    assert "What choosing has gained" in page.text


# Stock clients


def test_the_stock_client_of_openai(gateway):
    """Models, chats, streams, completions, embeddings and responses, and errors as its own exceptions."""

    def script(asked):
        return ANSWERS[asked.path.removeprefix("/v1/")](asked)

    found = gateway({"good": script})
    with openai.OpenAI(base_url=f"{found.url}/v1", api_key="sk-of-ada", max_retries=0) as client:
        assert {model.id for model in client.models.list()} >= {"good", "qa", "best", "qa:fast"}
        assert client.models.retrieve("best").id == "best"
        said = client.chat.completions.create(model="best", messages=[{"role": "user", "content": "?"}])
        assert said.choices[0].message.content == "Paris"
        parts = client.chat.completions.create(model="best", messages=[{"role": "user", "content": "?"}], stream=True)
        assert "".join(each.choices[0].delta.content or "" for each in parts) == "Parisisthere"
        assert client.completions.create(model="best", prompt="?").choices[0].text == "there"
        assert client.embeddings.create(model="best", input=["a", "b"], encoding_format="float").data[1].embedding == [
            0.5,
            1.0,
        ]
        assert client.responses.create(model="best", input="?").output_text == "Paris"
        kinds = [event.type for event in client.responses.create(model="best", input="?", stream=True)]
        assert kinds == ["response.output_text.delta", "response.completed"]
        with pytest.raises(openai.NotFoundError, match="no model 'other'"):
            client.completions.create(model="other", prompt="?")
    with (
        openai.OpenAI(base_url=f"{found.url}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.models.list()


RESPONSE = {
    "id": "r", "object": "response", "created_at": 0, "model": "m", "status": "completed", "parallel_tool_calls": True,
    "tool_choice": "auto", "tools": [], "usage": {"input_tokens": 3, "output_tokens": 1, "total_tokens": 4,
    "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}},
    "output": [{"id": "o", "type": "message", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "Paris", "annotations": []}]}],
}  # fmt: skip
DELTA = {
    "type": "response.output_text.delta",
    "item_id": "o",
    "output_index": 0,
    "content_index": 0,
    "delta": "Paris",
    "sequence_number": 1,
    "logprobs": [],
}
ANSWERS = {
    "chat/completions": lambda asked: says("Paris is there" if asked.body.get("stream") else "Paris")(asked),
    "completions": lambda asked: Answer({"id": "1", "object": "text_completion", "created": 0, "model": "m", "choices": [{"index": 0, "text": "there", "finish_reason": "stop"}]}),
    "embeddings": lambda asked: Answer({"object": "list", "model": "m", "data": [{"object": "embedding", "index": n, "embedding": [0.5, 1.0]} for n in range(2)], "usage": {"prompt_tokens": 2, "total_tokens": 2}}),
    "responses": lambda asked: stream(DELTA, {"type": "response.completed", "response": RESPONSE, "sequence_number": 2}, done=False) if asked.body.get("stream") else Answer(RESPONSE),
}  # fmt: skip
