"""Counts of bytes behind the word so far and words before it, smoothed as those of bytes are (`entrants.ngrams`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from concours.entrants.ngrams import Floats, Grams, Keys
from concours.entrants.passages import read, split

_EVEN = 1 / 256
_BASE = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(int(_BASE), -1, 1 << 64))
_SPREAD = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
"""Odd numbers that spread bits (SplitMix64, Steele, Lea and Flood 2014)."""
_BYTE = np.uint64(0xFF)


class WordModel(BaseEstimator):
    """The bytes that came behind the word so far and the last `words` words, and behind fewer of these.

    A word is letters and what follows up to the next letter: behind a whole one comes the first letter of another. So
    it knows farther contexts than counts of some bytes do, of which each came seldom. Fitted: `grams_`, of a byte
    alone first.
    """

    def __init__(self, *, words: int = 2) -> None:
        self.words = words

    def fit(self, X: Any, y: Any = None) -> Self:
        """Count passages X, a frame of `before` and `text`."""
        if self.words < 0:
            raise ValueError(f"words must be at least 0; got {self.words!r}")
        keys = self._keys(*read(X))
        longest, *others = keys[::-1]
        found, first, counts = np.unique(longest, return_index=True, return_counts=True)
        every = [Grams.of(found, counts)]
        for shorter in others:
            found, place, counts = np.unique(shorter[first], return_index=True, return_counts=True)
            first = first[place]
            every.append(Grams.of(found, counts))
        self.grams_ = every[::-1]
        return self

    def predict(self, X: Any) -> list[Floats]:
        """The probability of each byte of each passage."""
        check_is_fitted(self, "grams_")
        before, own = read(X)
        keys = self._keys(before, own)
        p = np.full(len(keys[0]), _EVEN)
        for asked, known in zip(keys, self.grams_, strict=True):
            p = known.interpolated(asked, p)
        return split(p, own)

    def _keys(self, before: Sequence[bytes], own: Sequence[bytes]) -> list[Keys]:
        """(bytes,) each: contexts with the byte behind them, as numbers: no context, the last byte, the word so far,
        and that with one more word before it each.
        """
        contents = [b"\0" + some + text for some, text in zip(before, own, strict=True)]
        whole = np.frombuffer(b"".join(contents), dtype=np.uint8)
        ends = np.cumsum([len(content) for content in contents])
        sizes = [len(text) for text in own]
        lasts = np.repeat(ends - np.cumsum(sizes), sizes) + np.arange(sum(sizes))
        firsts = np.repeat(ends - [len(content) for content in contents], sizes)
        begins = _begins(whole, ends)
        hashed = _Hashed(whole)
        now = lasts - 1  # the last byte of each context
        start = begins[now]
        contexts = [np.zeros(len(lasts), dtype=np.uint64), whole[now].astype(np.uint64), hashed.of(start, now + 1)]
        for _ in range(self.words):
            earlier = np.where(start > firsts, begins[start - 1], start)
            contexts.append(_mixed(contexts[-1]) + hashed.of(earlier, start))
            start = earlier
        return [(_mixed(context) & ~_BYTE) | whole[lasts] for context in contexts]

    def get_tensors(self) -> dict[str, NDArray[Any]]:
        """Everything learned, by name."""
        check_is_fitted(self, "grams_")
        each = enumerate(self.grams_)
        return {f"{name}{level}": getattr(known, name) for level, known in each for name in ("keys", "counts")}

    def get_state(self) -> dict[str, Any]:
        """Everything else that was fitted, as JSON can hold it."""
        return {}

    def set_tensors(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> Self:
        """Become fitted as the estimator was whose `get_tensors()` and `get_state()` these are; returns self."""
        del state
        self.grams_ = [
            Grams.of(np.asarray(tensors[f"keys{level}"]), np.asarray(tensors[f"counts{level}"]))
            for level in range(len(tensors) // 2)
        ]
        return self


class _Hashed:
    """Stretches of bytes as numbers, by sums of powers, so that any stretch is a difference (Karp and Rabin 1987)."""

    def __init__(self, whole: NDArray[np.uint8]) -> None:
        powers = np.cumprod(np.full(len(whole), _BASE))
        self._sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum((whole.astype(np.uint64) + 1) * powers)])
        self._back = np.cumprod(np.concatenate([np.ones(1, dtype=np.uint64), np.full(len(whole), _INVERSE)]))

    def of(self, begin: NDArray[np.int64], end: NDArray[np.int64]) -> Keys:
        """(n,) of the bytes from one place to another."""
        return np.asarray((self._sums[end] - self._sums[begin]) * self._back[begin])


def _begins(whole: NDArray[np.uint8], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """(bytes,) where the word begins that each byte is of: at a letter behind what is none, and with each content."""
    letter = ((whole | 0x20) - ord("a") < 26) | (whole >= 128) | (whole == ord("'"))
    begins = letter.copy()
    begins[1:] &= ~letter[:-1]
    begins[0] = True
    begins[ends[:-1]] = True
    return np.maximum.accumulate(np.where(begins, np.arange(len(whole)), 0))


def _mixed(numbers: Keys) -> Keys:
    """Numbers whose bits all hang on all bits."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * _SPREAD[0]
    numbers = (numbers ^ (numbers >> np.uint64(27))) * _SPREAD[1]
    return np.asarray(numbers ^ (numbers >> np.uint64(31)))
