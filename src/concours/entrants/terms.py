"""Tables with text columns as a sparse matrix, for linear models and naive Bayes: all words, beside everything else."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.base import BaseEstimator, TransformerMixin

from concours.entrants.tables import Matrix, TableColumns, texts_of
from concours.entrants.texts import TextVectors

_WEIGHT = np.float32(0.3)
"""Of a number on its scale beside the weight of a word: what suits words, a penalty a tenth of what suits numbers, then
suits both."""


class TableTerms(TransformerMixin, BaseEstimator):
    """A frame to a CSR matrix (rows, terms + features) float32, none of it negative.

    The sentences of a row, of all its text columns, are one text, with the weights of `TextVectors`. All other columns
    are those of `Matrix`, a number in two halves: how far it lies above the median, and how far below.
    """

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        self.fit_transform(X)
        return self

    def fit_transform(self, X: pd.DataFrame, y: object = None) -> csr_matrix:
        """The same as `fit` and `transform`, in half of the time."""
        self.columns_ = TableColumns(topics=False).fit(X)
        columns = self.columns_.transform(X)
        self.matrix_ = Matrix().fit(columns)
        features = self._halves(columns)
        if not self.columns_.texts_:
            return features
        self.vectors_ = TextVectors()
        return hstack([self.vectors_.fit_transform(self._texts(X)), features], format="csr")

    def transform(self, X: pd.DataFrame) -> csr_matrix:
        features = self._halves(self.columns_.transform(X))
        if not self.columns_.texts_:
            return features
        terms = self.vectors_.transform(self._texts(X)) if len(X) else csr_matrix((0, self.vectors_.width))
        return hstack([terms, features], format="csr")

    def _texts(self, X: pd.DataFrame) -> NDArray[np.object_]:
        columns = [texts_of(X[name]) for name in self.columns_.texts_]
        return np.array(["\n".join(cells) for cells in zip(*columns, strict=True)], dtype=object)

    def _halves(self, columns: pd.DataFrame) -> csr_matrix:
        features, numbers = self.matrix_.transform(columns), len(self.matrix_.centre_)
        above, below = np.maximum(features[:, :numbers], 0), np.maximum(-features[:, :numbers], 0)
        return csr_matrix(np.hstack([above, below, features[:, numbers:]]) * _WEIGHT)
