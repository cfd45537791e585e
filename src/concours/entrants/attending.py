"""Which words of a text a network that translates looks at, where it says each word of another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from concours.entrants.nbest import tokens

Floats = NDArray[np.float64]

NO_WORD: Final = -1


@dataclass(frozen=True, kw_only=True)
class Looked:
    """How much each piece of a text is looked at where each piece of another is said.

    Attributes:
        weights: (pieces that are said, pieces that are read).
        said, read: the word of each of these pieces, by its place among `entrants.nbest.tokens`; `NO_WORD` of a piece
            that is of none, as of one that ends a text.
    """

    weights: Floats
    said: Sequence[int]
    read: Sequence[int]


@runtime_checkable
class Attending(Protocol):
    """A fitted network that looks at a text while it says another."""

    def predict(self, X: Any) -> Any:
        """Texts (n,) to what is said of them."""
        ...

    def looked(self, text: str, said: str) -> Looked:
        """Where it looks, if it reads this and says that."""
        ...


def attention(estimator: Attending, text: str, said: str) -> Floats:
    """How much the network looks at each word of a text where it says each word of another (Bahdanau et al. 2015).

    Of the pieces of a word that is read weights are summed, of those of one that is said they are averaged. Law: each
    row sums to 1; of words beyond what the network says, and where it reads nothing, it is 0.

    Returns:
        (words of `said`, words of `text`).
    """
    found, looked = np.zeros((len(tokens(said)), len(tokens(text)))), estimator.looked(text, said)
    rows, columns = (np.asarray(words, dtype=np.int64) for words in (looked.said, looked.read))
    down, across = np.flatnonzero(rows != NO_WORD), np.flatnonzero(columns != NO_WORD)
    np.add.at(found, (rows[down][:, None], columns[across]), looked.weights[np.ix_(down, across)])
    sums = found.sum(axis=1, keepdims=True)
    return np.divide(found, sums, out=np.zeros_like(found), where=sums > 0)


def words_of(text: str, ends: Sequence[tuple[int, int]]) -> list[int]:
    """The word of each stretch of a text, from a letter up to another one; `NO_WORD` of an empty one."""
    lengths: Any = np.cumsum([len(word) for word in tokens(text)])
    last = len(lengths) - 1
    return [
        min(int(np.searchsorted(lengths, end, side="right")), last) if begin < end else NO_WORD for begin, end in ends
    ]
