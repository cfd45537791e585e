"""Documents as sentences, with the words that these share: what extracts are chosen by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer

Floats = NDArray[np.float64]

_WORD = re.compile(r"\w+")
_END = re.compile(r"(?:(?<=[.!?。！？])|(?<=[.!?。！？][\"'”’)\]]))\s+(?=[\"'“‘(\[]?[^\Wa-z_])")
_ENDED = re.compile(r"[.!?:;。！？][\"'”’)\]]*$")
_GOES_ON = re.compile(r"(?:\b(?:e\.g|i\.e|cf|vs|et al|etc|Fig|Eq|Sec|No|Mr|Mrs|Ms|Dr|Prof|St)|\b[A-Z])\.$")
"""What ends with a full stop and ends no sentence."""


def words(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return _WORD.findall(text.lower())


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order, at least one: `.`, `!` and `?` before a large letter or a number end one, but
    in an abbreviation, and so does the end of a line, unless the sentence plainly goes on in the next.
    """
    found = []
    for line in _unwrapped(text):
        start = ""
        for part in _END.split(line):
            start = f"{start} {part}".strip()
            if start and not _GOES_ON.search(start):
                found.append(start)
                start = ""
        found += [start] if start else []
    return found or [text.strip()]


def _unwrapped(text: str) -> list[str]:
    """Lines, those in one that were broken within a sentence: after no full stop, before a small letter or a figure."""
    found = [""]
    for line in map(str.strip, text.splitlines()):
        goes_on = found[-1] and line and not _ENDED.search(found[-1]) and (line[0].islower() or line[0].isdigit())
        if goes_on:
            found[-1] += f" {line}"
        else:
            found.append(line)
    return found


def overlap(said: Sequence[str], meant: Sequence[str]) -> float:
    """The F-score of words that two texts share, 0 to 1, a word as often as the rarer side has it."""
    shared = sum((Counter(said) & Counter(meant)).values())
    return 2 * shared / (len(said) + len(meant)) if shared else 0.0


@dataclass(frozen=True)
class Documents:
    """Texts as sentences, one behind the other.

    Attributes:
        sentences: of all.
        offsets: (documents + 1,) where those of each begin.
    """

    sentences: list[str]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Documents:
        """The sentences of texts."""
        each = [sentences(text) for text in texts]
        return cls([one for some in each for one in some], np.cumsum([0, *map(len, each)]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def counts(self) -> csr_matrix:
        """How often each sentence has each word, (sentences, words)."""
        if not any(map(words, self.sentences)):
            return csr_matrix((len(self.sentences), 1))
        return csr_matrix(CountVectorizer(analyzer=words, dtype=np.float64).fit_transform(self.sentences))

    @property
    def owner(self) -> NDArray[np.int64]:
        """Which document each sentence is of, (sentences,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @cached_property
    def shared(self) -> list[Floats]:
        """Of each document how many different words each two of its sentences share, (sentences, sentences)."""
        counts = np.diff(self.offsets)
        each = np.repeat(counts, counts)
        first = np.repeat(np.arange(len(self.sentences)), each)
        place = np.arange(len(first)) - np.repeat(np.cumsum(each) - each, each)
        second = place + np.repeat(self.offsets[:-1], counts**2)
        there = csr_matrix((np.ones(self.counts.nnz), self.counts.indices, self.counts.indptr), self.counts.shape)
        found = np.asarray(there[first].multiply(there[second]).sum(axis=1), dtype=np.float64).ravel()
        parts = np.split(found, np.cumsum(counts**2)[:-1])
        return [part.reshape(count, count) for part, count in zip(parts, counts, strict=True)]
