"""Which of some labels an answer in words names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_AROUND = re.compile(r"^[\W_]+|[\W_]+$")


def reader_of(labels: Iterable[str]) -> Callable[[str], int | None]:
    """Reads an answer as the place of a label, or none.

    An answer is a label if they are the same; else but for capitals; else but for signs around it, if it alone is so.
    Else it names the label that stands in it as words, if there is one alone. A label within a longer one that stands
    there does not count.
    """
    labels = [*labels]
    forms = [(form, _places(labels, form)) for form in _FORMS]
    longest = sorted(labels, key=len, reverse=True)
    among = re.compile("|".join(rf"(?<![\w+-]){re.escape(label)}(?![\w+-])" for label in longest), re.IGNORECASE)

    def read(answer: str) -> int | None:
        for form, places in forms:
            if (place := places.get(form(answer))) is not None:
                return place
        exact, folded = forms[0][1], forms[1][1]
        found = {exact.get(match, folded.get(match.casefold())) for match in among.findall(answer)}
        return found.pop() if len(found) == 1 else None

    return read


def _places(labels: list[str], form: Callable[[str], str]) -> dict[str, int]:
    """Where the labels stand by a form of theirs; not those that share it."""
    forms = [form(label) for label in labels]
    return {text: place for place, text in enumerate(forms) if forms.count(text) == 1}


def _bare(text: str) -> str:
    return _AROUND.sub("", text).casefold() or text.strip().casefold()


def _folded(text: str) -> str:
    return text.strip().casefold()


def _exact(text: str) -> str:
    return text.strip()


_FORMS: tuple[Callable[[str], str], ...] = (_exact, _folded, _bare)
