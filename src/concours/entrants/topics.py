"""Text columns of a table as a few numbers, for trees, networks and neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from concours.entrants.texts import counts, words_a_text

Floats = NDArray[np.float32]

_SENTENCE = 3
"""As many words has a cell on average, where a column holds sentences or titles rather than names or codes."""


def are_sentences(texts: Sequence[str]) -> bool:
    """Whether the cells of a text column hold sentences or titles, whose words tell more than their letters."""
    return words_a_text([text for text in texts if text]) >= _SENTENCE


class ColumnTopics(TransformerMixin, BaseEstimator):
    """The cells (rows,) of a text column to a matrix (rows, topics) float32.

    The first directions of their TF-IDF (latent semantic analysis, Deerwester et al. 1990): of sentences that of words,
    up to 50 of them, and logarithms of counts beside them, of characters, digits, capitals and so on; of names and
    codes that of runs of characters, up to 12.
    """

    most, few = 50, 12

    def fit(self, texts: Sequence[str], y: object = None) -> Self:
        self.sentences_ = are_sentences(texts)
        self.terms_ = _words() if self.sentences_ else _runs()
        weights = self.terms_.fit_transform(texts)
        most = min(self.most, max(self.few, len(texts) // 20)) if self.sentences_ else self.few
        self.reduce_ = TruncatedSVD(max(1, min(most, weights.shape[1] - 1)), n_iter=3, random_state=0).fit(weights)
        self.terms_.vocabulary_ = {word: int(place) for word, place in self.terms_.vocabulary_.items()}
        return self

    def transform(self, texts: Sequence[str]) -> Floats:
        places, distinct = pd.factorize(np.asarray(texts, dtype=object))
        if not len(distinct):
            return np.empty((0, self.reduce_.n_components + self.sentences_ * counts([""]).shape[1]), dtype=np.float32)
        topics = np.asarray(self.reduce_.transform(self.terms_.transform(distinct)), dtype=np.float32)
        return (np.hstack([topics, counts(distinct.tolist())]) if self.sentences_ else topics)[places]


def _words() -> TfidfVectorizer:
    return TfidfVectorizer(max_features=10_000, sublinear_tf=True, dtype=np.float32)


def _runs() -> TfidfVectorizer:
    return TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), max_features=1500, sublinear_tf=True, dtype=np.float32
    )
