"""OpenAI's protocol, asked by the stock client: models of tasks as ones that are talked to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import numpy as np
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours import Result, predict
from concours.serving.app import app_of
from concours.serving.doors.table import FORMS
from concours.serving.keys import Keys
from concours.serving.refused import Refused
from concours.serving.server import Server
from concours.serving.shelf import Shelf
from concours.serving.worker import Spec

from .conftest import Here, Running

KEYS = (
    "messages", "input", "prompt", "role", "content", "type", "text", "temperature", "top_p", "seed", "stop", "stream",
    "max_tokens", "max_output_tokens", "stream_options", "include_usage", "logprobs", "top_logprobs", "n", "tools",
    "response_format", "instructions", "tool_calls", "include",
)  # fmt: skip

ROWS = ["a great day", "an awful one"]


@pytest.fixture(scope="module")
def client(served: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as asked:
        yield asked


def user(text: str) -> list:
    return [{"role": "system", "content": "Classify."}, {"role": "user", "content": text}]


def test_models_are_listed(client: openai.OpenAI) -> None:
    """By the names under which they are asked."""
    assert [each.id for each in client.models.list()] == ["flowers", "numbers", "texts"]
    assert client.models.retrieve("texts").id == "texts"
    with pytest.raises(openai.NotFoundError, match="did you mean 'texts'"):
        client.models.retrieve("text")


@pytest.mark.parametrize("text", ROWS)
def test_the_last_message_is_the_row_and_the_answer_the_prediction(client: openai.OpenAI, texts, text: str) -> None:
    """Whole and in pieces, by chats, completions and responses; what it took is told in words."""
    (label,) = predict(Result.load(texts), [text])
    whole = client.chat.completions.create(model="texts", messages=user(text))
    assert (whole.choices[0].message.content, whole.choices[0].finish_reason) == (label, "stop")
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (len(text.split()), 1)
    more = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = list(client.chat.completions.create(model="texts", messages=user(text), **more))
    assert "".join(each.choices[0].delta.content or "" for each in chunks if each.choices) == label
    assert chunks[-1].usage.total_tokens == len(text.split()) + 1
    assert client.completions.create(model="texts", prompt=text).choices[0].text == label
    told = client.responses.create(model="texts", input=text)
    assert (told.output_text, told.status, told.usage.input_tokens) == (label, "completed", len(text.split()))
    events = list(client.responses.create(model="texts", input=user(text), stream=True))
    assert [each.sequence_number for each in events] == list(range(len(events)))
    assert events[-1].type == "response.completed" and events[-1].response.output_text == label


def test_probabilities_of_classes_are_those_of_predict(client: openai.OpenAI, texts) -> None:
    """As those of tokens, where they are asked for."""
    p = predict(Result.load(texts), [ROWS[0]], proba=True)[0]
    told = client.chat.completions.create(model="texts", messages=user(ROWS[0]), logprobs=True, top_logprobs=5)
    found = {each.token: each.logprob for each in told.choices[0].logprobs.content[0].top_logprobs}
    assert np.allclose(np.exp([found["bad"], found["good"]]), p)
    with pytest.raises(openai.BadRequestError, match="no probabilities"):
        client.chat.completions.create(model="numbers", messages=user("x"), logprobs=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"messages": []}, "at least one message"),
        ({"messages": "hello"}, "at least one message"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "role is 'tool'"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "none is of the role user"),
        ({"messages": [{"content": "x"}]}, "role is None"),
        ({"messages": [1]}, "messages[0] is no object"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "texts alone are read",
        ),
        ({"n": 2}, "one answer is given"),
        ({"max_tokens": 0}, "max_tokens = 0"),
        ({"max_completion_tokens": -1}, "max_completion_tokens = -1"),
        ({"temperature": 3}, "temperature = 3"),
        ({"top_p": 0}, "top_p"),
        ({"top_logprobs": 3}, "send logprobs"),
        ({"stop": ["a", ""]}, "none of them empty"),
        ({"stream": "yes"}, "true or false"),
        ({"frequency_penalty": 1}, "no penalties"),
        ({"tools": [{"type": "function"}]}, "no tools"),
        ({"response_format": {"type": "json_object"}}, "answers are texts"),
        ({"extra_body": {"temprature": 1}}, "did you mean 'temperature'"),
    ],
)
def test_wrong_requests_are_told_in_the_protocols_form(client: openai.OpenAI, change: dict, said: str) -> None:
    """In one line, with what to do."""
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(**{"model": "texts", "messages": user("x"), **change})
    assert said in error.value.body["message"] and "\n" not in error.value.body["message"]
    assert error.value.body["type"] == "invalid_request_error"


@pytest.mark.parametrize("text", ["hi", '{"a": 1}'])
def test_a_table_of_numbers_wants_all_of_its_columns(client: openai.OpenAI, text: str) -> None:
    """A number that is not given is no empty text, to be guessed silently."""
    with pytest.raises(openai.BadRequestError, match="is not enough") as error:
        client.chat.completions.create(model="numbers", messages=user(text))
    assert '{"a": …, "b": …, "c": …, "d": …}' in error.value.body["message"]
    whole = client.chat.completions.create(model="numbers", messages=user('{"a": 1, "b": 0, "c": 0, "d": 1}'))
    assert float(whole.choices[0].message.content)


def test_unknown_models_and_paths_are_told(client: openai.OpenAI) -> None:
    """As errors that the client knows."""
    with pytest.raises(openai.NotFoundError, match="did you mean 'texts'"):
        client.chat.completions.create(model="text", messages=user("x"))
    with pytest.raises(openai.BadRequestError, match="no JSON"):
        client.post("/chat/completions", cast_to=object, content=b"{")
    with pytest.raises(openai.NotFoundError, match="Not Found"):
        client.post("/nothing", cast_to=object, body={})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.sampled_from(["", "user", "auto"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=300)
@given(form=st.sampled_from(sorted(FORMS)), body=st.dictionaries(st.sampled_from(KEYS), JSON, max_size=6))
def test_whatever_is_sent_is_read_or_refused(form: str, body: dict) -> None:
    """In one line; nothing else is raised."""
    try:
        asked = FORMS[form].read(body)
    except Refused as error:
        why = str(error)
    else:
        assert asked.prompt or asked.messages or body["prompt"] in ("", [""])
        assert asked.most is None or asked.most > 0
        return
    assert why and "\n" not in why


def test_who_has_no_token_is_told_in_the_protocols_form(texts) -> None:
    """By models and by chats."""
    keys = Keys.of(("predict=0123456789abcdef",))

    async def work() -> None:
        shelf = Shelf()
        await shelf.put("texts", Here(Spec(run=texts)))
        transport = httpx.ASGITransport(app_of(Server(shelf, keys, Here, texts)))
        async with httpx.AsyncClient(transport=transport) as http:

            def client(key: str) -> openai.AsyncOpenAI:
                return openai.AsyncOpenAI(base_url="http://x/v1", api_key=key, max_retries=0, http_client=http)

            for asked in (
                client("none").models.list(),
                client("x").chat.completions.create(model="texts", messages=[]),
            ):
                with pytest.raises(openai.AuthenticationError, match="a token is wanted"):
                    await asked
            told = await client("0123456789abcdef").chat.completions.create(
                model="texts", messages=user("a\ud7ff \x00 day")
            )
            assert told.choices[0].message.content in ("good", "bad")
            broken = b'{"model": "texts", "messages": [{"role": "user", "content": "\\ud800"}]}'
            head = {"authorization": "Bearer 0123456789abcdef"}
            assert (await http.post("http://x/v1/chat/completions", content=broken, headers=head)).status_code == 400

    asyncio.run(work())
