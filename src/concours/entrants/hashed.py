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
_TERMS = 1 << 18


class HashedTerms(TransformerMixin, BaseEstimator):
    """From texts (n,) of str to weights of terms, a CSR matrix (n, terms) float64 whose rows have length one.

    Terms are runs of `low` to `high` words, or characters within words, that are in `least` of the texts of the fit;
    each is a number of 2^18 (Weinberger et al. 2009), which few share. A term that is there k times counts 1 + log k.
    If `least` is 0, all terms count, as where texts are only compared with one another: those of no text of the fit as
    the rarest. Fitted: `kept_`, the numbers of the terms, and their inverse document frequencies `weights_`, and that
    of other terms `rarest_`.
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
        self.kept_ = np.flatnonzero(texts >= max(1, min(self.least, texts.max(initial=0))))
        self.weights_ = 1 + np.log((1 + counts.shape[0]) / (1 + texts[self.kept_]))
        self.rarest_ = 1 + float(np.log(1 + counts.shape[0]))
        return self._weighed(counts)

    def transform(self, X: Sequence[str]) -> csr_matrix:
        check_is_fitted(self, "kept_")
        return self._weighed(self._counts(X))

    def _counts(self, X: Sequence[str]) -> csr_matrix:
        hashed = HashingVectorizer(
            analyzer=self.analyzer,
            ngram_range=(self.low, self.high),
            token_pattern=WORD,
            n_features=_TERMS,
            alternate_sign=False,
            norm=None,
        )
        return csr_matrix(hashed.transform(X))

    def _weighed(self, counts: csr_matrix) -> csr_matrix:
        weights = self.weights_
        if not self.least:
            weights = np.full(_TERMS, self.rarest_)
            weights[self.kept_] = self.weights_
        kept = csr_matrix(counts[:, self.kept_] if self.least else counts)
        kept.data = (1 + np.log(kept.data)) * weights[kept.indices]
        return csr_matrix(normalize(kept))
