"""Pictures that are looked at more than once when they are predicted (test-time augmentation)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from concours.entrants.classifier import NeuralClassifier
from concours.entrants.inputs import images

Array = NDArray[Any]


class LooksAgain(NeuralClassifier):
    """A network of pictures whose probabilities are means over changed pictures, where `augment_test` is true.

    These are the picture as it is and moved by a pixel to each side, edges repeated; and all of them mirrored where
    training mirrors (Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks").
    """

    augment: str
    augment_test: bool

    def predict_proba(self, X: ArrayLike) -> Array:
        if not self.augment_test:
            return super().predict_proba(X)
        check_is_fitted(self, "network_")
        pictures = images(X)
        each = [super(LooksAgain, self).predict_proba(view) for view in views(pictures, mirrored=self._mirrors)]
        return np.asarray(np.mean(each, axis=0))

    def predict(self, X: ArrayLike) -> Array:
        """The most probable class of each row, shape (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    @property
    def _mirrors(self) -> bool:
        return self.augment == "shift-flip" or (self.augment == "auto" and self.input_shape_[2] > 1)


def views(pictures: Array, *, mirrored: bool) -> Iterator[Array]:
    """Pictures (n, height, width, colours) as they are, moved by a pixel each way, and all of these mirrored."""
    height, width = pictures.shape[1:3]
    for down, right in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)):
        rows = (np.arange(height) - down).clip(0, height - 1)
        columns = (np.arange(width) - right).clip(0, width - 1)
        moved = pictures[:, rows[:, None], columns]
        yield moved
        if mirrored:
            yield np.ascontiguousarray(moved[:, :, ::-1])
