"""JSON of others as the types that it is to have: what has another form is told at the door, with its place."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Final,
    Literal,
    NotRequired,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from concours.core.digests import Digest, is_digest
from concours.core.errors import ContentRefused, nearest
from concours.core.visible import shortened

T = TypeVar("T")

_DEEPEST: Final = 100
_FARTHEST: Final = 1 << 63
_GREATEST: Final = 1e300


def typed(kind: type[T], value: Any, where: str = "") -> T:
    """A JSON value as a dataclass, a `TypedDict` or any other type that is written in annotations.

    Known are dataclasses (which are made), typed dictionaries, mappings, lists, tuples (which come as lists), literals,
    unions, digests, texts, truth values (which are no numbers), whole numbers below 2^63 and finite numbers. `Any` is
    whatever is written in JSON, no deeper than 100 levels. No key is taken that is not declared. What is made already
    stays. A dataclass may have a method `amiss`, which says what is wrong between its values, or nothing.

    Law: of what was written from a value of the type, `typed` gives an equal one.

    Args:
        where: what the value is called in the message.

    Raises:
        ContentRefused: it has another form, at which place, and what was expected there.
    """
    return cast("T", _read(kind, value, where))


def _read(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return _plain(value, where)
    if kind in _PLAIN:
        words, accepts = _PLAIN[kind]
        return value if accepts(value) else _refuse(words, value, where)
    if is_dataclass(kind):
        return value if isinstance(value, cast("type", kind)) else _made(kind, value, where)
    if is_typeddict(kind):
        return _table(kind, value, where)
    return _READERS[get_origin(kind)](get_args(kind), value, where)


def _made(kind: Any, value: Any, where: str) -> Any:
    hints, known = _hints(kind), {field.name: field for field in fields(kind) if field.init}
    needed = {name for name, field in known.items() if field.default is field.default_factory is MISSING}
    _keys(value, needed, known, where)
    made = kind(**{name: _read(hints[name], item, _at(where, name)) for name, item in value.items()})
    if wrong := getattr(made, "amiss", str)():
        raise ContentRefused(f"{where}: {wrong}" if where else wrong)
    return made


def _table(kind: Any, value: Any, where: str) -> dict[str, Any]:
    hints = _hints(kind)
    optional = {name for name, hint in hints.items() if get_origin(hint) is NotRequired}
    _keys(value, hints.keys() - optional, hints, where)
    return {name: _read(hints[name], item, _at(where, name)) for name, item in value.items()}


def _keys(value: Any, needed: Iterable[str], known: Iterable[str], where: str) -> None:
    if not isinstance(value, Mapping):
        _refuse("an object", value, where)
    if strange := sorted(map(str, value.keys() - set(known))):  # first, as it may be one that is missing, misspelt
        name = shortened(strange[0], 60)
        raise ContentRefused(f"{_at(where, name)} is not known; {nearest(name, known)}")
    if missing := sorted(set(needed) - value.keys()):
        raise ContentRefused(f"{_at(where, missing[0])} is missing")


def _mapping(kinds: tuple[Any, ...], value: Any, where: str) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        _refuse("an object", value, where)
    key, item = kinds
    return {_read(key, name, _at(where, name)): _read(item, inner, _at(where, name)) for name, inner in value.items()}


def _items(value: Any, where: str) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else cast("list[Any]", _refuse("a list", value, where))


def _list(kinds: tuple[Any, ...], value: Any, where: str) -> list[Any]:
    return [_read(kinds[0], item, f"{where}[{place}]") for place, item in enumerate(_items(value, where))]


def _tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if kinds[-1] is Ellipsis:
        return tuple(_list(kinds, value, where))
    if len(_items(value, where)) != len(kinds):
        raise ContentRefused(f"{where}: expected a list of {len(kinds)}, got one of {len(value)}")
    return tuple(_read(kind, item, f"{where}[{n}]") for n, (kind, item) in enumerate(zip(kinds, value, strict=True)))


def _literal(words: tuple[Any, ...], value: Any, where: str) -> Any:
    if isinstance(value, str) and value in words:
        return value
    expected = f"one of {', '.join(map(str, words))}"
    if not isinstance(value, str):
        return _refuse(expected, value, where)
    hint = nearest(value, words).partition("?")
    meant = f"; {hint[0]}?" if hint[1] else ""
    raise ContentRefused(f"{where or 'the whole'}: expected {expected}, got {shortened(repr(value), 60)}{meant}")


def _union(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    """The first of the types that takes the value; where none does, the one that came the deepest says why."""
    if value is None and NoneType in kinds:
        return None
    refusals = []
    for kind in (kind for kind in kinds if kind is not NoneType):
        try:
            return _read(kind, value, where)
        except ContentRefused as error:
            refusals.append(error)
    raise max(refusals, key=lambda error: len(re.findall(r"[.\[]", str(error).partition(":")[0])))


def _inner(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    return _read(kinds[0], value, where)


def _plain(value: Any, where: str) -> Any:
    """Any JSON, without numbers that JSON does not know, and no deeper than readers go."""
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        strange = next((item for item in level if isinstance(item, float) and not math.isfinite(item)), None)
        if strange is not None:
            raise ContentRefused(f"{where}: expected finite numbers, got {strange}")
        level = [
            inner
            for item in level
            if isinstance(item, (Mapping, list, tuple))
            for inner in (item.values() if isinstance(item, Mapping) else item)
        ]
        if not level:
            return value
    raise ContentRefused(f"{where}: it lies within itself more than {_DEEPEST} levels deep")


def _refuse(expected: str, value: Any, where: str) -> Any:
    raise ContentRefused(f"{where or 'the whole'}: expected {expected}, got {_called(value)}")


def _called(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "no finite number"
    if isinstance(value, float) and not value.is_integer():
        return f"the number {value:g}"
    names = {dict: "an object", list: "a list", bool: "a truth value", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), "a text" if isinstance(value, str) else "a value")


def _at(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and -_GREATEST <= value <= _GREATEST


_PLAIN: Final[Mapping[Any, tuple[str, Callable[[Any], bool]]]] = {
    str: ("a text", lambda value: isinstance(value, str)),
    bool: ("true or false", lambda value: isinstance(value, bool)),
    int: ("a whole number", lambda value: type(value) is int and -_FARTHEST <= value < _FARTHEST),
    float: ("a number", _is_number),
    NoneType: ("null", lambda value: value is None),
    Digest: ("a digest, sha256: and 64 hexadecimal digits", is_digest),
}
_READERS: Final[Mapping[Any, Callable[[tuple[Any, ...], Any, str], Any]]] = {
    dict: _mapping,
    Mapping: _mapping,
    list: _list,
    Sequence: _list,
    tuple: _tuple,
    Literal: _literal,
    Union: _union,
    UnionType: _union,
    NotRequired: _inner,
}
