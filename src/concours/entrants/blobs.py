"""A detector of blobs: what has the colours of objects, in pieces, and what each piece is."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from concours.entrants.inputs import images
from concours.entrants.regions import cell_means, channels, fitted, held, moved, nothing, offsets_to, summed
from concours.kernels.rows.boxes import Boxes, areas, suppressed_each

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_LEVELS = 8
"""Levels of each colour that are told apart."""
_THRESHOLDS = (0.4, 0.6, 0.8)
_PEAKS = 25
_SMALLEST = 9  # pixels of a piece
_OVERLAP = 0.5
_LEAST = 0.03
_SOME = 60
"""Regions of a picture that hold nothing, of those that are learned from."""


class BlobDetector(BaseEstimator):
    """Pieces of pictures by colour, and boosted trees that say which object a piece is.

    How probable it is that a colour lies in an object of each class is counted in training. Where that is above one of
    three thresholds, connected pieces are regions; and around each point that is deep inside a piece lies a region of
    the class's usual size, as objects touch. Trees on the colours, edges and probabilities in 2 × 2 cells of a region
    and around it, and on its form, say which object it holds, if any, and where exactly that lies.

    Pictures are (rows, height, width[, colours]); targets and predictions boxes as `tasks.outputs.boxes` has them.
    """

    def __init__(self, *, rounds: int = 50, random_state: int | None = None) -> None:
        self.rounds = rounds
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Fit to pictures and their boxes."""
        pictures, truth, rng = images(X), Boxes.of(y), np.random.default_rng(self.random_state)
        self.background_ = int(truth.labels.max(initial=-1)) + 1
        self.is_empty_ = not len(truth.labels)
        if self.is_empty_:
            return self
        self._count_colours(pictures, truth)
        sides = truth.corners[:, 2:] - truth.corners[:, :2]
        self.usual_ = np.full((self.background_, 2), np.nan)
        for label in np.unique(truth.labels):
            self.usual_[label] = np.median(sides[truth.labels == label], axis=0)
        parts = []
        for row, picture in enumerate(pictures):
            corners, numbers = self._regions(picture)
            labels, objects = held(corners, truth, row, self.background_)
            none = rng.permutation(np.flatnonzero(labels == self.background_))[_SOME:]
            told = labels >= 0
            told[none] = False
            parts.append((numbers[told], labels[told], corners[told], objects[told]))
        numbers, labels, corners, objects = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        inside = labels != self.background_
        self.is_empty_ = not inside.any()
        if self.is_empty_:
            return self
        made: dict[str, Any] = {
            "max_iter": self.rounds,
            "max_leaf_nodes": 15,
            "early_stopping": False,
            "random_state": self.random_state,
        }
        self.classifier_ = fitted(HistGradientBoostingClassifier(**made), numbers, labels)
        offsets = offsets_to(corners[inside], objects[inside])
        self.where_ = [HistGradientBoostingRegressor(**made).fit(numbers[inside], each) for each in offsets.T]
        return self

    def predict(self, X: Any) -> Boxes:
        """Boxes of pictures."""
        return suppressed_each([self._seen(picture) for picture in images(X)], overlap=_OVERLAP)

    def _seen(self, picture: NDArray[Any]) -> tuple[Codes, Floats, Floats]:
        if self.is_empty_:
            return nothing()
        corners, numbers = self._regions(picture)
        if not len(corners):
            return nothing()
        told = self.classifier_.predict_proba(numbers)
        known = self.classifier_.classes_
        region, column = np.nonzero((told >= _LEAST) & (known != self.background_))
        if not len(region):
            return nothing()
        offsets = np.stack([each.predict(numbers[region]) for each in self.where_], axis=1)
        return known[column], told[region, column], moved(corners[region], offsets)

    def _count_colours(self, pictures: NDArray[Any], truth: Boxes) -> None:
        """How probable each class is where a colour is, (colours, classes): in the ellipses that fill the boxes."""
        counts = np.ones((_LEVELS ** pictures.shape[3], self.background_ + 1)) / (self.background_ + 1)
        height, width = pictures.shape[1:3]
        down, across = np.mgrid[:height, :width]
        for row, picture in enumerate(pictures):
            mine = np.full((height, width), self.background_)
            boxes = slice(truth.offsets[row], truth.offsets[row + 1])
            order = np.argsort(-areas(truth.corners[boxes]), kind="stable")  # small objects lie upon large ones
            for label, (left, top, right, bottom) in zip(
                truth.labels[boxes][order], truth.corners[boxes][order] * [width, height, width, height], strict=True
            ):
                off = ((across + 0.5 - (left + right) / 2) / (right - left)) ** 2
                off = off + ((down + 0.5 - (top + bottom) / 2) / (bottom - top)) ** 2
                mine[off <= 0.25] = label
            np.add.at(counts, (_colours(picture).reshape(-1), mine.reshape(-1)), 1.0)
        self.shares_ = counts[:, : self.background_] / counts.sum(axis=1, keepdims=True)

    def _regions(self, picture: NDArray[Any]) -> tuple[Floats, Floats]:
        """Regions of a picture, (regions, 4) in shares, and their numbers."""
        maps = self.shares_[_colours(picture)]
        maps = np.stack([ndimage.gaussian_filter(each, 1.0) for each in np.moveaxis(maps, 2, 0)], axis=2)
        found = [self._pieces(maps[:, :, label], int(label)) for label in np.flatnonzero(self._known)]
        found.append(self._pieces(maps.sum(axis=2), -1))
        corners, form = (np.concatenate(columns) for columns in zip(*found, strict=True))
        sums = summed(np.concatenate([channels(picture), maps], axis=2))
        inner, around = cell_means(sums, corners, cells=2), cell_means(sums, corners, cells=1, margin=0.3)
        sides = corners[:, 2:] - corners[:, :2]
        shape = np.column_stack([sides, areas(corners), np.log(sides[:, 0] / sides[:, 1])])
        return corners, np.column_stack([inner, around, shape, form])

    @property
    def _known(self) -> NDArray[np.bool_]:
        """Which labels some object had, (labels,)."""
        return np.asarray(np.isfinite(self.usual_[:, 0]))

    def _pieces(self, chance: Floats, label: int) -> tuple[Floats, Floats]:
        """Regions of one map of probabilities, and its label, threshold, how full and how deep each is."""
        corners, form = [np.empty((0, 4))], [np.empty((0, 4))]
        scale = np.array([chance.shape[1], chance.shape[0]] * 2)
        for threshold in _THRESHOLDS:
            mask = ndimage.binary_fill_holes(chance > threshold)
            pieces, count = ndimage.label(mask)
            if not count:
                continue
            sizes = np.bincount(pieces.reshape(-1), minlength=count + 1)[1:]
            boxes = np.array([[x.start, y.start, x.stop, y.stop] for y, x in ndimage.find_objects(pieces)])
            big = sizes >= _SMALLEST
            full = sizes / areas(boxes.astype(np.float64))
            corners.append(boxes[big] / scale)
            form.append(
                np.column_stack([np.full(big.sum(), label), np.full(big.sum(), threshold), full[big], 0 * full[big]])
            )
            depth = ndimage.distance_transform_edt(mask)
            peaks, deep = _peaks(depth)
            around = self._around(peaks / scale[:2], deep[:, None] / scale[:2], label)
            corners.append(around)
            each = len(around) // max(len(peaks), 1)
            form.append(
                np.column_stack(
                    [
                        np.full(len(around), label),
                        np.full(len(around), threshold),
                        np.full(len(around), -1.0),
                        np.tile(deep, each),
                    ]
                )
            )
        found, told = np.concatenate(corners), np.concatenate(form)
        found, first = np.unique(np.round(np.clip(found, 0, 1), 3), axis=0, return_index=True)
        kept = (found[:, :2] < found[:, 2:]).all(axis=1)
        return np.asarray(found[kept]), np.asarray(told[first][kept])

    def _around(self, middles: Floats, deep: Floats, label: int) -> Floats:
        """Around each point a box of each usual size, or of the class's own, and one as large as the piece is deep."""
        usual = self.usual_[self._known] if label < 0 else self.usual_[label : label + 1]
        halves = [np.broadcast_to(size / 2, middles.shape) for size in usual]
        halves.append(deep * 1.1)
        return np.concatenate([np.concatenate([middles - half, middles + half], axis=1) for half in halves])


def _colours(picture: NDArray[Any]) -> Codes:
    """(height, width) codes of colours."""
    codes = np.zeros(picture.shape[:2], dtype=np.int64)
    for channel in np.moveaxis(picture, 2, 0):
        codes = codes * _LEVELS + np.clip(channel.astype(np.int64) * _LEVELS // 256, 0, _LEVELS - 1)
    return codes


def _peaks(depth: Floats) -> tuple[Floats, Floats]:
    """The points (peaks, 2), across and down, that are deepest around them, and how deep."""
    smooth = ndimage.gaussian_filter(depth, 1.0)
    down, across = np.nonzero((ndimage.maximum_filter(smooth, 5) == smooth) & (smooth > 1.0))
    best = np.argsort(-smooth[down, across], kind="stable")[:_PEAKS]
    middles = np.stack([across[best], down[best]], axis=1) + 0.5
    return np.asarray(middles), np.asarray(smooth[down[best], across[best]])
