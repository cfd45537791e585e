"""A detector that slides windows over pictures, and judges by colours and edges in the cells of each, linearly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from concours.entrants.inputs import images
from concours.entrants.regions import cell_means, channels, fitted, held, moved, nothing, offsets_to, summed
from concours.kernels.rows.boxes import Boxes, suppressed_each

Floats = NDArray[np.float64]

_CELLS = 4
_OVERLAP = 0.45
_LEAST = 0.05
_SOME = 60  # windows of a picture that hold nothing, of those that are learned from


class WindowDetector(BaseEstimator):
    """Sliding windows of a few shapes, over histograms of oriented gradients (Dalal and Triggs 2005).

    Windows have the shapes of `shapes` clusters of the objects, and go in steps of a quarter of their sides. A logistic
    regression on colours and edges in 4 × 4 cells says which object a window holds, if any; it is fitted twice, the
    second time also on windows that the first was wrong about. A linear regression says where in it the object lies.

    Pictures are (rows, height, width[, colours]); targets and predictions boxes as `tasks.outputs.boxes` has them.
    """

    def __init__(self, *, shapes: int = 6, random_state: int | None = None) -> None:
        self.shapes = shapes
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Fit to pictures and their boxes."""
        pictures, truth = images(X), Boxes.of(y)
        rng = np.random.default_rng(self.random_state)
        self.background_ = int(truth.labels.max(initial=-1)) + 1
        sides = truth.corners[:, 2:] - truth.corners[:, :2]
        if not len(sides):
            self.windows_ = np.empty((0, 4))
            return self
        sizes = np.round(np.log(sides), 4)
        shapes = min(self.shapes, len(np.unique(sizes, axis=0)))
        found = KMeans(n_clusters=shapes, n_init=2, random_state=self.random_state).fit(sizes)
        self.windows_ = np.concatenate([_windows(shape) for shape in np.exp(found.cluster_centers_)])
        some = self._examples(pictures, truth, rng, hard=False)
        numbers, labels, corners, objects = some
        inside = labels != self.background_
        if not inside.any():
            self.windows_ = np.empty((0, 4))
            return self
        self.classifier_ = self._classified(some)
        self.classifier_ = self._classified(_joined(some, self._examples(pictures, truth, rng, hard=True)))
        where = make_pipeline(StandardScaler(), Ridge(alpha=100.0))
        self.where_ = where.fit(numbers[inside], offsets_to(corners[inside], objects[inside]))
        return self

    def predict(self, X: Any) -> Boxes:
        """Boxes of pictures."""
        return suppressed_each([self._seen(picture) for picture in images(X)], overlap=_OVERLAP)

    def _seen(self, picture: NDArray[Any]) -> tuple[NDArray[np.int64], Floats, Floats]:
        """All windows that may hold an object: labels, scores, and where it lies."""
        if not len(self.windows_):
            return nothing()
        numbers = self._numbers(picture)
        told = self.classifier_.predict_proba(numbers)
        known = self.classifier_.classes_
        window, column = np.nonzero((told >= _LEAST) & (known != self.background_))
        if not len(window):
            return nothing()
        corners = moved(self.windows_[window], self.where_.predict(numbers[window]))
        return known[column], told[window, column], corners

    def _numbers(self, picture: NDArray[Any]) -> Floats:
        return np.sqrt(np.maximum(cell_means(summed(channels(picture)), self.windows_, cells=_CELLS), 0.0))

    def _classified(self, examples: _Examples) -> Any:
        numbers, labels, _, _ = examples
        linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.03, max_iter=60, tol=1e-3))
        return fitted(linear, numbers, labels)

    def _examples(self, pictures: NDArray[Any], truth: Boxes, rng: np.random.Generator, *, hard: bool) -> _Examples:
        """Windows to learn from; hard ones are those that look like an object and hold none."""
        parts = list(self._of_pictures(pictures, truth, rng, hard=hard))
        return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))  # type: ignore[return-value]

    def _of_pictures(
        self, pictures: NDArray[Any], truth: Boxes, rng: np.random.Generator, *, hard: bool
    ) -> Iterator[_Examples]:
        for row, picture in enumerate(pictures):
            labels, objects = held(self.windows_, truth, row, self.background_)
            none = np.flatnonzero(labels == self.background_)
            numbers = self._numbers(picture)
            if hard and len(none):
                none_said = self.classifier_.classes_ == self.background_
                doubt = 1 - self.classifier_.predict_proba(numbers[none])[:, none_said].sum(axis=1)
                chosen = none[np.argsort(-doubt, kind="stable")[:_SOME]]
            elif hard:
                chosen = none
            else:
                inside = np.flatnonzero((labels >= 0) & (labels != self.background_))
                inside = rng.permutation(inside)[: 2 * _SOME]
                chosen = np.sort(np.concatenate([inside, rng.permutation(none)[:_SOME]]))
            yield numbers[chosen], labels[chosen], self.windows_[chosen], objects[chosen]


_Examples = tuple[Floats, NDArray[np.int64], Floats, Floats]
"""Numbers of windows, what these hold, the windows, and the objects."""


def _joined(some: _Examples, others: _Examples) -> _Examples:
    return tuple(np.concatenate(pair) for pair in zip(some, others, strict=True))  # type: ignore[return-value]


def _windows(shape: Floats) -> Floats:
    """Windows of one shape (width, height), (windows, 4), within the picture, in steps of a quarter of it."""
    shape = np.minimum(shape, 1.0)
    starts = [np.linspace(0.0, 1.0 - side, 1 + int(np.ceil((1.0 - side) / (side / 4)))) for side in shape]
    left, top = (axis.reshape(-1) for axis in np.meshgrid(*starts))
    return np.stack([left, top, left + shape[0], top + shape[1]], axis=1)
