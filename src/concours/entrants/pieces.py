"""From probabilities of pieces of words to those of bytes.

A piece is told byte by byte: the first by the probability of all pieces that begin with it, each later one by that of
all that begin so, as a share of those that begin as far as before, and the last by that of the piece itself. So the
product over its bytes is the probability of the piece.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LEAST = 1e-30
_PRINTABLE: Final = (*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1))
"""Bytes that a tokenizer of bytes writes as the character of that number; the others follow from 256 on (GPT-2)."""


def bytes_of(piece: str) -> bytes | None:
    """The bytes of a piece as a tokenizer of bytes writes it; none where it is no such piece."""
    try:
        return bytes(_WRITTEN[letter] for letter in piece)
    except KeyError:
        return None


def _written() -> dict[str, int]:
    others = [byte for byte in range(256) if byte not in _PRINTABLE]
    return {**{chr(byte): byte for byte in _PRINTABLE}, **{chr(256 + place): byte for place, byte in enumerate(others)}}


_WRITTEN: Final = _written()


class Pieces:
    """The pieces of a vocabulary, in the order of their bytes, so that those that begin alike stand together.

    Args:
        contents: the bytes of each piece, by its number; none of those that are no text.
    """

    def __init__(self, contents: Sequence[bytes | None]) -> None:
        self.contents = contents
        self.order = [place for _, place in sorted((some, place) for place, some in enumerate(contents) if some)]
        self._known: dict[bytes, tuple[int, int]] = {}

    @cached_property
    def _sorted(self) -> list[bytes]:
        return [self.contents[place] or b"" for place in self.order]

    def told(self, p: Floats, piece: int, *, ends: bool) -> Floats:
        """The probability of each byte of a piece, after those before it, by probabilities (pieces,) of all.

        Args:
            ends: whether it is known that the piece ends there; else all count that begin with it.

        Law: their product is the probability of the piece, or of all that begin with it.
        """
        return self.told_by(self.summed(p), float(p[piece]), self.contents[piece] or b"", ends=ends)

    def summed(self, p: Floats) -> Floats:
        """(pieces + 1,) sums of the probabilities of the first pieces, in the order of their bytes."""
        return np.concatenate([[0.0], np.cumsum(p[self.order])])

    def told_by(self, sums: Floats, own: float, content: bytes, *, ends: bool) -> Floats:
        """`told`, by sums that were made before."""
        masses = [
            1.0,
            *(float(np.diff(sums[list(self.between(content[:most]))])[0]) for most in range(1, len(content))),
        ]
        masses.append(own if ends else float(np.diff(sums[list(self.between(content))])[0]))
        found = np.maximum(masses, _LEAST)
        return np.clip(found[1:] / found[:-1], _LEAST, 1.0)

    def between(self, beginning: bytes) -> tuple[int, int]:
        """From where to where pieces stand that begin with these bytes."""
        if beginning not in self._known:
            after = _next(beginning)
            last = len(self.order) if after is None else bisect_left(self._sorted, after)
            self._known[beginning] = (bisect_left(self._sorted, beginning), last)
        return self._known[beginning]


def pieces_of(tokenizer: Any) -> Pieces | None:
    """The pieces of a tokenizer of Hugging Face that splits texts into bytes; none of any other."""
    vocabulary = tokenizer.get_vocab(with_added_tokens=False)
    contents: list[bytes | None] = [None] * (max(vocabulary.values()) + 1)
    for piece, place in vocabulary.items():
        contents[place] = bytes_of(piece)
    added = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    for piece in added & vocabulary.keys():
        contents[vocabulary[piece]] = None
    alone = {some for some in contents if some and len(some) == 1}
    return Pieces(contents) if len(alone) >= _BYTES_KNOWN else None


_BYTES_KNOWN = 200
"""Bytes that are pieces alone, at least, of a tokenizer of bytes: all that UTF-8 has, mostly."""


def _next(beginning: bytes) -> bytes | None:
    """The first bytes behind all that begin so; none where nothing is."""
    cut = beginning.rstrip(b"\xff")
    return cut[:-1] + bytes([cut[-1] + 1]) if cut else None
