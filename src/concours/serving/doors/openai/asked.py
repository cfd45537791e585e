"""What a request of OpenAI's protocol asks for, read strictly: what cannot be given is refused, not left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from concours.core.errors import nearest
from concours.serving.doors.keys_once import require_keys_once
from concours.serving.refused import Refused

_decode: Final = msgspec.json.Decoder().decode
_ROLES: Final[Mapping[str, str]] = {name: name for name in ("system", "user", "assistant")} | {"developer": "system"}
_TEXTS: Final = ("text", "input_text", "output_text")
_HARMLESS: Final = frozenset(
    (
        "model",
        "user",
        "store",
        "metadata",
        "service_tier",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_retention",
        "parallel_tool_calls",
    )
)
"""What changes no answer."""
_NOT: Final[Mapping[str, tuple[Collection[Any], str]]] = {
    "n": ((1,), "one answer is given to a request: ask again for another, with another seed"),
    "best_of": ((1,), "one answer is given to a request"),
    "tools": (((),), "no tools are called"),
    "functions": (((),), "no functions are called"),
    "tool_choice": (("none", "auto"), "no tools are called"),
    "response_format": (({"type": "text"},), "answers are texts"),
    "text": (({"format": {"type": "text"}}, {}), "answers are texts"),
    "modalities": ((["text"],), "answers are texts"),
    "audio": ((), "answers are texts"),
    "frequency_penalty": ((0,), "there are no penalties"),
    "presence_penalty": ((0,), "there are no penalties"),
    "logit_bias": (({},), "tokens cannot be favoured"),
    "echo": ((False,), "what was asked is not repeated"),
    "suffix": (("",), "a text is gone on with at its end"),
    "previous_response_id": ((), "nothing is kept of a response: send all messages"),
    "conversation": ((), "nothing is kept of a response: send all messages"),
    "background": ((False,), "a response is given at once"),
    "reasoning": (({},), "no reasoning is told apart"),
    "reasoning_effort": (("none",), "no reasoning is told apart"),
    "include": (((),), "nothing more is told"),
    "truncation": (("disabled",), "nothing of what is asked is left out"),
}
"""What is not offered: the values that ask for nothing (none always does), and why not."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is wanted of a model.

    Attributes:
        messages: of a chat, each with `role` and `content`; none where a text is to be gone on with.
        prompt: that text.
        temperature, top_p, seed: of the chance; none where the model's own hold.
        stop: texts at which an answer ends, without them.
        most: tokens that it has at most; none where the model's own limit holds.
        stream: whether it is wanted piece by piece, and `usage`: with what it took behind.
        likeliest: of each token, so many of the likeliest are told, with their probabilities; none: no probabilities.
    """

    messages: tuple[Mapping[str, str], ...] = ()
    prompt: str = ""
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    most: int | None = None
    stream: bool = False
    usage: bool = False
    likeliest: int | None = None

    @property
    def question(self) -> str:
        """What is asked last. Raises Refused where nothing is."""
        if not self.messages:
            return self.prompt
        asked = [message["content"] for message in self.messages if message["role"] == "user"]
        if not asked:
            raise Refused("messages: none is of the role user, so nothing is asked")
        return asked[-1]


def body_of(content: bytes) -> dict[str, Any]:
    """The JSON of a request. Raises Refused."""
    try:
        found = _decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"the body is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise Refused("the body is no JSON object")
    require_keys_once(content, found)
    return found


def require_known(body: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuses what a protocol does not have, and what is not offered."""
    for name, value in body.items():
        if name in known or name in _HARMLESS or value is None:
            continue
        if name not in _NOT:
            raise Refused(f"{name!r} is not known here; {nearest(name, [*known, *_NOT])}")
        allowed, why = _NOT[name]
        if not any(value == each or (value == [] and each == ()) for each in allowed):
            raise Refused(f"{name} = {_shown(value)}: {why}")


def sampling(body: Mapping[str, Any], most: Sequence[str]) -> dict[str, Any]:
    """How an answer is made, as attributes of `Asked`. Raises Refused.

    Args:
        most: names under which the most tokens of an answer may be given.
    """
    found = {name: number(body, name, 0, 2) for name in ("temperature", "top_p")}
    if found["top_p"] is not None and not 0 < found["top_p"] <= 1:
        raise Refused(f"top_p = {found['top_p']}: a share above 0, up to 1")
    limits = [each for name in most if (each := whole(body, name, 1, 1 << 30)) is not None]
    seed = whole(body, "seed", -(1 << 63), (1 << 63) - 1)
    return {**found, "most": min(limits, default=None), "seed": seed, "stop": _stops(body)}


def streaming(body: Mapping[str, Any]) -> dict[str, Any]:
    """Whether an answer is wanted piece by piece, as attributes of `Asked`. Raises Refused."""
    options = body.get("stream_options") or {}
    if not isinstance(options, dict):
        raise Refused("stream_options must be an object")
    return {"stream": flag(body, "stream"), "usage": flag(options, "include_usage")}


def flag(body: Mapping[str, Any], name: str) -> bool:
    """A truth value; false where it is not given. Raises Refused."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise Refused(f"{name} = {_shown(value)}: true or false")
    return bool(value)


def number(body: Mapping[str, Any], name: str, low: float, high: float) -> float | None:
    """A number between two others; none where it is not given. Raises Refused."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise Refused(f"{name} = {_shown(value)}: a number from {low} to {high}")
    return float(value)


def whole(body: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    """The same of a whole number."""
    value = body.get(name)
    if value is None:
        return None
    if type(value) is not int or not low <= value <= high:
        raise Refused(f"{name} = {_shown(value)}: a whole number, {low} or more" + (f", up to {high}" * (high < 1000)))
    return value


def _stops(body: Mapping[str, Any]) -> tuple[str, ...]:
    value = body.get("stop")
    found = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(found, list) or len(found) > 4 or not all(isinstance(each, str) and each for each in found):
        raise Refused(f"stop = {_shown(value)}: a text, or up to four, none of them empty")
    return tuple(found)


def messages_of(value: Any, name: str) -> tuple[Mapping[str, str], ...]:
    """The messages of a chat, whose contents are texts. Raises Refused."""
    if not isinstance(value, list) or not value:
        raise Refused(f'{name} must be a list of at least one message, {{"role": "user", "content": "…"}}')
    return tuple(_message(each, f"{name}[{place}]") for place, each in enumerate(value))


def _message(value: Any, name: str) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise Refused(f"{name} is no object with role and content")
    role = value.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise Refused(f"{name}: the role is {_shown(role)}, and must be one of {', '.join(_ROLES)}")
    if value.get("type", "message") != "message" or value.get("tool_calls"):
        raise Refused(f"{name}: it is no message of text, and no tools are called")
    return {"role": _ROLES[role], "content": _content(value.get("content"), name)}


def _content(value: Any, name: str) -> str:
    parts = [{"type": "text", "text": value}] if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise Refused(f"{name}: content must be a text, or a list of parts that are texts")
    for part in parts:
        if part.get("type") not in _TEXTS or not isinstance(part.get("text"), str):
            raise Refused(f"{name}: content holds a part of type {_shown(part.get('type'))}; texts alone are read here")
    return "".join(part["text"] for part in parts)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
