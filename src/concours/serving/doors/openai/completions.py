"""Going on with a text: `/v1/completions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

from concours.serving.doors.openai.asked import Asked, require_known, sampling, streaming, whole
from concours.serving.doors.openai.form import At, Events, Form, usage, with_usage
from concours.serving.doors.openai.said import Head, Likely, Piece, Said
from concours.serving.refused import Refused

_USUAL: Final = 16
"""Tokens that are gone on with where nobody says how many, as OpenAI has it."""
_KNOWN: Final = (
    "prompt", "temperature", "top_p", "seed", "stop", "max_tokens", "stream", "stream_options", "logprobs",
)  # fmt: skip


def read(body: Mapping[str, Any]) -> Asked:
    """What is wanted. Raises Refused."""
    require_known(body, _KNOWN)
    prompt = body.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str):
        raise Refused("prompt must be a text: one a request, and no tokens")
    how = sampling(body, ("max_tokens",))
    return Asked(
        prompt=prompt, likeliest=whole(body, "logprobs", 0, 20), **{**how, "most": how["most"] or _USUAL},
        **streaming(body),
    )  # fmt: skip


def whole_answer(at: At, said: Said) -> dict[str, Any]:
    """The answer in one piece."""
    return {**_chunk(at.head, at.asked, Piece(said.text, said.likely), said.finish), "usage": usage(said)}


def begin(at: At) -> Events:
    """Nothing."""
    del at
    return []


def more(at: At, piece: Piece) -> Events:
    """A piece."""
    return [_chunk(at.head, at.asked, piece, None)]


def end(at: At, said: Said) -> Events:
    """Why it ended, and what it took."""
    last = _chunk(at.head, at.asked, Piece(""), said.finish)
    return with_usage([last], last, at.asked, said)


def _chunk(head: Head, asked: Asked, piece: Piece, finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "text": piece.text, "logprobs": _logprobs(asked, piece.likely), "finish_reason": finish}
    return {
        "id": f"cmpl-{head.number}",
        "object": "text_completion",
        "created": head.created,
        "model": head.model,
        "choices": [choice],
    }


def _logprobs(asked: Asked, likely: Sequence[Likely]) -> dict[str, Any] | None:
    if asked.likeliest is None or not likely:
        return None
    return {
        "tokens": [each.token for each in likely],
        "token_logprobs": [each.logprob for each in likely],
        "top_logprobs": [dict(each.top) for each in likely],
        "text_offset": list(accumulate((len(each.token) for each in likely[:-1]), initial=0)),
    }


COMPLETIONS: Final = Form(read=read, whole=whole_answer, begin=begin, more=more, end=end)
