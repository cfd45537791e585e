"""Tokens that an answer says it took, whichever way the server counts them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Tokens(NamedTuple):
    """Tokens of one answer. Cached ones are among those that went in, thought ones among those that came out.

    Each is None where the server does not say it, or says what cannot be.
    """

    into: int | None = None
    cached: int | None = None
    out: int | None = None
    thought: int | None = None


NONE = Tokens()


def counted(usage: Any) -> Tokens:
    """The tokens of a `usage` object.

    OpenAI counts cached tokens in the prompt and reasoning in the completion. Anthropic counts what is read from its
    cache or written to it beside `input_tokens`; some servers count reasoning beside the completion, which their total
    tells. Both are brought to OpenAI's way. Counts that contradict one another are no counts.
    """
    if not isinstance(usage, dict):
        return NONE
    if "prompt_tokens" not in usage and "input_tokens" in usage:
        return _disjoint(usage)
    into, out = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    if into is None or out is None:
        return NONE
    cached = _part(usage, "prompt_tokens_details", "cached_tokens")
    if not cached:
        cached = _count(usage, "prompt_cache_hit_tokens") or cached
    thought = _part(usage, "completion_tokens_details", "reasoning_tokens")
    if thought and _count(usage, "total_tokens") == into + out + thought:
        out += thought
    if (cached or 0) > into or (thought or 0) > out:
        return NONE
    return Tokens(into, cached or 0, out, thought or 0)


def _disjoint(usage: Mapping[str, Any]) -> Tokens:
    fresh, out = _count(usage, "input_tokens"), _count(usage, "output_tokens")
    if fresh is None or out is None:
        return NONE
    read = _count(usage, "cache_read_input_tokens") or 0
    return Tokens(fresh + read + (_count(usage, "cache_creation_input_tokens") or 0), read, out, 0)


def _part(usage: Mapping[str, Any], details: str, name: str) -> int | None:
    inner = usage.get(details)
    return _count(inner, name) if isinstance(inner, dict) else None


def _count(usage: Mapping[str, Any], name: str) -> int | None:
    value = usage.get(name)
    return value if type(value) is int and value >= 0 else None
