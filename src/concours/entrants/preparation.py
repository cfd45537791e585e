"""Preparations: what stands between the data of a kind and an estimator that wants a matrix of numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler


class FlattenPixels(TransformerMixin, BaseEstimator):
    """Pictures (rows, height, width[, channels]) to a matrix (rows, pixels) float32; the largest value seen is 1."""

    def fit(self, X: NDArray[Any], y: object = None) -> FlattenPixels:
        self.scale_ = float(np.abs(X).max(initial=0.0)) or 1.0
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(X, dtype=np.float32).reshape(len(X), -1) / np.float32(self.scale_)


def _table() -> Pipeline:
    """Numbers as they are, dates and categories and text as numbers, gaps filled by the median, all on one scale."""
    from skrub import TableVectorizer  # a second to import, and only tables need it

    return make_pipeline(
        TableVectorizer(), SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )


PREPARATIONS: Mapping[str, Callable[[], Any]] = {"table": _table, "pixels": FlattenPixels}
"""Makers of unfitted transformers, by the name that a kind gives."""
