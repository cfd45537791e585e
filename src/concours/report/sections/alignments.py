"""Which words of a translation come from which words of what was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.report.figures import Figure, Linked, Links, Section, Table
from concours.report.lines import Report
from concours.report.units import share

_LEAST = 0.15
"""Weaker links are not drawn: a word hangs on all others a little."""
_LONGEST = 18

_BY = {
    "attention": (
        "a line says how much {name} looks at a word on the left where it says the one on the right (attention); the stronger, the "
        "more. Attention tells where a network looks, and not always why it says what it says."
    ),
    "leaving out": (
        "words on the left were left out one at a time, and {name} was asked again; a line leads to each word on the right that then was "
        "gone. The fewer words a line shares its word with, the stronger it is."
    ),
}
"""How to read links, by how they were found."""


def alignments_section(r: Report) -> Section | None:
    """Words of the worst and of some good rows, linked; none where that was not looked at."""
    found = r.insight("aligned")
    if not found or not found["rows"] or not r.lines:
        return None
    bad = len(found["rows"]) - found["good"]
    cards = [_linked(r, found, place) for place in range(len(found["rows"]))]
    figures = [
        _figure(f"Words of the {len(some)} rows that {r.leader.name} {what}", found, some)
        for some, what in ((cards[:bad], "is most wrong about"), (cards[bad:], "is best at"))
        if some
    ]
    return Section(
        id="alignments",
        title="Which word comes from which",
        text=(f"These are words that {found['name']} says, beside those that it reads.",),
        figures=tuple(figures),
    )


def _figure(title: str, found: Mapping[str, Any], cards: Sequence[Linked]) -> Figure:
    return Figure(
        title=title,
        read=f"How to read it: {_BY[found['by']].format(name=found['name'])} Links below {share(_LEAST)} are not drawn.",
        drawing=Links(tuple(cards)),
        table=Table(
            caption="Words that are said, and those that they are linked to",
            head=("Row", "word", "linked to"),
            words=(1, 2),
            rows=tuple(
                (card.title, word, _told(card, place)) for card in cards for place, word in enumerate(card.right)
            ),
        ),
    )


def _linked(r: Report, found: Mapping[str, Any], place: int) -> Linked:
    row, weights = found["rows"][place], found["links"][place]
    links = [
        (left, right, weight)
        for right, each in enumerate(weights)
        for left, weight in enumerate(each)
        if weight >= _LEAST
    ]
    return Linked(
        title=f"row {(r.insight('inputs') or {}).get(str(row), {}).get('id', row)}",
        left=tuple(map(_short, found["source"][place])),
        right=tuple(map(_short, found["said"][place])),
        links=tuple(links),
        said=(("actual", found["true"][place]),),
    )


def _told(card: Linked, right: int) -> str:
    links = sorted((link for link in card.links if link[1] == right), key=lambda link: -link[2])
    return ", ".join(f"{card.left[left]} ({share(weight)})" for left, _, weight in links) or "no word"


def _short(word: str) -> str:
    return word if len(word) <= _LONGEST else f"{word[: _LONGEST - 1]}…"
