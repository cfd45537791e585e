"""A form in which OpenAI's protocol passes words: how a request is read, and how an answer is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from concours.serving.doors.openai.asked import Asked
from concours.serving.doors.openai.said import Head, Piece, Said

_encode: Final = msgspec.json.Encoder().encode
EVENTS: Final = "text/event-stream"
DONE: Final = b"data: [DONE]\n\n"
Events = list[dict[str, Any]]


@dataclass(frozen=True)
class At:
    """Of which answer something is told, what was asked, and how many pieces were told before."""

    head: Head
    asked: Asked
    number: int = 0


@dataclass(frozen=True, kw_only=True)
class Form:
    """A way in which words are asked for and given.

    Attributes:
        read: what a request wants, by its JSON. It raises Refused.
        whole: an answer in one piece.
        begin, more, end: the events of one that comes piece by piece: before the first, of each, and after the last.
        close: bytes after all events.
    """

    read: Callable[[Mapping[str, Any]], Asked]
    whole: Callable[[At, Said], dict[str, Any]]
    begin: Callable[[At], Events]
    more: Callable[[At, Piece], Events]
    end: Callable[[At, Said], Events]
    close: bytes = DONE

    def answer(self, head: Head, asked: Asked, said: Said) -> tuple[bytes, str]:
        """The body of an answer that is known as a whole, and its type."""
        at = At(head, asked)
        if not asked.stream:
            return _encode(self.whole(at, said)), "application/json"
        some = [*self.begin(at), *self.more(at, Piece(said.text, said.likely)), *self.end(replace(at, number=1), said)]
        return events(some) + self.close, EVENTS


def events(some: Iterable[Mapping[str, Any]]) -> bytes:
    """Events as server-sent ones, named by their `type` where they have one."""
    return b"".join(_named(each) + b"data: " + _encode(each) + b"\n\n" for each in some)


def _named(event: Mapping[str, Any]) -> bytes:
    return f"event: {event['type']}\n".encode() if "type" in event else b""


def usage(said: Said) -> dict[str, int]:
    """What an answer took, as chats and completions tell it."""
    return {
        "prompt_tokens": said.tokens_in,
        "completion_tokens": said.tokens_out,
        "total_tokens": said.tokens_in + said.tokens_out,
    }


def with_usage(chunks: Sequence[dict[str, Any]], last: dict[str, Any], asked: Asked, said: Said) -> Events:
    """The chunks of a stream, with one behind that tells what it took, where that is asked for."""
    return [*chunks, {**last, "choices": [], "usage": usage(said)}] if asked.usage else list(chunks)
