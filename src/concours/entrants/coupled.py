"""Pairs of texts read by a model of Hugging Face: both at once, or each by itself as a vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from concours.entrants.couples import both_of
from concours.entrants.embedded import EmbeddedClassifier, Floats
from concours.entrants.pretrained import PretrainedClassifier


class EmbeddedPairs(EmbeddedClassifier):
    """Logistic regression on the vectors of two texts, each by itself (Reimers and Gurevych 2019, "Sentence-BERT").

    Of vectors of length one a linear head (`concours.entrants.heads`) gets their product and their absolute difference,
    number by number, and their cosine. Parameters and what is fitted are those of `EmbeddedClassifier`, but for what
    suits a comparison of whole texts: the mean of all tokens, of the last layer.
    """

    def __init__(self, *, length: int = 128, pooling: str = "mean", layers: Sequence[int] = (-1,)) -> None:
        super().__init__(length=length, pooling=pooling, layers=layers)

    def _vectors(self, X: Any) -> Floats:
        one, other = (_of_length_one(EmbeddedClassifier._vectors(self, np.array(t, dtype=object))) for t in both_of(X))
        product = one * other
        return np.hstack([product, np.abs(one - other), product.sum(axis=1, keepdims=True)])


class PretrainedPairs(PretrainedClassifier):
    """A cross-encoder: a `PretrainedClassifier` that reads both texts at once, as the tokenizer puts them together.

    `length`: the most tokens of both; of the longer one more is cut.
    """

    def _numbers(self, X: Any, length: int) -> list[list[int]]:
        return self.tokens_.of(list(zip(*both_of(X), strict=True)), length)


def _of_length_one(vectors: Floats) -> Floats:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
