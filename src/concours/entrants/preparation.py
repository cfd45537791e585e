"""Preparations: what stands between the data of a kind and an estimator that wants numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline

from concours.entrants.tables import Codes, Matrix, TableColumns


class FlattenPixels(TransformerMixin, BaseEstimator):
    """Pictures (rows, height, width[, channels]) to a matrix (rows, pixels) float32; the largest value seen is 1."""

    def fit(self, X: NDArray[Any], y: object = None) -> FlattenPixels:
        self.scale_ = float(np.abs(X).max(initial=0.0)) or 1.0
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(X, dtype=np.float32).reshape(len(X), -1) / np.float32(self.scale_)


PREPARATIONS: Mapping[str, Callable[[], Any]] = {
    "columns": TableColumns,
    "codes": lambda: make_pipeline(TableColumns(), Codes()),
    "matrix": lambda: make_pipeline(TableColumns(), Matrix()),
    "pixels": FlattenPixels,
}
"""Makers of unfitted transformers, by the name that an entrant or a kind gives."""
