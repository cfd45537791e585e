"""Extraction: the answer in what a model says, by a rule that the task states.

| rule | the answer | of "5 (see page 3)" |
|---|---|---|
| `whole` | all of it | 5 (see page 3) |
| `last-number` | the last number, written plainly; those in round brackets are asides, and count if all are | 5 |
| `boxed` | what is in the last `\\boxed{…}` | none |
| `after:MARKER` | the first line with something in it behind the last MARKER, small and capital letters alike | none |
| `json:FIELD` | the field of the last object of JSON that has it: a text, a number or a truth value | none |
| `regex:PATTERN` | the first group of the last match, or all of that | by the pattern |
| `letter` | a capital letter that names a choice: see `_letter` | none |

Thinking, `<think>…</think>`, is removed before; also where its beginning was in the prompt, or its end was cut off.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from concours.core.errors import ContestError, nearest
from concours.core.written import written
from concours.kernels.scoring.answers import normalised, number_written
from concours.tasks.nbest import LONGEST

_THINKING: Final = re.compile(r"<(/?)think(?:ing)?>", re.I)
_NUMBER: Final = re.compile(
    r"(?:(?<![\w.,)\]])[-−])?(?:(?<![\w.,])[^\W\d_]?[$€£¥₹]\s?-?)?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
)
_ASIDE: Final = re.compile(r"(?<!\\)\([^()]*(?<!\\)\)")
_READ: Final = 20_000
"""Characters at the end of what is said that are looked at: answers stand there."""
_OBJECTS: Final = 500
"""Brackets of which it is tried whether an object of JSON begins there."""

_LETTER: Final = tuple(
    re.compile(form)
    for form in (
        r"\\boxed\{\s*(?:\\(?:text|mathrm|textbf)\{)?\s*\(?([A-Z])\b",
        r"(?:(?i:answer|choice|option)|答案|选|選)(?:[\s:：*_\"'(（\[]|(?i:\bis\b|\bof\b)|为|是|应|選|选)*([A-Z])(?![A-Za-z])",
        r"[(（\[]([A-Z])[)）\]]",
        r"(?m:^)[^\w\n]{0,9}([A-Z])(?:[^\w\n]{0,9}(?m:$)|\s?[.:：)、．])",
        r"(?<![A-Za-z'’])([B-HJ-Z])(?![A-Za-z'’])",
    )
)


def extracted(rule: str, said: str) -> str | None:
    """The answer in what a model said, without blanks around it.

    None where the rule finds none, or one of more than 10,000 characters, which is no short answer.

    Args:
        rule: as `checked_rule` takes it.
    """
    answer = (_rule(rule)(spoken(said)) or "").strip()
    return answer if 0 < len(answer) <= LONGEST else None


def checked_rule(rule: Any) -> str:
    """The rule, if it is one.

    Raises:
        ContestError: there is none of that name, or what follows it is missing or no pattern.
    """
    if not isinstance(rule, str):
        raise ContestError(f'task.extract must be a text, e.g. "last-number", got {rule!r}')
    _rule(rule)
    return rule


def wish_of(rule: str) -> str:
    """How a model is asked to answer, so that the rule finds the answer; nothing where nobody knows.

    Law: the rule finds the answer in what does as the wish says.
    """
    name, _, rest = rule.partition(":")
    return _WISHES[name].format(rest.strip())


def without_thinking(said: str) -> str:
    """What a model says once thinking is taken out; what was begun and not ended is thinking to the end."""
    kept: list[str] = []
    at, inside = 0, False
    for mark in _THINKING.finditer(said):
        if not mark[1]:
            kept += [] if inside else [said[at : mark.start()]]
        elif not inside:  # it began in the prompt
            kept = []
        at, inside = mark.end(), not mark[1]
    return "".join(kept if inside else [*kept, said[at:]])


def spoken(said: str) -> str:
    """The end of that, where answers stand."""
    return without_thinking(said)[-_READ:]


@lru_cache(256)
def _rule(rule: str) -> Callable[[str], str | None]:
    name, colon, rest = rule.partition(":")
    if colon and name in _TOLD:
        if not rest.strip():
            raise ContestError(f'task.extract: {rule!r} lacks what follows the colon: "{_TOLD[name][1]}", for example')
        try:
            return _TOLD[name][0](rest)
        except re.error as error:
            raise ContestError(f"task.extract: {rest!r} is no regular expression: {error}") from None
    if rule in _PLAIN:
        return _PLAIN[rule]
    known = [*_PLAIN, *(example for _, example in _TOLD.values())]
    raise ContestError(f"task.extract: unknown rule {rule!r}; {nearest(rule, known)}; known: {', '.join(known)}")


def _whole(said: str) -> str:
    return said


def _last_number(said: str) -> str | None:
    for text in (_ASIDE.sub(" ", said), said):
        for found in reversed(_NUMBER.findall(text)):
            if (number := number_written(found)) is not None:
                return number
    return None


def stands_in(answer: str, text: str) -> bool:
    """Whether an answer stands in a text: as a number there, or in its words."""
    if (number := number_written(answer)) is not None:
        return any(number_written(found) == number for found in _NUMBER.findall(text))
    words = normalised(answer)
    return bool(words) and f" {words} " in f" {normalised(text)} "


def _boxed(said: str) -> str | None:
    at = max(said.rfind("\\boxed{"), said.rfind("\\fbox{"))
    if at < 0:
        return None
    begin, depth = said.index("{", at) + 1, 1
    for place in range(begin, len(said)):
        depth += {"{": 1, "}": -1}.get(said[place], 0)
        if not depth:
            return said[begin:place].strip().strip("$")
    return None


def _letter(said: str) -> str | None:
    """The last letter in the first of these forms that is there: boxed; behind "answer", "option" or "choice"; in
    brackets; at the beginning of a line, alone or before a mark; alone, but for A and I, which are words.
    """
    if len(said.strip()) == 1 and said.strip().isascii() and said.strip().isalpha():
        return said.strip().upper()
    for form in _LETTER:
        if found := form.findall(said):
            return str(found[-1])
    return None


def _last(sought: re.Pattern[str], said: str) -> re.Match[str] | None:
    """The last match; one a time is kept."""
    return next(iter(deque(sought.finditer(said), maxlen=1)), None)


def _after(marker: str) -> Callable[[str], str | None]:
    sought = re.compile(re.escape(marker.strip()), re.I)

    def found(said: str) -> str | None:
        last = _last(sought, said)
        lines = said[last.end() :].splitlines() if last else []
        return next((line.strip(" \t*_:") for line in lines if line.strip(" \t*_:")), None)

    return found


def _field(field: str) -> Callable[[str], str | None]:
    field, decoder = field.strip(), json.JSONDecoder()

    def found(said: str) -> str | None:
        answer, at, tried = None, said.find("{"), 0
        while at >= 0 and tried < _OBJECTS:
            tried += 1
            try:
                value, end = decoder.raw_decode(said, at)
            except (ValueError, RecursionError):
                end = at + 1
            else:
                answer = _plain(value[field]) if field in value else answer
            at = said.find("{", end)
        return answer

    return found


def _plain(value: Any) -> str | None:
    return written(value) if isinstance(value, (str, int, float)) else None


def _pattern(pattern: str) -> Callable[[str], str | None]:
    sought = re.compile(pattern)

    def found(said: str) -> str | None:
        last = _last(sought, said)
        return None if last is None else last[1] if sought.groups else last[0]

    return found


_PLAIN: Final[dict[str, Callable[[str], str | None]]] = {
    "whole": _whole,
    "last-number": _last_number,
    "boxed": _boxed,
    "letter": _letter,
}
_TOLD: Final[dict[str, tuple[Callable[[str], Callable[[str], str | None]], str]]] = {
    "after": (_after, "after:####"),
    "json": (_field, "json:answer"),
    "regex": (_pattern, "regex:Answer: (.*)"),
}
"""Rules that are told something, with an example."""
_WISHES: Final = {
    "whole": "Give the answer alone.",
    "last-number": "End with the answer, a number.",
    "boxed": "Give the final answer in \\boxed{{}}.",
    "letter": "Answer with the letter of the right choice alone.",
    "after": "End with a line that begins with {} and gives the answer.",
    "json": 'Give the answer as JSON: {{"{}": …}}',
    "regex": "",
}
