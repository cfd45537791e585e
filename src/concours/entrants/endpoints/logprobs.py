"""Log-probabilities of tokens, in either form in which servers give them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

_SLACK = 1e-3
"""How far above 0 rounding on a server may bring a log-probability."""


class Token(NamedTuple):
    """A token of an answer: its text, its natural log-probability (None for the first of an echoed prompt), and the
    likeliest ones in its place with theirs, as the server orders them; empty where none were given.
    """

    text: str
    logprob: float | None
    top: tuple[tuple[str, float], ...] = ()


def tokens_of(given: Any) -> tuple[Token, ...] | None:
    """The tokens of a choice's `logprobs`; None where it gives none.

    Raises:
        ValueError: it gives something that no log-probabilities are.
    """
    if given is None or given == {}:
        return None
    if not isinstance(given, dict):
        raise ValueError("`logprobs` is no object")  # noqa: TRY004 - what others sent is wrong
    if isinstance(given.get("content"), list):
        return tuple(_of_chat(entry) for entry in given["content"])
    if isinstance(given.get("tokens"), list):
        return _of_completion(given)
    return None


def _of_chat(entry: Any) -> Token:
    if not isinstance(entry, dict) or not isinstance(entry.get("token"), str):
        raise ValueError("an entry of `logprobs` has no token")  # noqa: TRY004
    above = entry.get("top_logprobs") or ()
    if not isinstance(above, (list, tuple)) or not all(isinstance(each, dict) for each in above):
        raise ValueError("`top_logprobs` is no list of objects")
    return Token(entry["token"], _number(entry.get("logprob")), tuple(_pair(e.get("token"), e) for e in above))


def _pair(text: Any, entry: Mapping[str, Any]) -> tuple[str, float]:
    if not isinstance(text, str):
        raise ValueError("an entry of `top_logprobs` has no token")  # noqa: TRY004
    return text, _number(entry.get("logprob"))


def _of_completion(given: Mapping[str, Any]) -> tuple[Token, ...]:
    texts, numbers, tops = given["tokens"], given.get("token_logprobs"), given.get("top_logprobs")
    if not isinstance(numbers, list) or len(numbers) != len(texts) or not all(isinstance(t, str) for t in texts):
        raise ValueError("`tokens` and `token_logprobs` do not go together")
    if not isinstance(tops, list):
        tops = [None] * len(texts)
    if len(tops) != len(texts) or not all(top is None or isinstance(top, dict) for top in tops):
        raise ValueError("`tokens` and `top_logprobs` do not go together")
    found = []
    for place, (text, number, top) in enumerate(zip(texts, numbers, tops, strict=True)):
        first = place == 0 and number is None
        above = tuple((name, _number(value)) for name, value in (top or {}).items())
        found.append(Token(text, None if first else _number(number), above))
    return tuple(found)


def _number(value: Any) -> float:
    if type(value) not in (int, float) or math.isnan(value) or value > _SLACK:
        raise ValueError(f"{str(value)[:40]!r} is no log-probability")
    return min(float(value), 0.0)
