"""What translators say: for each row the best texts with shares, as an Arrow array; and texts as tokens and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike
from scipy.special import softmax

from concours.entrants.texts import as_texts

NBEST: Final = pa.list_(pa.struct([("text", pa.string()), ("score", pa.float64())]))
"""Of a row the texts, best first, each with its share: how probable it is of these; shares sum to 1."""

_TOKEN = re.compile(r" ?(?:\w+|[^\w\s])")

Scored = Sequence[tuple[str, float]]
"""Texts, best first, with the logarithm of what each is worth, in any unit."""


def nbest(rows: Sequence[Scored], *, instead: Sequence[str]) -> pa.Array:
    """Lists of texts with shares, the softmax of their worth. An empty text is left out; `instead` is said of none."""
    found = []
    for scored, other in zip(rows, instead, strict=True):
        some = [(text, worth) for text, worth in scored if text.strip()] or [(other, 0.0)]
        shares = softmax([worth for _, worth in some])
        found.append([{"text": text, "score": float(share)} for (text, _), share in zip(some, shares, strict=True)])
    return pa.array(found, NBEST)


def transcripts(rows: Sequence[Scored]) -> pa.Array:
    """Lists of texts with shares, the softmax of their worth; none where the best is empty, as nothing is heard then."""
    heard = [[(text, worth) for text, worth in row if text.strip()] if row[0][0].strip() else [] for row in rows]
    found = [zip(row, softmax([worth for _, worth in row]), strict=True) if row else [] for row in heard]
    return pa.array(
        [[{"text": text, "score": float(share)} for (text, _), share in row] for row in found], NBEST
    )


def said(X: ArrayLike) -> list[str]:
    """Texts (n,) with one blank between words."""
    return [" ".join(text.split()) for text in as_texts(X)]


def meant(y: Any) -> list[str]:
    """Targets (n,) of str with one blank between words.

    Raises:
        ValueError: there are none.
    """
    texts = y.to_pylist() if isinstance(y, (pa.Array, pa.ChunkedArray)) else np.asarray(y, dtype=object).tolist()
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"y must hold at least one text, and texts alone; got {texts[:1]!r}")
    return [" ".join(text.split()) for text in texts]


def tokens(text: str) -> list[str]:
    """Words and signs, each with the blank before it, if there is one: joined they are the text, with one before it."""
    return _TOKEN.findall(f" {text}")


def joined(parts: Sequence[str]) -> str:
    """The inverse of `tokens`."""
    return "".join(parts).strip()
