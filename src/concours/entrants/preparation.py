"""Preparations: what stands between the data of a kind and an estimator that wants numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from concours.entrants.clips import FrameAverage, FrameMotion
from concours.entrants.couples import PairLikeness, PairTerms
from concours.entrants.minirocket import MiniRocket
from concours.entrants.sequence_features import WindowStatistics
from concours.entrants.sounds import MelPictures, MelStatistics
from concours.entrants.summed import SummedColumns
from concours.entrants.tables import Codes, Matrix, Standard, TableColumns
from concours.entrants.terms import TableTerms
from concours.entrants.texts import TextTopics, TextVectors


class FlattenPixels(TransformerMixin, BaseEstimator):
    """Pictures (rows, height, width[, channels]) to a matrix (rows, pixels) float32; the largest value seen is 1."""

    def fit(self, X: NDArray[Any], y: object = None) -> FlattenPixels:
        self.scale_ = float(np.abs(X).max(initial=0.0)) or 1.0
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(X, dtype=np.float32).reshape(len(X), -1) / np.float32(self.scale_)


def _patches() -> Any:
    from concours.entrants.pictures import PatchFeatures  # torch, which only pictures need

    return PatchFeatures()


def _components() -> Any:
    from concours.entrants.pictures import PixelComponents

    return PixelComponents()


PREPARATIONS: Mapping[str, Callable[[], Any]] = {
    "columns": TableColumns,
    "codes": lambda: make_pipeline(TableColumns(), Codes()),
    "matrix": lambda: make_pipeline(TableColumns(), Matrix()),
    "standard": lambda: make_pipeline(TableColumns(), Standard()),
    "sums": SummedColumns,
    "words": TableTerms,
    "tfidf": TextVectors,
    "topics": lambda: make_pipeline(TextTopics(), StandardScaler()),
    "pixels": FlattenPixels,
    "patches": _patches,
    "components": _components,
    "pair-terms": PairTerms,
    "pair-likeness": lambda: make_pipeline(PairLikeness(), StandardScaler()),
    "mel-statistics": MelStatistics,
    "mel-pictures": MelPictures,
    "frame-average": FrameAverage,
    "frame-motion": FrameMotion,
    "window-statistics": WindowStatistics,
    "minirocket": MiniRocket,
}
"""Makers of unfitted transformers, by the name that an entrant or a kind gives."""
