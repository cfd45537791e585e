"""A form in which OpenAI's protocol passes words: how a request is read, and how an answer is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from concours.serving.doors.openai.asked import Asked
from concours.serving.doors.openai.said import Head, Piece, Said

_encode: Final = msgspec.json.Encoder().encode
EVENTS: Final = "text/event-stream"
DONE: Final = b"data: [DONE]\n\n"
Events = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Form:
    """A way in which words are asked for and given.

    Attributes:
        read: what a request wants, by its JSON. It raises Refused.
        whole: an answer in one piece.
        begin, more, end: the events of one that comes piece by piece: before the first, of each by its number from 0,
            and after the last.
        close: bytes after all events.
    """

    read: Callable[[Mapping[str, Any]], Asked]
    whole: Callable[[Head, Asked, Said], dict[str, Any]]
    begin: Callable[[Head, Asked], Events]
    more: Callable[[Head, Asked, Piece, int], Events]
    end: Callable[[Head, Asked, Said, int], Events]
    close: bytes = DONE

    def answer(self, head: Head, asked: Asked, said: Said) -> tuple[bytes, str]:
        """The body of an answer that is known as a whole, and its type."""
        if not asked.stream:
            return _encode(self.whole(head, asked, said)), "application/json"
        piece = Piece(said.text, said.likely)
        found = [*self.begin(head, asked), *self.more(head, asked, piece, 0), *self.end(head, asked, said, 1)]
        return events(found) + self.close, EVENTS


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
