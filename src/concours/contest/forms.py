"""Forms: what a value that somebody wrote must be, in words and as a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from concours.core.errors import ContestError, nearest
from concours.core.visible import shortened

_TOLD = 200


@dataclass(frozen=True)
class Form:
    """What a value must be, in words and as a test."""

    words: str
    accepts: Callable[[Any], bool]


def is_of(*types: type) -> Callable[[Any], bool]:
    """A test of a value's type; truth values are no numbers."""
    return lambda value: isinstance(value, types) and (bool in types or not isinstance(value, bool))


def list_of(inner: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A test of all items of a list."""
    return lambda value: isinstance(value, list) and all(inner(item) for item in value)


def one_of(*words: str) -> Form:
    """One of some words."""
    return Form("one of " + ", ".join(f'"{word}"' for word in words), lambda value: value in words)


def whole(low: int, high: int = 1_000_000) -> Form:
    """A whole number from `low` to `high`: what is counted out in a contest ends."""
    return Form(f"a whole number from {low} to {high:,}", lambda value: is_of(int)(value) and low <= value <= high)


def between(low: float, high: float) -> Form:
    """A number above `low` and below `high`."""
    return Form(
        f"a number above {low:g} and below {high:g}", lambda value: is_of(int, float)(value) and low < value < high
    )


BOOL = Form("true or false", is_of(bool))
POSITIVE = Form("a number above 0, at most 1e+09", lambda value: is_of(int, float)(value) and 0 < value <= 1e9)


def check(where: str, values: Mapping[str, Any], forms: Mapping[str, Form]) -> None:
    """Every key is known, and its value of its form.

    Raises:
        ContestError: names the key, what it must be, what it got, and the nearest right name.
    """
    for key, value in values.items():
        name = f"{where}.{key}" if where else key
        if key not in forms:
            raise ContestError(f"{shortened(name, _TOLD)}: unknown key; {nearest(key[:_TOLD], forms)}")
        if not forms[key].accepts(value):
            raise ContestError(f"{name} must be {forms[key].words}, got {shortened(repr(value), _TOLD)}")
