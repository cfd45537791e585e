"""Tests of promptfoo: what is put into prompts, and what is asserted of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, Final

from concours.api.imports.imported import Notes
from concours.api.imports.promptfoo_files import SCHEME, beside, content, is_code, spread
from concours.api.imports.questions import texts
from concours.core.errors import DataError

_MOST: Final = 10_000
"""Tests that one with lists of values may become."""
_READ: Final = {"vars", "assert", "description", "metadata"}
_ASSERTED: Final = re.compile(r"(not-)?([a-z][a-z-]*)(?:\(([\d.]+)\))?:\s?(.*)", re.S)
_PLAIN_VALUES: Final = (".txt", ".md", ".j2")


@dataclass(frozen=True, kw_only=True)
class Assertion:
    """What is asserted of an answer: a type, as `equals`, and a value."""

    type: str
    value: Any = None


@dataclass(frozen=True, kw_only=True)
class Test:
    """Values by name, and assertions."""

    vars: Mapping[str, Any]
    asserts: tuple[Assertion, ...] = field(default=())


def tests_of(config: Mapping[str, Any], folder: Path, notes: Notes) -> list[Test]:
    """The tests of a configuration, each with what all have by default; a list of values is a test a value.

    Raises:
        DataError: one is no mapping, names a file that is missing, or becomes too many.
    """
    default = config.get("defaultTest") or {}
    if isinstance(default, str):
        default = content(beside(default, folder)[0])
    if not isinstance(default, dict):
        raise DataError("defaultTest must be a mapping")
    found: list[Test] = []
    for item, path in spread(config.get("tests"), folder, "tests", notes):
        several = item if isinstance(item, list) else [item]
        for one in several:
            test = _row(one, notes) if path and path.suffix.lower() in (".csv", ".tsv") else one
            if not isinstance(test, dict):
                raise DataError("tests: expected mappings with vars and assert")
            found += _expanded(test, default, folder, notes)
    if not found:
        raise DataError("tests: there are none: questions are read from their vars")
    return found


def _row(row: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """A test of a row of a table, whose columns are values but for those that begin with two underscores."""
    asserts = []
    for name, cell in row.items():
        if re.fullmatch(r"__expected\d*", name):
            if cell:
                asserts.append(_written(cell))
        elif name.startswith("__") and cell:
            notes.leave(f"column {name.partition(':')[0]}", "columns are values of prompts, and what is expected")
    return {"vars": {name: cell for name, cell in row.items() if not name.startswith("__")}, "assert": asserts}


def _written(cell: str) -> dict[str, Any]:
    """An assertion as a cell writes it: `type: value`, or a value that is to be equalled."""
    found = _ASSERTED.fullmatch(cell)
    if not found:
        return {"type": "equals", "value": cell}
    several = found[2] in ("contains-any", "contains-all", "icontains-any", "icontains-all")
    value: Any = [part.strip() for part in found[4].split(",")] if several else found[4].strip()
    return {"type": f"{found[1] or ''}{found[2]}", "value": value}


def _expanded(test: Mapping[str, Any], default: Mapping[str, Any], folder: Path, notes: Notes) -> Iterator[Test]:
    for key in {*test, *default} - _READ:
        notes.leave(f"tests.{key}", "every test is a question, asked of every model in the same way")
    given = {**_vars(default, folder), **_vars(test, folder)}
    asserts = tuple(_asserts(default)) + tuple(_asserts(test))
    lists = {name: value for name, value in given.items() if isinstance(value, list)}
    if prod(map(len, lists.values())) > _MOST:
        raise DataError(f"tests: lists of values come to more than {_MOST:,} tests")
    for values in product(*lists.values()):
        yield Test(vars={**given, **dict(zip(lists, values, strict=True))}, asserts=asserts)


def _vars(test: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    given = test.get("vars") or {}
    if isinstance(given, str):
        given = content(beside(given, folder)[0])
    if not isinstance(given, dict):
        raise DataError("tests: vars must be a mapping")
    return {name: _value(name, value, folder) for name, value in given.items()}


def _value(name: str, value: Any, folder: Path) -> Any:
    """A value, or the text of the file that it names."""
    if not isinstance(value, str) or not value.startswith(SCHEME):
        return value
    if is_code(value):
        raise DataError(f"tests: {name} is made by a program, {value}, and none is run: write what it makes")
    path = beside(value, folder)[0]
    if path.suffix.lower() not in _PLAIN_VALUES:
        raise DataError(f"tests: {name}: {path.name}: expected a text, {', '.join(_PLAIN_VALUES)}")
    return content(path)


def _asserts(test: Mapping[str, Any]) -> Iterator[Assertion]:
    given = test.get("assert") or []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise DataError("tests: assert must be a list of mappings with type and value")
    for one in given:
        if one.get("type") == "assert-set":
            yield from _asserts(one)
        else:
            yield Assertion(type=str(one.get("type")), value=one.get("value"))


def _as_written(given: Mapping[str, Any]) -> dict[str, Any]:
    """Values with truth values as the templates there write them."""
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}


def rows_of_tests(tests: Sequence[Test], notes: Notes) -> list[dict[str, Any]]:
    """What is put into prompts, as rows of texts."""
    rows: list[dict[str, Any]] = [dict(row) for row in texts([_as_written(test.vars) for test in tests], notes, "vars")]
    if not rows[0]:
        raise DataError("tests: they have no vars, so every question would be the same")
    return rows
