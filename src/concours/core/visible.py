"""Texts that somebody else wrote, as they may be shown: what would command a terminal is written out."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
"""Without them some scripts cannot be written."""
_COMMANDS = ("Cc", "Cf", "Cs", "Zl", "Zp")


def visible(text: str, keep: str = "") -> str:
    r"""A text in which nothing moves, hides, colours or turns what stands beside it.

    Control characters, those that turn the direction of a line or have no width, line ends and halves of characters
    (as names of files have that are not UTF-8) are written as Python writes them, `\x1b`, `\u202e`, `\n`.

    Law: a text that has none of them is as it was, and visible(visible(text)) == visible(text).

    Args:
        keep: characters that stay.
    """
    if text.isprintable():
        return text
    return "".join(c if c in keep or not _commands(c) else _escaped(c) for c in text)


def shortened(text: str, most: int = 2000) -> str:
    """A text of at most so many letters; of a longer one the beginning and the end."""
    half = (most - 3) // 2
    return text if len(text) <= most else f"{text[:half]} … {text[-half:]}"


def visible_json(value: Any, **form: Any) -> str:
    """A value as JSON that says the same and holds no character that `visible` would write out, within its lines."""
    text = json.dumps(value, ensure_ascii=False, **form)
    if text.isprintable():
        return text
    return "".join(json.dumps(c)[1:-1] if c != "\n" and _commands(c) else c for c in text)


def _commands(letter: str) -> bool:
    return unicodedata.category(letter) in _COMMANDS and letter not in _JOINERS


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
