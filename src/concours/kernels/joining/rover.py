"""ROVER: recognisers vote word by word on what was said (Fiscus 1997, "A post-processing system to yield reduced word
error rates: recognizer output voting error reduction").

Texts are laid one after the other onto a network of slots, each of which holds the word that every text has there, or
that it has none. Then each slot is voted on. Texts are sequences of numbers of words, from 0.
"""

from __future__ import annotations

from collections.abc import Sequence

NOTHING = -1
"""A text has no word in a slot."""

Text = Sequence[int]


def rover(texts: Sequence[Text], votes: Sequence[float], *, most: int) -> list[tuple[tuple[int, ...], float]]:
    """The texts that the votes of the slots make likely, at most so many, each with its share; shares sum to 1.

    The first is the one that ROVER says: of each slot what has the most votes, of equal ones what an earlier text has.
    The others have next to the most, as if slots were voted on one without the other.

    Args:
        texts: different ones, none or more words each, in the order in which they are laid; the first is the frame.
        votes: of each text, above 0.

    Laws: of one text it is that text. Where all texts are equal in a slot, so are all that are said. Votes count by
    their ratios alone.

    Raises:
        ValueError: there is no text.
    """
    if not texts:
        raise ValueError("there must be a text to vote on")
    paths: list[tuple[tuple[int, ...], float]] = [((), 1.0)]
    for slot in zip(*aligned(texts), strict=True):
        mass: dict[int, float] = {}
        for word, vote in zip(slot, votes, strict=True):
            mass[word] = mass.get(word, 0.0) + vote
        words = sorted(mass, key=lambda word: -mass[word])
        longer = [((*path, word), share * mass[word]) for path, share in paths for word in words]
        paths = sorted(longer, key=lambda pair: -pair[1])[:most]
    found: dict[tuple[int, ...], float] = {}
    for path, share in paths:
        said = tuple(word for word in path if word != NOTHING)
        found[said] = found.get(said, 0.0) + share
    total = sum(found.values())
    return [(said, share / total) for said, share in found.items()]


def aligned(texts: Sequence[Text]) -> list[list[int]]:
    """The texts laid onto slots, (texts, slots): each is the text with `NOTHING` put in.

    Each text is laid so that it costs least: 1 for a word in a slot that has it not, for a slot that is left out where
    all texts before have a word, and for a word that needs a slot of its own.
    """
    network: list[list[int]] = []
    for count, text in enumerate(texts):
        network = _laid(network, text, count)
    return [list(row) for row in zip(*network, strict=True)] if network else [[] for _ in texts]


def _laid(network: Sequence[Sequence[int]], text: Text, count: int) -> list[list[int]]:
    """The slots with one more text; `count` texts are there already."""
    skips = [int(NOTHING not in slot) for slot in network]
    costs = [list(range(len(text) + 1))]
    for slot, skip in zip(network, skips, strict=True):
        before, row = costs[-1], [costs[-1][0] + skip]
        for at, word in enumerate(text):
            row.append(min(before[at] + (word not in slot), before[at + 1] + skip, row[at] + 1))
        costs.append(row)
    laid: list[list[int]] = []
    place, at = len(network), len(text)
    while place or at:
        cost = costs[place][at]
        if place and at and cost == costs[place - 1][at - 1] + (text[at - 1] not in network[place - 1]):
            place, at = place - 1, at - 1
            laid.append([*network[place], text[at]])
        elif place and cost == costs[place - 1][at] + skips[place - 1]:
            place -= 1
            laid.append([*network[place], NOTHING])
        else:
            at -= 1
            laid.append([*[NOTHING] * count, text[at]])
    return laid[::-1]
