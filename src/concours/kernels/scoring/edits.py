"""How far two sequences are apart: the fewest items to change, leave out or put in (Levenshtein 1966)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def edits(said: Sequence[Hashable], right: Sequence[Hashable]) -> int:
    """The fewest changes that make one of the other, from 0 to the length of the longer one.

    Laws: it is a distance, 0 of equal ones alone, the same both ways, and no way round is shorter.
    """
    before = list(range(len(right) + 1))
    for place, item in enumerate(said, 1):
        row = [place]
        for at, other in enumerate(right):
            row.append(before[at] if item == other else 1 + min(before[at], before[at + 1], row[at]))
        before = row
    return before[-1]
