"""Responses: `/v1/responses`. Nothing of them is kept, so each brings all of its messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from concours.serving.doors.openai.asked import Asked, messages_of, require_known, sampling, streaming
from concours.serving.doors.openai.form import At, Events, Form
from concours.serving.doors.openai.said import Head, Piece, Said
from concours.serving.refused import Refused

_KNOWN: Final = ("input", "instructions", "temperature", "top_p", "max_output_tokens", "stream", "stream_options")


def read(body: Mapping[str, Any]) -> Asked:
    """What is wanted. Raises Refused."""
    require_known(body, _KNOWN)
    given, before = body.get("input"), body.get("instructions")
    if before is not None and not isinstance(before, str):
        raise Refused("instructions must be a text")
    said = [{"role": "user", "content": given}] if isinstance(given, str) else given
    messages = messages_of(said, "input")
    if before:
        messages = ({"role": "system", "content": before}, *messages)
    return Asked(messages=messages, **sampling(body, ("max_output_tokens",)), **streaming(body))


def whole_answer(at: At, said: Said) -> dict[str, Any]:
    """The answer in one piece."""
    status = "completed" if said.finish == "stop" else "incomplete"
    took = {
        "input_tokens": said.tokens_in,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": said.tokens_out,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": said.tokens_in + said.tokens_out,
    }
    why = None if said.finish == "stop" else {"reason": "max_output_tokens"}
    output = [_message(at.head, status, [_text(said.text)])]
    return {**_response(at.head, at.asked, status), "incomplete_details": why, "output": output, "usage": took}


def begin(at: At) -> Events:
    """That it is under way."""
    empty, part = _response(at.head, at.asked, "in_progress"), {"item_id": f"msg_{at.head.number}", **_PLACE}
    return _numbered(
        [
            {"type": "response.created", "response": empty},
            {"type": "response.in_progress", "response": empty},
            {"type": "response.output_item.added", "output_index": 0, "item": _message(at.head, "in_progress", [])},
            {"type": "response.content_part.added", **part, "part": _text("")},
        ],
        0,
    )


def more(at: At, piece: Piece) -> Events:
    """A piece."""
    told = {"item_id": f"msg_{at.head.number}", **_PLACE, "delta": piece.text, "logprobs": []}
    return _numbered([{"type": "response.output_text.delta", **told}], _BEGUN + at.number)


def end(at: At, said: Said) -> Events:
    """All of it once more, and what it took."""
    whole, part = whole_answer(at, said), {"item_id": f"msg_{at.head.number}", **_PLACE}
    return _numbered(
        [
            {"type": "response.output_text.done", **part, "text": said.text, "logprobs": []},
            {"type": "response.content_part.done", **part, "part": _text(said.text)},
            {"type": "response.output_item.done", "output_index": 0, "item": whole["output"][0]},
            {"type": f"response.{whole['status']}", "response": whole},
        ],
        _BEGUN + at.number,
    )


_BEGUN: Final = 4
"""Events before the first piece."""
_PLACE: Final = {"output_index": 0, "content_index": 0}


def _numbered(events: Events, first: int) -> Events:
    return [{**event, "sequence_number": first + place} for place, event in enumerate(events)]


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _message(head: Head, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": f"msg_{head.number}", "type": "message", "role": "assistant", "status": status, "content": content}


def _response(head: Head, asked: Asked, status: str) -> dict[str, Any]:
    return {
        "id": f"resp_{head.number}",
        "object": "response",
        "created_at": head.created,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": asked.most,
        "model": head.model,
        "output": [],
        "parallel_tool_calls": False,
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "tool_choice": "none",
        "tools": [],
        "metadata": {},
        "usage": None,
    }


RESPONSES: Final = Form(read=read, whole=whole_answer, begin=begin, more=more, end=end, close=b"")
