"""What a suite says when a law does not hold, and how it shows that something is a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from concours.core.digests import canonical_json


class LawBroken(AssertionError):
    """An implementation does not keep a law of its protocol."""


def law(holds: bool, text: str) -> None:
    """Raises LawBroken with the law's text unless it holds."""
    if not holds:
        raise LawBroken(text)


def refused(what: Callable[[], Any], error: type[Exception] | tuple[type[Exception], ...], text: str) -> None:
    """Raises LawBroken with the law's text unless calling raises this error."""
    try:
        what()
    except error:
        return
    raise LawBroken(text)


def as_value(thing: Any) -> Any:
    """The JSON of a frozen value: dataclasses as objects, without fields that are not compared, tuples as lists.

    JSON values inside a frozen mapping, such as a job's parameters, may be lists and dictionaries as JSON has them.

    Raises:
        LawBroken: something in it can be changed (an unfrozen dataclass, a list, set or dictionary of its own), or JSON
            has no form for it.
    """
    plain = _frozen(thing)
    try:
        canonical_json(plain)
    except (TypeError, ValueError) as error:
        raise LawBroken(f"a state must be JSON-serialisable: {error}") from None
    return plain


def _frozen(thing: Any) -> Any:
    if is_dataclass(thing) and not isinstance(thing, type):
        frozen = type(thing).__dataclass_params__.frozen  # type: ignore[attr-defined]
        law(frozen, f"a state must be frozen: {type(thing).__name__} is a dataclass that can be changed")
        return {field.name: _frozen(getattr(thing, field.name)) for field in fields(thing) if field.compare}
    if isinstance(thing, Mapping):
        law(not hasattr(thing, "__setitem__"), f"a state must be frozen: it holds a {type(thing).__name__}")
        return {name: _frozen(value) if is_dataclass(value) else _json(value) for name, value in thing.items()}
    law(not isinstance(thing, (list, set, bytearray)), f"a state must be frozen: it holds a {type(thing).__name__}")
    return [_frozen(item) for item in thing] if isinstance(thing, tuple) else thing


def _json(value: Any) -> Any:
    """A JSON value, its frozen parts as plain ones."""
    if isinstance(value, Mapping):
        return {name: _json(item) for name, item in value.items()}
    return [_json(item) for item in value] if isinstance(value, (list, tuple)) else value
