"""Chats: `/v1/chat/completions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from concours.serving.doors.openai.asked import (
    Asked,
    flag,
    messages_of,
    require_known,
    sampling,
    streaming,
    whole,
)
from concours.serving.doors.openai.form import At, Events, Form, usage, with_usage
from concours.serving.doors.openai.said import Head, Likely, Piece, Said
from concours.serving.refused import Refused

_MOST: Final = ("max_tokens", "max_completion_tokens")
_KNOWN: Final = (
    "messages", "temperature", "top_p", "seed", "stop", *_MOST, "stream", "stream_options", "logprobs", "top_logprobs",
)  # fmt: skip


def read(body: Mapping[str, Any]) -> Asked:
    """What a chat wants. Raises Refused."""
    require_known(body, _KNOWN)
    top = whole(body, "top_logprobs", 0, 20)
    told = flag(body, "logprobs")
    if top is not None and not told:
        raise Refused("top_logprobs is told with logprobs alone: send logprobs = true beside it")
    return Asked(
        messages=messages_of(body.get("messages"), "messages"),
        likeliest=(top or 0) if told else None,
        **sampling(body, _MOST),
        **streaming(body),
    )


def whole_answer(at: At, said: Said) -> dict[str, Any]:
    """The answer in one piece."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": said.text, "refusal": None},
        "logprobs": _logprobs(at.asked, said.likely),
        "finish_reason": said.finish,
    }
    return {**_head(at.head, "chat.completion"), "choices": [choice], "usage": usage(said)}


def begin(at: At) -> Events:
    """Who speaks."""
    return [_chunk(at.head, {"role": "assistant", "content": ""}, None, None)]


def more(at: At, piece: Piece) -> Events:
    """A piece."""
    return [_chunk(at.head, {"content": piece.text}, _logprobs(at.asked, piece.likely), None)]


def end(at: At, said: Said) -> Events:
    """Why it ended, and what it took."""
    return with_usage([_chunk(at.head, {}, None, said.finish)], _head(at.head, "chat.completion.chunk"), at.asked, said)


def _chunk(head: Head, delta: dict[str, Any], logprobs: Any, finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
    return {**_head(head, "chat.completion.chunk"), "choices": [choice]}


def _head(head: Head, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{head.number}", "object": kind, "created": head.created, "model": head.model}


def _logprobs(asked: Asked, likely: Sequence[Likely]) -> dict[str, Any] | None:
    if asked.likeliest is None:
        return None
    told = [{**_told(each.token, each.logprob), "top_logprobs": [_told(*one) for one in each.top]} for each in likely]
    return {"content": told, "refusal": None}


def _told(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}


CHAT: Final = Form(read=read, whole=whole_answer, begin=begin, more=more, end=end)
