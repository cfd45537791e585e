"""A contest file as plain values: texts, numbers, truth values, lists and tables, none of them beyond measure."""

from __future__ import annotations

import codecs
import math
import tomllib
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from concours.core.errors import ContestError
from concours.core.visible import shortened
from concours.tasks.readers.damage import existing

_MOST_BYTES = 1 << 22
_DEEPEST = 16
_LABELS = ("task.positive", "task.classes", "task.labels")
"""Keys whose numbers are names: they may be as long as any."""


def read_toml(path: Path, *, moments: bool = False) -> dict[str, Any]:
    """The content of a TOML file.

    Args:
        moments: whether keys may hold a moment, a date and a time with an offset from UTC.

    Raises:
        ContestError: the file is missing, too large or not TOML; or it holds a date, a number that is not finite or
            beyond 64 bits, or tables within tables without end, which no key takes.
    """
    text = _text(path)
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        why = "lists or tables lie too deeply within one another" if isinstance(error, RecursionError) else str(error)
        raise ContestError(f"{path.name} is not TOML: {shortened(why.partition(chr(10))[0], 200)}") from None
    for where, value in _values(content, path.name):
        if moments and isinstance(value, (date, time)):
            _check_moment(where, value)
        else:
            _check(where, value)
    return content


def _text(path: Path) -> str:
    if existing(path).is_dir():
        raise ContestError(f"{path} is a folder; a contest file was expected")
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise ContestError(f"{path} has {size:,} bytes; a contest file was expected, of {_MOST_BYTES:,} at most")
    content = path.read_bytes()
    if content.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ContestError(
            f"{path.name} is not TOML: it begins with a byte order mark; save it as UTF-8 without one (BOM)"
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ContestError(f"{path.name} is not TOML: line {line} is not UTF-8; save it as UTF-8") from None


def _values(content: dict[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    """All that is no table and no list, each with its key; without recursion, for dotted keys nest without end."""
    left: list[tuple[str, Any, int]] = [("", content, 0)]
    while left:
        where, value, depth = left.pop()
        if depth > _DEEPEST:
            raise ContestError(f"{name}: {shortened(where, 80)} lies within more than {_DEEPEST} tables or lists")
        if isinstance(value, dict):
            left += [(f"{where}.{key}" if where else key, inner, depth + 1) for key, inner in value.items()]
        elif isinstance(value, list):
            left += [
                (f"{where} {i}" if isinstance(inner, dict) else where, inner, depth + 1)
                for i, inner in enumerate(value, 1)
            ]
        else:
            yield where, value


def _check_moment(where: str, value: date | time) -> None:
    if not isinstance(value, datetime):
        raise ContestError(f"{where} ({value}) must be a date and a time, as 2027-01-31T12:00:00Z")
    if value.tzinfo is None:
        text = value.isoformat()
        raise ContestError(f"{where} ({text}) has no time zone: write {text}Z for UTC, or an offset as {text}+01:00")


def _check(where: str, value: Any) -> None:
    if isinstance(value, (date, time)):
        raise ContestError(f"{where} is a date or a time ({value}), which no key takes; write it in quotes")
    if isinstance(value, float) and not math.isfinite(value):
        raise ContestError(f"{where} must be a finite number, got {value}")
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63 and not where.startswith(_LABELS):
        raise ContestError(f"{where} must be a number of at most 64 bits, got one of {len(hex(value)) - 2} hex digits")
