"""What an endpoint answered, read strictly: what is not an answer is never taken for one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from concours.entrants.endpoints.counted import counted
from concours.entrants.endpoints.logprobs import Token, tokens_of

Finish = Literal["stop", "length", "refused", "empty", "unknown"]

_FINISHES: Mapping[str, Finish] = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "stop_string"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "model_length"), "length"),
    **dict.fromkeys(("content_filter", "refusal", "safety"), "refused"),
}
_CUT = frozenset(("error", "abort", "aborted", "cancelled", "canceled", "timeout"))
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    Attributes:
        text: what the model said; of a refusal, its words.
        finish: why it ended: by itself (`stop`), at the limit of tokens (`length`), refused by the model or a filter
            (`refused`), by itself without a word (`empty`), or for a reason that the server does not name (`unknown`).
        tokens_in: tokens of the prompt, those from the server's cache among them; None where the server does not say.
        tokens_cached: those from the server's cache.
        tokens_out: tokens of the answer, those of its thinking among them.
        tokens_thought: those of its thinking.
        seconds: from sending to the last byte, of the try that was answered.
        model: the model that the server says it served, which need not be the one asked for; empty where it does not.
        logprobs: a token each, with the prompt's where `echo` was asked for; None where the server gives none.
        raw: the JSON text as it came, without the key, should a server echo that.
    """

    text: str
    finish: Finish
    tokens_in: int | None
    tokens_cached: int | None
    tokens_out: int | None
    tokens_thought: int | None
    seconds: float
    model: str
    logprobs: tuple[Token, ...] | None
    raw: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A call that has no answer.

    Attributes:
        reason: in one line.
        tries: requests that were made for it.
    """

    reason: str
    tries: int


class Unreadable(ValueError):
    """What came is no answer; says why."""


def read(raw: str, seconds: float) -> Reply:
    """Reads the JSON text of a chat or of a completion.

    Raises:
        Unreadable: it is half a JSON, HTML, of another shape, or an answer that was cut.
    """
    return reply_of(document_of(raw), raw, seconds)


def document_of(raw: str) -> Mapping[str, Any]:
    """The JSON object that a server sent.

    Raises:
        Unreadable: it is none.
    """
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise Unreadable(f"no whole JSON: {shown(raw)}") from None
    if not isinstance(document, dict):
        raise Unreadable(f"no JSON object: {shown(raw)}")
    return document


def reply_of(document: Mapping[str, Any], raw: str, seconds: float) -> Reply:
    """Reads the parsed answer; as `read`."""
    choices = document.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        raise Unreadable(f"not one choice, which was asked for: {shown(raw)}")
    choice = choices[0]
    text, refused = _said(choice, raw)
    try:
        logprobs = tokens_of(choice.get("logprobs"))
    except ValueError as error:
        raise Unreadable(str(error)) from None
    finish = _finish(choice.get("finish_reason"), text, refused=refused)
    took, model = counted(document.get("usage")), document.get("model")
    return Reply(
        text,
        finish,
        took.into,
        took.cached,
        took.out,
        took.thought,
        seconds,
        model if isinstance(model, str) else "",
        logprobs,
        raw,
    )


def _said(choice: Mapping[str, Any], raw: str) -> tuple[str, bool]:
    """The text, and whether it is a refusal."""
    if "message" not in choice:
        text = choice.get("text")
        if not isinstance(text, str):
            raise Unreadable(f"a choice without a message or a text: {shown(raw)}")
        return _whole(text), False
    message = choice["message"]
    if not isinstance(message, dict):
        raise Unreadable(f"a message that is no object: {shown(raw)}")
    content, refusal = message.get("content"), message.get("refusal")
    text, refused = _of_parts(content, raw) if isinstance(content, list) else (content, False)
    if isinstance(refusal, str) and refusal:
        return _whole(text if isinstance(text, str) and text else refusal), True
    if text is None and (message.get("tool_calls") or message.get("function_call")):
        raise Unreadable("the model called a tool instead of answering")
    if text is None and choice.get("finish_reason"):
        text = ""
    if not isinstance(text, str):
        raise Unreadable(f"a message whose content is no text: {shown(raw)}")
    return _whole(text), refused


def _of_parts(parts: list[Any], raw: str) -> tuple[str, bool]:
    """The text of a content that is a list of parts; parts that are thinking are not said."""
    texts, refused = [], False
    for part in parts:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in ("text", "output_text") and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif kind == "refusal" and isinstance(part.get("refusal"), str):
            texts.append(part["refusal"])
            refused = True
        elif kind not in ("thinking", "reasoning"):
            raise Unreadable(f"a part of the content that is no text: {shown(raw)}")
    return "".join(texts), refused


def _finish(reason: Any, text: str, *, refused: bool) -> Finish:
    name = reason if isinstance(reason, str) else ""
    if name in _CUT:
        raise Unreadable(f"the server cut the answer ({name})")
    if refused:
        return "refused"
    finish = _FINISHES.get(name, "unknown")
    return "empty" if finish in ("stop", "unknown") and not text.strip() else finish


def _whole(text: str) -> str:
    """Half a character of UTF-16, which no file can hold, becomes the mark for a character that is lost."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def shown(text: str) -> str:
    """The beginning of a text of others, on one line, in quotes."""
    line = " ".join(text[: 4 * _SHOWN].split())
    line = "".join(c if c.isprintable() else "�" for c in line)
    return f'"{line[:_SHOWN]}…"' if len(line) > _SHOWN else f'"{line}"'
