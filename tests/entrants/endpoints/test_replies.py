"""Reading what endpoints answer: never a wrong answer."""

from __future__ import annotations

import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.entrants.endpoints.counted import Tokens, counted
from concours.entrants.endpoints.logprobs import Token
from concours.entrants.endpoints.replies import Unreadable, read
from concours.testing.endpoints import chat


def _chat(message, finish="stop", **choice):
    document = {"choices": [{"message": message, "finish_reason": finish, **choice}], "model": "served"}
    return read(json.dumps(document), 0.5)


def test_a_chat_is_read():
    """Text, ending, tokens, time, served model and raw text."""
    raw = json.dumps(chat("Paris", tokens=(7, 2)))
    reply = read(raw, 0.25)
    assert (reply.text, reply.finish, reply.tokens_in, reply.tokens_cached, reply.tokens_out) == (
        "Paris",
        "stop",
        7,
        0,
        2,
    )
    assert (reply.seconds, reply.model, reply.logprobs, reply.raw) == (0.25, "scripted", None, raw)


@pytest.mark.parametrize(
    ("message", "finish", "expected"),
    [
        ({"content": "Par"}, "length", ("Par", "length")),
        ({"content": "", "reasoning_content": "hm"}, "length", ("", "length")),
        ({"content": None}, "length", ("", "length")),
        ({"content": ""}, "stop", ("", "empty")),
        ({"content": " \n"}, "stop", (" \n", "empty")),
        ({"content": None, "refusal": "No."}, "stop", ("No.", "refused")),
        ({"content": "I may not", "refusal": None}, "content_filter", ("I may not", "refused")),
        ({"content": [{"type": "refusal", "refusal": "No."}]}, "stop", ("No.", "refused")),
        ({"content": [{"type": "text", "text": "Pa"}, {"type": "text", "text": "ris"}]}, "stop", ("Paris", "stop")),
        ({"content": [{"type": "thinking", "thinking": "5"}, {"type": "text", "text": "4"}]}, "stop", ("4", "stop")),
        ({"content": "4"}, None, ("4", "unknown")),
        ({"content": "4"}, "end_turn", ("4", "stop")),
        ({"content": "4"}, ["stop"], ("4", "unknown")),
        ({"content": "a\ud83d"}, "stop", ("a�", "stop")),
    ],
)
def test_how_an_answer_ended_is_stated(message, finish, expected):
    """Cut at the limit, refused, empty: each has a word of its own."""
    reply = _chat(message, finish)
    assert (reply.text, reply.finish) == expected


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "no whole JSON"),
        (json.dumps(chat("Paris"))[:60], "no whole JSON"),
        ("<html><body>Bad gateway</body></html>", 'no whole JSON: "<html>'),
        ("[" * 100_000, "no whole JSON"),
        ("[1]", "no JSON object"),
        ("{}", "not one choice"),
        ('{"choices": []}', "not one choice"),
        ('{"choices": [{"text": "a"}, {"text": "b"}]}', "not one choice"),
        ('{"choices": ["a"]}', "not one choice"),
        ('{"choices": [{}]}', "without a message or a text"),
        ('{"choices": [{"text": 5}]}', "without a message or a text"),
        ('{"choices": [{"message": "4"}]}', "no object"),
        ('{"choices": [{"message": {"content": 4}, "finish_reason": "stop"}]}', "no text"),
        ('{"choices": [{"message": {}}]}', "no text"),
        ('{"choices": [{"message": {"content": null, "tool_calls": [{}]}, "finish_reason": "tool_calls"}]}', "tool"),
        ('{"choices": [{"message": {"content": [{"type": "image"}]}, "finish_reason": "stop"}]}', "no text"),
        ('{"choices": [{"message": {"content": "Par"}, "finish_reason": "error"}]}', "cut the answer"),
    ],
)
def test_what_is_no_answer_is_none(raw, reason):
    """Half a JSON, HTML, other shapes: said in one line."""
    with pytest.raises(Unreadable, match=reason) as caught:
        read(raw, 0.0)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


LEAF = st.sampled_from([None, True, 0, 1.5, "stop", "4", "", [], {}])
NAMES = ["choices", "message", "content", "text", "usage", "finish_reason", "logprobs", "tokens", "refusal", "type"]
JSON = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner))


@given(JSON)
def test_any_json_is_an_answer_or_told(value):
    """Whatever a server sends is a reply or one reason, never another exception."""
    for document in (value, {"choices": [value]}, {"choices": [{"message": value}]}):
        with suppress(Unreadable):
            assert isinstance(read(json.dumps(document), 0.0).text, str)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "prompt_tokens": 1000,
                "completion_tokens": 50,
                "prompt_tokens_details": {"cached_tokens": 900},
                "completion_tokens_details": {"reasoning_tokens": 30},
            },
            Tokens(1000, 900, 50, 30),
        ),
        ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": None}, Tokens(10, 0, 5, 0)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 4}, Tokens(10, 4, 5, 0)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 1,
                "total_tokens": 17,
                "completion_tokens_details": {"reasoning_tokens": 7},
            },
            Tokens(9, 0, 8, 7),
        ),
        ({"input_tokens": 100, "cache_read_input_tokens": 900, "output_tokens": 50}, Tokens(1000, 900, 50, 0)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 11}}, Tokens()),
        ({"prompt_tokens": -1, "completion_tokens": 5}, Tokens()),
        ({"prompt_tokens": True, "completion_tokens": 5.0}, Tokens()),
        (None, Tokens()),
        ([], Tokens()),
    ],
)
def test_tokens_are_counted_once(usage, expected):
    """Cached tokens are within the prompt and reasoning within the completion, whoever says it otherwise."""
    assert counted(usage) == expected


def test_log_probabilities_are_read_in_both_forms():
    """Of chats, and of completions with an echoed prompt."""
    top = [{"token": "Par", "logprob": -0.1, "bytes": []}, {"token": "Lon", "logprob": -3}]
    of_chat = _chat({"content": "Par"}, logprobs={"content": [{"token": "Par", "logprob": -0.1, "top_logprobs": top}]})
    assert of_chat.logprobs == (Token("Par", -0.1, (("Par", -0.1), ("Lon", -3.0))),)
    given = {"tokens": ["Is", " it"], "token_logprobs": [None, -2.5], "top_logprobs": [None, {" it": -2.5}]}
    document = {"choices": [{"text": "Is it", "finish_reason": "length", "logprobs": given}]}
    assert read(json.dumps(document), 0).logprobs == (Token("Is", None), Token(" it", -2.5, ((" it", -2.5),)))


@pytest.mark.parametrize("number", [math.nan, 0.7, "x", None, True])
def test_what_is_no_log_probability_is_no_answer(number):
    """A probability above 1, or none, is never scored."""
    with pytest.raises(Unreadable, match="no log-probability"):
        _chat({"content": "a"}, logprobs={"content": [{"token": "a", "logprob": number}]})
