"""Counts of bytes that follow one another: interpolated modified Kneser–Ney smoothing.

Source: Kneser and Ney 1995; Chen and Goodman 1999, "An empirical study of smoothing techniques for language modeling".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from concours.entrants.passages import NOTHING, read, split

Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]

MOST: Final = 8
"""Bytes of a gram, at most: so many are one number of 64 bits."""

_BYTE = np.uint64(8)
_EVEN = 1 / 256
_USUAL: Final = (0.5, 1.0, 1.5)
"""Discounts of grams that came once, twice, and more often, where there are too few to find them by."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Grams:
    """What came after contexts of one length.

    Attributes:
        keys: (grams,) rising: the bytes of a context and the one behind them, as one number.
        counts: (grams,) how often each came, or, of all but the longest, behind how many different bytes.
        discounts: of what came once, twice, and more often.
        contexts: (contexts,) rising.
        totals: (contexts,) sums of the counts.
        left: (contexts,) the share of each that is left for what did not come behind it.
    """

    keys: Keys
    counts: NDArray[np.int64]
    discounts: Floats
    contexts: Keys
    totals: Floats
    left: Floats

    @classmethod
    def of(cls, keys: Keys, counts: NDArray[np.int64]) -> Grams:
        """From grams that came at least once."""
        discounts = discounts_of(counts)
        contexts, first = np.unique(keys >> _BYTE, return_index=True)
        totals = np.add.reduceat(counts, first).astype(np.float64)
        left = np.add.reduceat(discounts[np.minimum(counts, 3) - 1], first) / totals
        return cls(keys=keys, counts=counts, discounts=discounts, contexts=contexts, totals=totals, left=left)

    def interpolated(self, asked: Keys, below: Floats) -> Floats:
        """The probability of the last byte of grams (n,) after the others, `below` being that after one fewer.

        Law: if that sums to 1 over all bytes that could be last, so does this.
        """
        place, known = _found(self.contexts, asked >> _BYTE)
        gram, came = _found(self.keys, asked)
        counts = self.counts[gram]
        own = np.where(came, (counts - self.discounts[np.minimum(counts, 3) - 1]) / self.totals[place], 0.0)
        return np.where(known, own + self.left[place] * below, below)


def discounts_of(counts: NDArray[np.int64]) -> Floats:
    """How much is taken off counts of one, two and more, by how many there are of one to four."""
    one, two, three, four = (int((counts == count).sum()) for count in (1, 2, 3, 4))
    if not min(one, two, three, four):
        return np.asarray(_USUAL)
    share = one / (one + 2 * two)
    found = np.array([1 - 2 * share * two / one, 2 - 3 * share * three / two, 3 - 4 * share * four / three])
    return found if (found > 0).all() else np.asarray(_USUAL)


def grams(contents: Sequence[bytes], own: Sequence[int], length: int) -> Keys:
    """The grams of so many bytes that end at each of the last `own` bytes of contents, one behind the other.

    Args:
        contents: each with `length - 1` bytes at least before those.
    """
    whole = np.frombuffer(b"".join(contents), dtype=np.uint8).astype(np.uint64)
    ends = np.cumsum([len(content) for content in contents])
    lasts = np.repeat(ends - np.cumsum(own), own) + np.arange(sum(own))  # of the k-th of all own bytes
    keys = np.zeros(len(lasts), dtype=np.uint64)
    for back in range(length - 1, -1, -1):
        keys = (keys << _BYTE) | whole[lasts - back]
    return keys


def counted(found: Keys, counts: NDArray[np.int64], length: int) -> list[Grams]:
    """Grams of one byte to `length`, from the longest (grams,), rising, and how often each came: those of fewer bytes
    count as often as different bytes stood before them.
    """
    every = [Grams.of(found, counts)]
    for shorter in range(length - 1, 0, -1):
        found, counts = np.unique(found & np.uint64((1 << 8 * shorter) - 1), return_counts=True)
        every.append(Grams.of(found, counts.astype(np.int64)))
    return every[::-1]


class NgramModel(BaseEstimator):
    """The bytes that came behind the last few, and behind fewer of these, the more the rarer they are.

    `order`: bytes of a gram, the one that is told among them: 1 to 8. Fitted: `grams_`, of one byte first.
    """

    def __init__(self, *, order: int = 7) -> None:
        self.order = order

    def fit(self, X: Any, y: Any = None) -> Self:
        """Count passages X, a frame of `before` and `text`."""
        if not 1 <= self.order <= MOST:
            raise ValueError(f"order must be from 1 to {MOST}; got {self.order!r}")
        found, counts = np.unique(self._keys(*read(X)), return_counts=True)
        self.grams_ = counted(found, counts.astype(np.int64), self.order)
        return self

    def predict(self, X: Any) -> list[Floats]:
        """The probability of each byte of each passage."""
        check_is_fitted(self, "grams_")
        before, own = read(X)
        keys = self._keys(before, own)
        p = np.full(len(keys), _EVEN)
        for length, known in enumerate(self.grams_, 1):
            mask = np.uint64((1 << 8 * length) - 1)
            p = known.interpolated(keys & mask, p)
        return split(p, own)

    def _keys(self, before: Sequence[bytes], own: Sequence[bytes]) -> Keys:
        reads = self.order - 1
        begun = [(bytes([NOTHING]) * reads + some)[len(some) :] for some in before]
        contents = [some + text for some, text in zip(begun, own, strict=True)]
        return grams(contents, [len(text) for text in own], self.order)

    def get_tensors(self) -> dict[str, NDArray[Any]]:
        """Everything learned, by name: the longest grams, which all others follow from."""
        check_is_fitted(self, "grams_")
        return {"keys": self.grams_[-1].keys, "counts": self.grams_[-1].counts.astype(np.int32)}

    def get_state(self) -> dict[str, Any]:
        """Everything else that was fitted, as JSON can hold it."""
        return {}

    def set_tensors(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> Self:
        """Become fitted as the estimator was whose `get_tensors()` and `get_state()` these are; returns self."""
        del state
        keys, counts = np.asarray(tensors["keys"]), np.asarray(tensors["counts"], dtype=np.int64)
        self.grams_ = counted(keys, counts, self.order)
        return self


def _found(known: Keys, asked: Keys) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each of the numbers asked for (n,) stands in those that are known, rising, and whether it does."""
    places = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return places, known[places] == asked
