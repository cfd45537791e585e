"""Conditions: what is asked for in a text, a label or a description, as numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_LABELS: Final = 100
_OFTEN: Final = 3
"""Rows a label at least, on average; where there are fewer, texts are descriptions."""
_WORDS, _NUMBERS = 300, 16
_WORD = re.compile(r"\w+")


def labels_among(texts: Iterable[str]) -> tuple[str, ...]:
    """The different texts in their order, where they are labels, few that come again and again; else nothing."""
    counts = Counter(texts)
    few = len(counts) <= MOST_LABELS and _OFTEN * len(counts) <= counts.total()
    return tuple(sorted(counts)) if few else ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Conditions:
    """How texts become numbers. Of labels each has a column; of descriptions they are the principal components of which
    words are there.

    Attributes:
        words: labels, or words.
        whole: whether they are labels.
        turn: (1 + words, numbers): what each word adds, and first what all texts have.
    """

    words: tuple[str, ...]
    whole: bool
    turn: Floats

    @classmethod
    def among(cls, texts: Sequence[str]) -> Conditions:
        """What these texts (rows,) tell. Of one text in all rows nothing: there are no numbers."""
        if labels := labels_among(texts):
            size = len(labels) if len(labels) > 1 else 0
            return cls(words=labels, whole=True, turn=np.eye(1 + len(labels), size, -1))
        rows = Counter(word for text in texts for word in set(_words(text)))
        known = [word for word, count in rows.most_common() if 2 <= count < len(texts)][:_WORDS]
        told = _counted(texts, known, whole=False)[:, 1:]
        away = told - told.mean(axis=0)
        values, vectors = np.linalg.eigh(away.T @ away)
        order = np.argsort(-values, kind="stable")[:_NUMBERS]
        vectors = vectors[:, order[values[order] > 1e-9]]
        return cls(words=tuple(known), whole=False, turn=np.concatenate([-told.mean(axis=0)[None] @ vectors, vectors]))

    @property
    def numbers(self) -> int:
        """How many there are of a text."""
        return int(self.turn.shape[1])

    def of(self, texts: Sequence[str]) -> Floats:
        """(rows, numbers) of texts (rows,); nothing is known of a label, or of words, that were not there."""
        return _counted(texts, self.words, whole=self.whole) @ self.turn

    def to_json(self) -> dict[str, Any]:
        """All but `turn`."""
        return {"words": list(self.words), "whole": self.whole}

    @classmethod
    def from_json(cls, value: Mapping[str, Any], turn: Floats) -> Conditions:
        """The inverse."""
        return cls(words=tuple(value["words"]), whole=bool(value["whole"]), turn=turn)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _counted(texts: Sequence[str], words: Sequence[str], *, whole: bool) -> Floats:
    """(rows, 1 + words): 1, and for each word whether it is there, or, of labels, whether it is the text."""
    place = {word: at for at, word in enumerate(words, 1)}
    found = np.zeros((len(texts), 1 + len(words)))
    found[:, 0] = 1.0
    for row, text in enumerate(texts):
        for word in [text] if whole else _words(text):
            if word in place:
                found[row, place[word]] = 1.0
    return found
