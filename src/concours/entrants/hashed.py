"""TF-IDF of terms that are known by a number alone: what is fitted is arrays, however many terms there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize
from sklearn.utils.validation import check_is_fitted

WORD = r"\w+"


class HashedTerms(TransformerMixin, BaseEstimator):
    """From texts (n,) of str to weights of terms, a CSR matrix (n, terms) float64 whose rows have length one.

    Terms are runs of `low` to `high` words, or characters within words, that are in `least` of the texts of the fit;
    each is a number of 2^18 (Weinberger et al. 2009), which few share. A term that is there k times counts 1 + log k.
    Fitted: `kept_`, the numbers of the terms, and their inverse document frequencies `weights_`.
    """

    def __init__(self, *, analyzer: str = "word", low: int = 1, high: int = 1, least: int = 2) -> None:
        self.analyzer = analyzer
        self.low = low
        self.high = high
        self.least = least

    def fit(self, X: Sequence[str], y: object = None) -> Self:
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Sequence[str], y: object = None) -> csr_matrix:
        """The same as `fit` and `transform`, in half of the time."""
        counts = self._counts(X)
        texts = np.bincount(counts.indices, minlength=counts.shape[1])
        self.kept_ = np.flatnonzero(texts >= min(self.least, max(texts.max(initial=0), 1)))
        self.weights_ = 1 + np.log((1 + counts.shape[0]) / (1 + texts[self.kept_]))
        return self._weighed(counts)

    def transform(self, X: Sequence[str]) -> csr_matrix:
        check_is_fitted(self, "kept_")
        return self._weighed(self._counts(X))

    def _counts(self, X: Sequence[str]) -> csr_matrix:
        hashed = HashingVectorizer(
            analyzer=self.analyzer,
            ngram_range=(self.low, self.high),
            token_pattern=WORD,
            n_features=1 << 18,
            alternate_sign=False,
            norm=None,
        )
        return csr_matrix(hashed.transform(X))

    def _weighed(self, counts: csr_matrix) -> csr_matrix:
        kept = csr_matrix(counts[:, self.kept_])
        kept.data = 1 + np.log(kept.data)
        return csr_matrix(normalize(kept.multiply(self.weights_).tocsr()))
