"""Segmenters that look at single pixels: where they lie, what colour they have, and on which side of a threshold."""

from __future__ import annotations

from itertools import permutations
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from concours.entrants.inputs import images
from concours.kernels.scoring.masks import VOID, mean_iou, shares_at

Floats = NDArray[np.float64]

_LEVELS: Final = 16
"""Levels of each colour that are told apart; of a grey picture the square of it."""
_BINS: Final = 64
_FEW = 1.0
"""Pixels of each colour that are taken to be as all are, before any is counted."""


class TypicalMasks(BaseEstimator):
    """The same mask for every picture: how often each label is at each place.

    Pictures are (rows, height, width[, colours]); targets codes (rows, height, width), `VOID` where there is no label;
    predictions probabilities (rows, height, width, classes), here and in all other segmenters. `classes`: how many
    labels there are; by default as many as the targets tell.
    """

    def __init__(self, *, classes: int | None = None) -> None:
        self.classes = classes

    def fit(self, X: Any, y: Any) -> Self:
        """Counts; pictures are not looked at."""
        del X
        self.shares_ = shares_at(np.asarray(y), width_of(y, self.classes))
        return self

    def predict(self, X: Any) -> Floats:
        """The same of every picture."""
        return np.repeat(self.shares_[None], len(X), axis=0)


class ThresholdSegmenter(BaseEstimator):
    """A threshold of each picture's own, by Otsu (1979), on one channel, and a label for either side.

    The channel is one of the colours, their mean, or how far they are apart; it and the labels are those whose masks
    overlap the most with those of training.
    """

    def __init__(self, *, classes: int | None = None) -> None:
        self.classes = classes

    def fit(self, X: Any, y: Any) -> Self:
        """Fit to pictures and their masks."""
        pictures, self.width_ = images(X), width_of(y, self.classes)
        best, seen = -1.0, y != VOID
        for channel in range(_channels(pictures).shape[-1]):
            above = self._above(pictures, channel)
            sides = np.stack([np.bincount(y[(above == side) & seen], minlength=self.width_) for side in (0, 1)])
            for labels in permutations(range(self.width_), 2):
                both = np.zeros(self.width_)
                both[[*labels]] = sides[[0, 1], labels]
                either = sides.sum(axis=0) - both
                either[[*labels]] += sides.sum(axis=1)
                found = float(mean_iou(np.concatenate([both, either])))
                if found > best:
                    best, self.channel_, self.labels_ = found, channel, np.array(labels)
        return self

    def predict(self, X: Any) -> Floats:
        """Probabilities of pictures: 0 or 1."""
        return np.eye(self.width_)[self.labels_[self._above(images(X), self.channel_)]]

    @staticmethod
    def _above(pictures: NDArray[Any], channel: int) -> NDArray[np.int64]:
        values = _channels(pictures)[..., channel]
        return np.stack([(one > otsu(one)).astype(np.int64) for one in values])


class ColourSegmenter(BaseEstimator):
    """How probable each label is where a colour is, counted in training; colours that were not seen are as all are."""

    def __init__(self, *, classes: int | None = None) -> None:
        self.classes = classes

    def fit(self, X: Any, y: Any) -> Self:
        """Counts the colours under each label."""
        pictures, count = images(X), width_of(y, self.classes)
        self.scale_ = _scale(pictures)
        colours = self._colours(pictures)
        size = self._levels(pictures) ** pictures.shape[3]
        sums = np.stack([np.bincount(colours.ravel(), y.ravel() == code, size) for code in range(count)], axis=1)
        prior = sums.sum(axis=0) / sums.sum()
        self.shares_ = (sums + _FEW * prior) / (sums.sum(axis=1, keepdims=True) + _FEW)
        return self

    def predict(self, X: Any) -> Floats:
        """Probabilities of pictures."""
        return self.shares_[self._colours(images(X))]

    @staticmethod
    def _levels(pictures: NDArray[Any]) -> int:
        return _LEVELS if pictures.shape[3] > 1 else _LEVELS**2

    def _colours(self, pictures: NDArray[Any]) -> NDArray[np.int64]:
        levels = self._levels(pictures)
        codes = np.zeros(pictures.shape[:3], dtype=np.int64)
        for channel in np.moveaxis(pictures, 3, 0):
            level = (channel / self.scale_ * levels).astype(np.int64)
            codes = codes * levels + np.clip(level, 0, levels - 1)
        return codes


def otsu(values: NDArray[Any]) -> float:
    """The threshold that parts values into two groups whose means are furthest apart, weighed by their sizes."""
    counts, edges = np.histogram(values, bins=_BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    below, sums = np.cumsum(counts)[:-1], np.cumsum(counts * middles)
    above, total = counts.sum() - below, sums[-1]
    apart = sums[:-1] / np.maximum(below, 1) - (total - sums[:-1]) / np.maximum(above, 1)
    return float(edges[1:-1][np.argmax(below * above * apart**2)])


def width_of(y: Any, classes: int | None) -> int:
    """How many labels there are."""
    return int(y.max(where=y != VOID, initial=0)) + 1 if classes is None else classes


def _channels(pictures: NDArray[Any]) -> Floats:
    """Colours, and of several their mean and how far apart they are, (rows, height, width, channels)."""
    values = pictures.astype(np.float64)
    if values.shape[3] == 1:
        return values
    return np.concatenate([values, values.mean(axis=3, keepdims=True), np.ptp(values, axis=3)[..., None]], axis=3)


def _scale(pictures: NDArray[Any]) -> float:
    return 256.0 if pictures.dtype == np.uint8 else float(np.abs(pictures).max(initial=0.0)) * 1.001 or 1.0
