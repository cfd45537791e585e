"""How surprised language models are by texts: what the metrics of passages are means of.

Targets are the bytes of passages, (rows, most) uint8, 0 behind the last: no text has a byte 0. Predictions are the
probabilities of these bytes, each after all before it, (rows, most).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

_LEAST = 1e-30
"""The least probability that counts, some hundred bits: who holds a byte impossible loses much, and not everything."""
_LEADING = 0b11000000
_FOLLOWS = 0b10000000


def bits(y: Bytes, p: Floats) -> Floats:
    """The surprise by each byte, in bits, (rows, most); 0 behind the last."""
    return np.where(y > 0, -np.log2(np.maximum(p, _LEAST)), 0.0)


def bits_and_bytes(y: Bytes, p: Floats) -> Floats:
    """(rows, 2): the bits of each passage, and how many bytes it has."""
    return np.stack([bits(y, p).sum(axis=1), (y > 0).sum(axis=1)], axis=1)


def bits_and_characters(y: Bytes, p: Floats) -> Floats:
    """(rows, 2): the bits of each passage, and how many characters it has: UTF-8 has one leading byte for each."""
    leading = (y > 0) & (y & _LEADING != _FOLLOWS)
    return np.stack([bits(y, p).sum(axis=1), leading.sum(axis=1)], axis=1)


def bits_each(y: Bytes, p: Floats) -> Floats:
    """(rows,) the bits per byte of each passage."""
    found = bits_and_bytes(y, p)
    return np.asarray(found[:, 0] / found[:, 1])
