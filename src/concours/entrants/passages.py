"""What entrants take of passages: a frame with `before` and `text`, or the like, as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

NOTHING: Final = 0
"""The byte that stands before the first and behind the last: none of a text is it."""


def read(X: Any) -> tuple[list[bytes], list[bytes]]:
    """What stands before each passage, and the passages.

    Raises:
        ValueError: they are no passages.
    """
    try:
        columns = [list(X["before"]), list(X["text"])]
    except (KeyError, IndexError, TypeError):
        raise ValueError("X must be a frame of passages, with the columns before and text") from None
    before, own = ([text.encode() for text in column] for column in columns)
    return before, own


def windows(
    before: Sequence[bytes], own: Sequence[bytes], context: int, length: int
) -> tuple[Bytes, NDArray[np.int64]]:
    """Passages cut into windows, (n, context + length): so many bytes to read, and so many to tell, each after those
    before it; `NOTHING` before a document begins, and behind the last byte. With the passage of each, (n,).

    Law: the bytes to tell of a passage's windows, one behind the other, are the passage.
    """
    found, places = list[bytes](), list[int]()
    for place, (some, text) in enumerate(zip(before, own, strict=True)):
        whole = bytes(context) + some + text
        begin = context + len(some)
        for at in range(begin, begin + len(text), length):
            found.append(whole[at - context : at + length].ljust(context + length, b"\0"))
            places.append(place)
    rows = np.frombuffer(b"".join(found), dtype=np.uint8).reshape(-1, context + length)
    return rows, np.asarray(places, dtype=np.int64)


def split(p: NDArray[np.float64], own: Sequence[bytes]) -> list[NDArray[np.float64]]:
    """Numbers of all bytes of passages, an array for each."""
    return np.split(p, np.cumsum([len(text) for text in own])[:-1])
