"""Assertions of promptfoo as right answers, and as one rule by which an answer is found for all tests."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from concours.api.imports.imported import Notes
from concours.api.imports.promptfoo_files import SCHEME
from concours.api.imports.promptfoo_tests import Assertion, Test
from concours.api.imports.templates import filled
from concours.core.errors import ContestError
from concours.core.written import written
from concours.kernels.scoring.answers import number_written
from concours.tasks.extraction import checked_rule

_EQUAL: Final = ("equals",)
_WITHIN: Final = ("contains", "icontains", "contains-any", "icontains-any", "starts-with")
_JSON: Final = ("is-json", "contains-json")
_LONGEST: Final = 20_000
"""Letters of a pattern of all answers, at most."""
_WHY: Final = {
    "javascript": "it is code, and none is run",
    "python": "it is code, and none is run",
    "ruby": "it is code, and none is run",
    "webhook": "nothing is fetched",
    "cost": "the board has what each costs",
    "latency": "the board has seconds of a request",
    "regex": "it says what an answer looks like, and not which is right",
    "is-json": "it says what an answer looks like, and not which is right",
    "contains-json": "it says what an answer looks like, and not which is right",
}


@dataclass(frozen=True)
class Rights:
    """The right answers of each test, none of some, and the rule that finds an answer."""

    answers: list[list[str]]
    rule: str
    why: str


def rights_of(tests: Sequence[Test], notes: Notes) -> Rights:
    """What tests hold for right, by what they assert: to be equal to a text, or to contain it.

    A text that is to be contained is looked for among the right answers of all tests, and the last that an answer names
    counts; where all are numbers it is the last number. What cannot be carried over is noted.
    """
    values = _values(tests)
    answers: list[list[str]] = []
    types: set[str] = set()
    for test, given in zip(tests, values, strict=True):
        chosen = _chosen(test.asserts)
        for one in test.asserts:
            if one is not chosen and not _shapes(one):
                notes.leave(
                    f"assert {one.type}",
                    _WHY.get(one.type, "nothing here is like it" if chosen is None else "one answer is compared"),
                )
        types |= {chosen.type} if chosen else set()
        answers.append([] if chosen is None else _texts(given[test.asserts.index(chosen)]))
    return Rights(answers, *_rule(tests, answers, types, notes))


def _chosen(asserts: Sequence[Assertion]) -> Assertion | None:
    """The assertion that says which answer is right: the strictest; none that has it in a file."""
    plain = [one for one in asserts if not (isinstance(one.value, str) and one.value.startswith(SCHEME))]
    return next((one for type in (*_EQUAL, *_WITHIN) for one in plain if one.type == type), None)


def _shapes(one: Assertion) -> bool:
    return one.type in (*_JSON, "regex")


def _rule(tests: Sequence[Test], answers: Sequence[Sequence[str]], types: set[str], notes: Notes) -> tuple[str, str]:
    shapes = [{(one.type, str(one.value)) for one in test.asserts if _shapes(one)} for test in tests]
    for type, value in sorted(set.intersection(*shapes) if shapes else ()):
        if found := _shaped(next(one for one in tests[0].asserts if (one.type, str(one.value)) == (type, value))):
            return found, f"all tests assert {type}"
    for each in shapes:
        for type, _ in each:
            notes.leave(f"assert {type}", _WHY[type])
    known = {text for some in answers for text in some}
    if not types & {*_WITHIN}:
        return "whole", "all tests assert equals"
    if all(number_written(text) is not None for text in known):
        return "last-number", "tests assert what an answer contains, a number each"
    pattern = "|".join(re.escape(text) for text in sorted(known, key=lambda text: (-len(text), text)))
    if len(pattern) > _LONGEST:
        notes.leave("assert contains", "there are too many different answers to look for; the whole answer is compared")
        return "whole", ""
    return (
        rf"regex:(?i)(?<!\w)(?:{pattern})(?!\w)",
        "tests assert what an answer contains: the last of all right ones that is said",
    )


def _shaped(one: Assertion) -> str:
    """The rule of an assertion about the form: the one field of a schema, or the one group of a pattern."""
    if one.type == "regex":
        try:
            found = isinstance(one.value, str) and re.compile(one.value).groups == 1
            return checked_rule(f"regex:{one.value}") if found else ""
        except (re.error, ContestError, RecursionError, OverflowError):
            return ""
    fields = one.value.get("properties") if isinstance(one.value, Mapping) else None
    if isinstance(fields, Mapping) and len(fields) == 1 and (name := str(next(iter(fields))).strip()):
        return f"json:{name}"
    return ""


def _values(tests: Sequence[Test]) -> list[list[Any]]:
    """The values of the assertions of each test, filled with its vars where they are templates."""
    needed = [(n, m, one.value) for n, test in enumerate(tests) for m, one in enumerate(test.asserts)
              if isinstance(one.value, str) and "{{" in one.value and one.type in (*_EQUAL, *_WITHIN)]  # fmt: skip
    values: list[list[Any]] = [[one.value for one in test.asserts] for test in tests]
    by_text: dict[str, list[tuple[int, int]]] = {}
    for n, m, text in needed:
        by_text.setdefault(text, []).append((n, m))
    for text, places in by_text.items():
        made = filled({"assert": (text, "text")}, [tests[n].vars for n, _ in places], "tests")
        for (n, m), one in zip(places, made, strict=True):
            values[n][m] = one["assert"]
    return values


def _texts(value: Any) -> list[str]:
    several = value if isinstance(value, list) else [value]
    found = [written(each).strip() for each in several if isinstance(each, (str, int, float))]
    return list(dict.fromkeys(text for text in found if text))
