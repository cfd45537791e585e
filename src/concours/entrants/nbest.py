"""What translators say: for each row the best texts with shares, as an Arrow array; and texts as tokens and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray
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
    """Lists of texts with shares, the softmax of their worth; none where the best is empty: nothing is heard."""
    heard = [[(text, worth) for text, worth in row if text.strip()] if row[0][0].strip() else [] for row in rows]
    found = [zip(row, softmax([worth for _, worth in row]), strict=True) if row else [] for row in heard]
    return pa.array([[{"text": text, "score": float(share)} for (text, _), share in row] for row in found], NBEST)


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


def references_of(y: Any) -> list[list[str]]:
    """References of each text, with one blank between words; a text alone is one.

    Raises:
        ValueError: there is no row, or one has no reference.
    """
    rows = y.to_pylist() if isinstance(y, (pa.Array, pa.ChunkedArray)) else np.asarray(y, dtype=object).tolist()
    found = [row if isinstance(row, list) else [row] for row in rows]
    if not found or not all(row and all(isinstance(text, str) for text in row) for row in found):
        raise ValueError(f"y must hold at least one text a row, and texts alone; got {rows[:1]!r}")
    return [[" ".join(text.split()) for text in row] for row in found]


def paired(X: ArrayLike, y: Any, weights: ArrayLike | None) -> tuple[list[str], list[str], NDArray[np.float32] | None]:
    """Texts (m,), what each becomes, and weights: where a row has several references, it stands once for each of them
    with its part of the weight. Weights are none where all are alike.

    Raises:
        ValueError: there is nothing to learn, or rows differ in number.
    """
    texts, references = said(X), references_of(y)
    if len(texts) != len(references):
        raise ValueError(f"X and y must have the same number of rows; got {len(texts)} and {len(references)}")
    counts = np.array([len(row) for row in references])
    sources = [text for text, count in zip(texts, counts, strict=True) for _ in range(count)]
    targets = [text for row in references for text in row]
    if weights is None and counts.max() == 1:
        return sources, targets, None
    each = (np.ones(len(texts)) if weights is None else np.asarray(weights, dtype=np.float64)) / counts
    every = np.repeat(each, counts)
    return sources, targets, (every / every.mean()).astype(np.float32)


def tokens(text: str) -> list[str]:
    """Words and signs, each with the blank before it, if there is one: joined they are the text, with one before it."""
    return _TOKEN.findall(f" {text}")


def joined(parts: Sequence[str]) -> str:
    """The inverse of `tokens`."""
    return "".join(parts).strip()
