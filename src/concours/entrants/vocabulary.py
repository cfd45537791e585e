"""Texts as numbered words, for networks that learn a vector for each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from concours.entrants.texts import WORD

NOTHING = 0
"""The number of what comes after the end of a text."""

START = 1
"""A number that no word has."""

_SPARE = 512
_FEW_ROWS = 100
_WHOLE = 0.98


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The words that have a number of their own, most frequent first; others share 512 numbers, by their checksum.

    Attributes:
        length: how many words of a text are read.
        pairs: two words in a row count as a word too, after all the single ones.
    """

    words: tuple[str, ...]
    length: int
    pairs: bool

    @classmethod
    def learn(cls, texts: Sequence[str], *, most: int, length: int, pairs: bool) -> Self:
        """The vocabulary of the training rows: at most `most` words, each of two rows where there are a hundred.

        At most `length` words of a text are read, and no more than nearly all texts have.
        """
        counts = Counter(word for text in texts for word in set(_words(text, length, pairs)))
        least = 2 if len(texts) >= _FEW_ROWS else 1
        known = sorted((-count, word) for word, count in counts.items() if count >= least)
        lengths = [len(_words(text, length, False)) for text in texts]
        enough = max(1, int(np.quantile(lengths, _WHOLE, method="higher")))
        return cls(words=tuple(word for _, word in known[:most]), length=enough, pairs=pairs)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The inverse of `state`."""
        return cls(**{**state, "words": tuple(state["words"])})

    def state(self) -> dict[str, Any]:
        """The vocabulary as JSON can hold it."""
        return {"words": list(self.words), "length": self.length, "pairs": self.pairs}

    @property
    def size(self) -> int:
        """How many numbers there are, from 0."""
        return START + 1 + _SPARE + len(self.words)

    def encode(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """The numbers of the words of each text, (n, numbers) int32, then `NOTHING`."""
        number = {word: START + 1 + _SPARE + i for i, word in enumerate(self.words)}
        encoded = np.full((len(texts), self.length * (2 if self.pairs else 1)), NOTHING, dtype=np.int32)
        for row, text in zip(encoded, texts, strict=True):
            for i, word in enumerate(_words(text, self.length, self.pairs)):
                row[i] = number[word] if word in number else START + 1 + crc32(word.encode()) % _SPARE
        return encoded


def _words(text: str, length: int, pairs: bool) -> list[str]:
    words = [match.group() for match, _ in zip(_matches(text), range(length), strict=False)]
    return [*words, *(f"{one} {two}" for one, two in pairwise(words))] if pairs else words


def _matches(text: str) -> Iterator[re.Match[str]]:
    return re.finditer(WORD, text.lower())
