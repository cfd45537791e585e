"""Texts as numbered pieces of words, learned from the training rows: byte-pair encoding (Sennrich et al. 2016)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Any, Self

from concours.entrants.nbest import joined, tokens

NOTHING, BEGIN, END, UNKNOWN = range(4)
"""Numbers that no piece has: after the end of a text, before its first piece, after its last, and what is not known."""

_PIECES = 4
_LEAST = 2

Pair = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Subwords:
    """Pieces by their number: letters first, then what was merged of two pieces, in the order of learning.

    A piece may begin with the blank before its word.
    """

    letters: tuple[str, ...]
    merges: tuple[Pair, ...]
    _numbers: dict[str, int] = field(default_factory=dict, compare=False, repr=False)
    _ranks: dict[Pair, int] = field(default_factory=dict, compare=False, repr=False)
    _known: dict[str, list[int]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        for piece in self.pieces:
            self._numbers.setdefault(piece, len(self._numbers) + _PIECES)
        self._ranks.update({pair: rank for rank, pair in enumerate(self.merges)})

    @classmethod
    def learn(cls, texts: Sequence[str], *, most: int) -> Self:
        """From texts, at most `most` merges, each of a pair that is seen twice at least."""
        counts = Counter(token for text in texts for token in tokens(text))
        letters = tuple(sorted({letter for token in counts for letter in token}))
        return cls(letters=letters, merges=tuple(_merges(counts, most)))

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The inverse of `state`."""
        return cls(letters=tuple(state["letters"]), merges=tuple((first, second) for first, second in state["merges"]))

    def state(self) -> dict[str, Any]:
        """It as JSON can hold it."""
        return {"letters": list(self.letters), "merges": [list(pair) for pair in self.merges]}

    @property
    def pieces(self) -> tuple[str, ...]:
        """In the order of their numbers, which begin at 4."""
        return tuple(dict.fromkeys((*self.letters, *(first + second for first, second in self.merges))))

    @property
    def size(self) -> int:
        """How many numbers there are, from 0."""
        return _PIECES + len(self._numbers)

    def encode(self, text: str) -> list[int]:
        """The numbers of a text's pieces."""
        return [number for token in tokens(text) for number in self.encode_word(token)]

    def decode(self, numbers: Sequence[int]) -> str:
        """The inverse of `encode`, but for what is not known, which is left out."""
        pieces = self.pieces
        return joined([pieces[number - _PIECES] for number in numbers if number >= _PIECES])

    def encode_word(self, token: str) -> list[int]:
        """The numbers of the pieces of one of a text's `tokens`."""
        found = self._known.get(token)
        if found is None:
            pieces = list(token)
            while len(pieces) > 1:
                rank, place = min(
                    (self._ranks.get(pair, len(self._ranks)), place) for place, pair in enumerate(pairwise(pieces))
                )
                if rank == len(self._ranks):
                    break
                pieces[place : place + 2] = [pieces[place] + pieces[place + 1]]
            found = self._known[token] = [self._numbers.get(piece, UNKNOWN) for piece in pieces]
        return found


def _merges(counts: Mapping[str, int], most: int) -> list[Pair]:
    """The most frequent pair, merged everywhere, again and again; of equal ones the first in the alphabet."""
    words = [(list(word), count) for word, count in sorted(counts.items())]
    frequency: Counter[Pair] = Counter()
    where: dict[Pair, set[int]] = {}
    for number, (pieces, count) in enumerate(words):
        for pair in pairwise(pieces):
            frequency[pair] += count
            where.setdefault(pair, set()).add(number)
    merges: list[Pair] = []
    waiting = [(-count, pair) for pair, count in frequency.items() if count >= _LEAST]
    heapify(waiting)
    while len(merges) < most and waiting:
        often, best = heappop(waiting)
        if frequency[best] != -often:  # it is there once more as it is now
            continue
        merges.append(best)
        changed: set[Pair] = set()
        for number in sorted(where.pop(best)):
            pieces, count = words[number]
            for pair in pairwise(pieces):
                frequency[pair] -= count
                changed.add(pair)
            _merge(pieces, best)
            for pair in pairwise(pieces):
                frequency[pair] += count
                changed.add(pair)
                where.setdefault(pair, set()).add(number)
        for pair in changed:
            if frequency[pair] >= _LEAST:
                heappush(waiting, (-frequency[pair], pair))
    return merges


def _merge(pieces: list[str], pair: Pair) -> None:
    """Merges a pair wherever it stands, from the left, in place."""
    place = 0
    while place < len(pieces) - 1:
        if (pieces[place], pieces[place + 1]) == pair:
            pieces[place : place + 2] = [pair[0] + pair[1]]
        place += 1
