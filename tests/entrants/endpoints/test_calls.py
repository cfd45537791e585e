"""Calls and their keys."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.core.digests import canonical_json
from concours.core.errors import ContestError
from concours.entrants.endpoints.calls import Call, chat, completion

URL = "http://h/v1/chat/completions"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text().filter(lambda n: n not in ("n", "stream", "best_of")), VALUES), st.integers(0, 99))
def test_a_key_is_the_digest_of_the_canonical_request(body, sample):
    """The key is what anybody can compute from url, body and sample; the order of keys does not count."""
    whole = canonical_json({"url": URL, "body": body, "sample": sample})
    turned = dict(reversed(body.items()))
    assert Call(URL, body, sample).key == Call(URL, turned, sample).key == "sha256:" + hashlib.sha256(whole).hexdigest()


def test_samples_addresses_and_parameters_have_keys_of_their_own():
    """What may be answered differently is never one key."""
    body = chat("m", [{"role": "user", "content": "?"}], temperature=1, stop=None)
    others = [{**body, "model": "n"}, {**body, "temperature": 0}]
    calls = [Call(URL, body), Call(URL, body, 1), Call(URL[:-1], body), *(Call(URL, other) for other in others)]
    assert len({call.key for call in calls}) == 5
    assert "stop" not in body
    assert completion("m", "Once", echo=True) == {"model": "m", "prompt": "Once", "echo": True}


@pytest.mark.parametrize(("name", "value"), [("stream", True), ("n", 2), ("best_of", 3)])
def test_what_would_not_be_one_whole_answer_is_refused(name, value):
    """Several answers and streams are refused where they are written."""
    with pytest.raises(ContestError, match=f"{name} = .*leave `{name}` out"):
        Call(URL, {"model": "m", name: value})
    assert Call(URL, {"model": "m", "n": 1, "stream": False}).sent == b'{"model":"m","n":1,"stream":false}'


def test_what_is_no_json_is_told():
    """NaN and objects have no JSON form."""
    for value in (float("nan"), object()):
        with pytest.raises(ContestError, match="has no JSON form"):
            _ = Call(URL, {"model": "m", "temperature": value}).key
