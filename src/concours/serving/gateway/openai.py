"""OpenAI's protocol at a gateway: reading requests, rewriting them for an offer, and counting what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from concours.serving.gateway.offers import Offer
from concours.serving.gateway.work import Protocol, Sent, Told, Work, count_of
from concours.serving.refused import Refused, as_openai

_AROUND: Final = 16
"""Tokens by which a template surrounds a message, at most."""
_MOST_ANSWERS: Final = 128


@dataclass(frozen=True, kw_only=True)
class _Deed:
    """What is said at one path.

    Attributes:
        asked: the key of what is asked about.
        limits: the keys of the most tokens that come out, the one to write first.
        came: the key of what comes out; None where that are no tokens.
        ends: of a stream, the type of event that ends it; none where that is `[DONE]`.
        many: whether what is asked about may be a list of which each has an answer.
    """

    asked: str
    limits: tuple[str, ...] = ()
    came: str | None = None
    ends: tuple[str, ...] = ()
    many: bool = False


DEEDS: Final[Mapping[str, _Deed]] = {
    "chat/completions": _Deed(asked="messages", limits=("max_tokens", "max_completion_tokens"), came="choices"),
    "completions": _Deed(asked="prompt", limits=("max_tokens",), came="choices", many=True),
    "responses": _Deed(
        asked="input",
        limits=("max_output_tokens",),
        came="output",
        ends=("response.completed", "response.incomplete", "response.failed"),
    ),
    "embeddings": _Deed(asked="input", many=True),
}


def read(path: str, content: bytes) -> tuple[Work, bool]:
    """A request at one of the paths of `DEEDS`, and whether it allows that its answer is kept (`cache`).

    Raises:
        Refused: it is no JSON, or not of the form of OpenAI.
    """
    deed = DEEDS[path]
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"the body is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise Refused("the body must be a JSON object, with model and " + deed.asked)
    word = body.get("model")
    if not isinstance(word, str) or not word:
        raise Refused("model must be the name of an offer, a task, best, cheap or fast")
    if deed.asked not in body:
        raise Refused(f"{deed.asked} is missing")
    streams, keeps = body.get("stream") or False, body.pop("cache", False)
    if not isinstance(streams, bool) or not isinstance(keeps, bool):
        raise Refused("stream and cache must be true or false")
    if not isinstance(body.get("stream_options") or {}, dict):
        raise Refused("stream_options must be an object")
    asked = body[deed.asked]
    several = len(asked) if deed.many and isinstance(asked, list) and not _are_tokens(asked) else 1
    limits = [_whole(body, name, 0, 1 << 31) for name in deed.limits if body.get(name) is not None]
    each = max([_whole(body, name, 1, _MOST_ANSWERS) for name in ("n", "best_of") if body.get(name) is not None] or [1])
    messages = len(asked) if isinstance(asked, list) else 1
    return (
        Work(
            protocol="openai",
            word=word,
            path=path,
            content=content,
            body=body,
            rows=several,
            tokens_in=len(content) + _AROUND * (1 + messages),
            tokens_out=0 if deed.came is None else max(limits) if limits else None,
            answers=several * each,
            streams=streams and deed.came is not None,
        ),
        keeps,
    )


def _are_tokens(value: list[Any]) -> bool:
    return bool(value) and all(type(item) is int for item in value)


def _whole(body: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = body[name]
    if type(value) is not int or not low <= value <= high:
        raise Refused(f"{name} must be a whole number from {low} to {high:,}")
    return value


def _sent(offer: Offer, work: Work) -> Sent:
    """The request with the endpoint's own name of the model, a limit where it has none, and usage at a stream's end."""
    deed, body = DEEDS[work.path], {**work.body, "model": offer.model}
    if work.tokens_out is None and offer.price.output:
        body[deed.limits[0]] = offer.limits.tokens
    if work.streams and not deed.ends:
        body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    return Sent(
        url=f"{offer.base}/{work.path}",
        content=msgspec.json.encode(body),
        head={
            "content-type": "application/json",
            "accept": "text/event-stream" if work.streams else "application/json",
        },
    )


def _told(work: Work, _: Mapping[str, str], content: bytes) -> Told:
    answer = msgspec.json.decode(content)
    deed = DEEDS[work.path]
    if not isinstance(answer, dict) or not isinstance(answer.get(deed.came or "data"), list):
        raise ValueError("it is of another form")  # noqa: TRY004 (of a value of others, as JSON that is none)
    into, out = _usage(answer)
    if deed.came is None:
        return Told(tokens_in=into, tokens_out=0)
    came = answer[deed.came]
    return Told(tokens_in=into, tokens_out=out, text_bytes=text_bytes(came), said=_said(came))


def _usage(answer: Mapping[str, Any]) -> tuple[int | None, int | None]:
    usage = answer.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    into = usage.get("prompt_tokens", usage.get("input_tokens"))
    return count_of(into), count_of(usage.get("completion_tokens", usage.get("output_tokens")))


def text_bytes(value: Any) -> int:
    """The bytes of all texts within a JSON value, those of keys aside; no tokeniser makes more tokens of them."""
    total, left = 0, [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            total += len(each.encode("utf-8", "surrogatepass"))
        elif isinstance(each, dict):
            left += each.values()
        elif isinstance(each, list):
            left += each
    return total


def _said(came: list[Any]) -> str | None:
    """The text of an answer that has one alone."""
    if len(came) != 1 or not isinstance(came[0], dict):
        return None
    message, parts = came[0].get("message"), came[0].get("content")
    if isinstance(parts, list):
        message = {"content": parts[0].get("text")} if len(parts) == 1 and isinstance(parts[0], dict) else None
    text = message.get("content") if isinstance(message, dict) else came[0].get("text")
    return text if isinstance(text, str) else None


class Meter:
    """Counts a stream as it passes.

    Args:
        work: what was asked.
    """

    def __init__(self, work: Work) -> None:
        self._deed = DEEDS[work.path]
        self._usage_wanted = bool((work.body.get("stream_options") or {}).get("include_usage"))
        self._told: tuple[int | None, int | None] = (None, None)
        self._bytes = 0
        self._said: list[str] = []
        self.ended = False

    def passes(self, event: bytes) -> bool:
        """Counts an event, as it came; whether it goes on to the caller."""
        data = b"\n".join(line[5:].strip() for line in event.splitlines() if line.startswith(b"data:"))
        if data == b"[DONE]":
            self.ended = True
            return True
        try:
            value = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._bytes += len(data)  # it goes on as it is, and pays no less than it is long
            return True
        if not isinstance(value, dict):
            return True
        self._count(value)
        return bool(value.get("choices") != [] or self._usage_wanted or "usage" not in value)

    def _count(self, value: Mapping[str, Any]) -> None:
        if value.get("type") in self._deed.ends:
            self.ended = True
        response = value.get("response")
        usage = _usage(response if isinstance(response, dict) else value)
        self._told = tuple(new if new is not None else old for new, old in zip(usage, self._told, strict=True))  # type: ignore[assignment]
        came = value.get("choices") if not self._deed.ends else value.get("delta")
        self._bytes += text_bytes(came)
        for choice in came if isinstance(came, list) else [{"text": came}]:
            part = choice.get("delta", choice) if isinstance(choice, dict) else {}
            text = part.get("content", part.get("text")) if isinstance(part, dict) else None
            self._said += [text] if isinstance(text, str) else []

    @property
    def told(self) -> Told:
        """What the stream has said so far."""
        into, out = self._told
        said = "".join(self._said) if self.ended else None
        return Told(tokens_in=into, tokens_out=out, text_bytes=self._bytes, said=said)


OPENAI: Final = Protocol(sent=_sent, told=_told, refusal=as_openai)
