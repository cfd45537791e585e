"""Which of some labels an answer in words names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_AROUND = re.compile(r"^[\W_]+|[\W_]+$")


def reader_of(labels: Iterable[str]) -> Callable[[str], int | None]:
    """Reads an answer as the place of a label, or none.

    An answer is a label if they are the same but for capitals and signs around it; else it names the label that stands
    in it as words, if there is one alone. A label within a longer one that stands there does not count.
    """
    labels = [*labels]
    whole = {_bare(label): place for place, label in reversed([*enumerate(labels)])}
    longest = sorted(labels, key=len, reverse=True)
    among = re.compile("|".join(rf"(?<!\w){re.escape(label)}(?!\w)" for label in longest), re.IGNORECASE)
    folded = {label.casefold(): place for place, label in reversed([*enumerate(labels)])}

    def read(answer: str) -> int | None:
        if (place := whole.get(_bare(answer))) is not None:
            return place
        found = {folded.get(match.casefold()) for match in among.findall(answer)}
        return found.pop() if len(found) == 1 else None

    return read


def _bare(text: str) -> str:
    return _AROUND.sub("", text).casefold() or text.strip().casefold()
