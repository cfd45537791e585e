"""Pairs of texts as numbers: the terms that both have and that one has alone, and how like they are."""

from __future__ import annotations

import re
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.preprocessing import StandardScaler

from concours.entrants.hashed import WORD, HashedTerms
from concours.entrants.tables import texts_of

Floats = NDArray[np.float64]

_WORD: Final = re.compile(WORD)
_TOPICS: Final = 50
_BESIDE: Final = 0.3
"""Of a number on its scale beside the weight of a word."""
_NOT: Final = re.compile(r"\b(?:no|not|never|none|nobody|nothing|without|cannot|nicht|kein\w*)\b|n't\b")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_NAME: Final = re.compile(r"(?<=[\w,;] )[A-Z]\w+")


class PairLikeness(TransformerMixin, BaseEstimator):
    """How like two texts are, from a frame of two columns to a matrix (n, 18) float64.

    Of words, pairs of words, and runs of 3 to 5 characters the cosine by TF-IDF; of words also by topics (Deerwester et
    al. 1990), the share of either text's weight that the other has, and by how much a word weighs more in either, at
    most; the Dice coefficient of different words; words of either and how they differ; numbers and names that are
    shared and that one has alone; whether one denies and the other does not.

    Fitted: `words_`, `pairs_`, `runs_` and `terms_`, the weights of terms, and `topics_`, none where these are too few.
    """

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        first, second = both_of(X)
        texts = [*first, *second]
        self.words_, self.pairs_ = HashedTerms(least=0).fit(texts), HashedTerms(low=2, high=2, least=0).fit(texts)
        self.runs_ = HashedTerms(analyzer="char_wb", low=3, high=5, least=0).fit(texts)
        self.terms_ = HashedTerms()
        terms = self.terms_.fit_transform(texts)
        count = min(_TOPICS, terms.shape[1] - 1, len(texts) - 1)
        self.topics_ = TruncatedSVD(count, random_state=0).fit(terms) if count > 1 else None
        return self

    def transform(self, X: pd.DataFrame) -> Floats:
        first, second = both_of(X)
        one, other = (csr_matrix(self.words_.transform(texts)) for texts in (first, second))
        columns = [_cosines(one, other)]
        columns += [_cosines(*(v.transform(texts) for texts in (first, second))) for v in (self.pairs_, self.runs_)]
        columns += [self._by_topics(first, second), *_shares(one, other), *_alone(one, other)]
        different = [[set(_WORD.findall(text.lower())) for text in texts] for texts in (first, second)]
        columns.append(np.array([_dice(a, b) for a, b in zip(*different, strict=True)]))
        lengths = np.log1p([[len(text.split()) for text in texts] for texts in (first, second)])
        columns += [lengths[0], lengths[1], np.abs(lengths[0] - lengths[1])]
        for pattern in (_NUMBER, _NAME):
            found = [[set(pattern.findall(text)) for text in texts] for texts in (first, second)]
            columns.append(np.array([len(a & b) for a, b in zip(*found, strict=True)], dtype=np.float64))
            columns.append(np.array([len(a ^ b) for a, b in zip(*found, strict=True)], dtype=np.float64))
        denied = [[bool(_NOT.search(text.lower())) for text in texts] for texts in (first, second)]
        columns.append(np.array([a != b for a, b in zip(*denied, strict=True)], dtype=np.float64))
        return np.column_stack(columns)

    def _by_topics(self, first: list[str], second: list[str]) -> Floats:
        if self.topics_ is None:
            return np.zeros(len(first))
        a, b = (self.topics_.transform(self.terms_.transform(texts)) for texts in (first, second))
        norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        return np.divide((a * b).sum(axis=1), norms, out=np.zeros(len(a)), where=norms > 0)


class PairTerms(TransformerMixin, BaseEstimator):
    """The terms of two texts, from a frame of two columns to a CSR matrix float64, for linear models.

    Of the TF-IDF weights of words and pairs of words the product, which is of terms that both have, and the difference
    in two halves: what the first text has more of, and what the second. Beside them `PairLikeness`, standardised.
    Fitted: `terms_`, `likeness_`, `scale_`.
    """

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        first, second = both_of(X)
        self.terms_ = HashedTerms(high=2).fit([*first, *second])
        self.likeness_ = PairLikeness().fit(X)
        self.scale_ = StandardScaler().fit(self.likeness_.transform(X))
        return self

    def transform(self, X: pd.DataFrame) -> csr_matrix:
        one, other = (csr_matrix(self.terms_.transform(texts)) for texts in both_of(X))
        more = one - other
        parts = [one.multiply(other), more.maximum(0), (-more).maximum(0)]
        beside = csr_matrix(_BESIDE * self.scale_.transform(self.likeness_.transform(X)))
        return csr_matrix(hstack([*parts, beside], format="csr"))


def both_of(X: Any) -> tuple[list[str], list[str]]:
    """The texts of the two columns of a frame.

    Raises:
        ValueError: it has another number of columns.
    """
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
    if frame.shape[1] != 2:
        raise ValueError(f"X must have two columns of texts; got {frame.shape[1]}")
    return texts_of(frame.iloc[:, 0]), texts_of(frame.iloc[:, 1])


def _cosines(one: Any, other: Any) -> Floats:
    return np.asarray(one.multiply(other).sum(axis=1)).ravel()


def _shares(one: csr_matrix, other: csr_matrix) -> tuple[Floats, Floats]:
    """Of the weight of each text how much is of terms that the other has too."""
    found = []
    for own, there in ((one, other), (other, one)):
        whole = np.asarray(own.sum(axis=1)).ravel()
        shared = np.asarray(own.multiply(there > 0).sum(axis=1)).ravel()
        found.append(np.divide(shared, whole, out=np.zeros(len(whole)), where=whole > 0))
    return found[0], found[1]


def _alone(one: csr_matrix, other: csr_matrix) -> tuple[Floats, Floats]:
    """By how much a term weighs more in one text than in the other, at most: of the first text, and of the second."""
    most = [np.asarray(more.max(axis=1).todense()).ravel() for more in (one - other, other - one)]
    return np.maximum(most[0], 0), np.maximum(most[1], 0)


def _dice(one: set[str], other: set[str]) -> float:
    return 2 * len(one & other) / max(len(one) + len(other), 1)
