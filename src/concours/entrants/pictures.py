"""Pictures as numbers: learned patches, and principal components of pixels."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn import functional

from concours.entrants.inputs import images

Array = NDArray[Any]

LARGEST = 32
"""Pixels of the shorter side beyond which a picture is shrunk before its numbers are taken."""

_PATCHES = 20_000
_ROUNDS = 10
_FLAT = 1.5e-4
_WHITE = 0.1
_THRESHOLD = 0.25
_AT_ONCE = 64


class PatchFeatures(TransformerMixin, BaseEstimator):
    """How much of each of `patches` typical patches lies in each quarter of a picture (Coates & Ng 2011, 2012).

    From pictures (n, height, width[, colours]), uint8 or float, to a matrix (n, 8 · patches) float32, standardised.
    Patches are contrast-normalised and whitened, the typical ones found by spherical k-means; the answer of a picture
    to each, minus a threshold, is averaged over quarters, positive and negative apart. A linear model on top of these
    is nearly as good as a small network, for a fraction of its time. Large pictures are shrunk first.
    """

    def __init__(self, *, patches: int = 256) -> None:
        self.patches = patches

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        self.fit_transform(X)
        return self

    def fit_transform(self, X: ArrayLike, y: object = None) -> NDArray[np.float32]:
        """The same as `fit` and `transform`, in half of the time."""
        rows = images(X)
        self.scale_ = float(np.abs(rows).max(initial=0)) or 1.0
        side = min(LARGEST, *rows.shape[1:3])
        self.side_ = min(side, int(np.clip(side // 5, 3, 6)))
        self.filters_, self.offsets_ = self._learn(rows)
        features = self._features(rows)
        deviation = features.std(axis=0)
        self.mean_ = features.mean(axis=0)
        self.deviation_ = deviation + np.float32(0.01) * deviation.mean() + np.float32(1e-6)
        return (features - self.mean_) / self.deviation_

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        check_is_fitted(self, "filters_")
        features: NDArray[np.float32] = (self._features(images(X)) - self.mean_) / self.deviation_
        return features

    def _learn(self, rows: Array) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Filters (patches, colours, side, side), blind to brightness, and what is to be added to their answers."""
        random = np.random.default_rng(0)
        some = rows[np.sort(random.choice(len(rows), min(len(rows), _PATCHES // 4), replace=False))]
        all_patches = _shrunk(some, self.scale_).unfold(2, self.side_, 1).unfold(3, self.side_, 1)
        n, colours, down, across = all_patches.shape[:4]
        chosen = (random.integers(n, size=_PATCHES), random.integers(down, size=_PATCHES))
        patches = all_patches[chosen[0], :, chosen[1], random.integers(across, size=_PATCHES)].flatten(1).numpy()
        patches = patches - patches.mean(axis=1, keepdims=True)
        patches /= np.sqrt(np.square(patches).mean(axis=1, keepdims=True) + _FLAT)
        middle = patches.mean(axis=0)
        values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(patches.T)))
        whiten = ((vectors / np.sqrt(np.maximum(values, 0) + _WHITE)) @ vectors.T).astype(np.float32)
        filters = whiten @ _directions((patches - middle) @ whiten, self.patches, random).T
        offsets = -(middle @ filters)
        blind = (filters - filters.mean(axis=0)).T.reshape(-1, colours, self.side_, self.side_)
        return np.ascontiguousarray(blind), offsets

    def _features(self, rows: Array) -> NDArray[np.float32]:
        filters, offsets = torch.from_numpy(self.filters_), torch.from_numpy(self.offsets_)[:, None, None]
        parts = []
        with torch.inference_mode():
            for start in range(0, len(rows), _AT_ONCE):  # what fits a cache: twice as fast as 256 at once
                small = _shrunk(rows[start : start + _AT_ONCE], self.scale_)
                stride = max(1, min(small.shape[2:]) // 16)
                mean = functional.avg_pool2d(small.mean(dim=1, keepdim=True), self.side_, stride)
                square = functional.avg_pool2d(small.square().mean(dim=1, keepdim=True), self.side_, stride)
                contrast = (square - mean.square()).clamp(min=0) + _FLAT
                answers = functional.conv2d(small, filters, stride=stride) * contrast.rsqrt() + offsets
                signs = functional.relu(answers - _THRESHOLD), functional.relu(-answers - _THRESHOLD)
                parts.append(torch.cat([_quarters(sign) for sign in signs], dim=1).numpy())
        return np.concatenate(parts)


def _shrunk(rows: Array, scale: float) -> Tensor:
    """Pictures as torch has them, (n, colours, height, width) float32 in units of `scale`, the shorter side bounded."""
    pictures = torch.tensor(rows).permute(0, 3, 1, 2).float() / scale
    height, width = pictures.shape[2:]
    factor = LARGEST / min(height, width)
    if factor >= 1:
        return pictures.contiguous()
    return functional.adaptive_avg_pool2d(pictures, (round(height * factor), round(width * factor)))


def _directions(points: NDArray[np.float32], number: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Directions of length one, (number, features), that each stand for a cluster of points or of their opposites."""
    found = points[random.choice(len(points), number)]
    found = found / (np.linalg.norm(found, axis=1, keepdims=True) + 1e-8)
    for _ in range(_ROUNDS):
        along = points @ found.T
        nearest = np.abs(along).argmax(axis=1)
        weights = np.zeros_like(along)
        rows = np.arange(len(points))
        weights[rows, nearest] = along[rows, nearest]
        found = found + weights.T @ points
        found /= np.linalg.norm(found, axis=1, keepdims=True) + 1e-8
    return found


def _quarters(maps: Tensor) -> Tensor:
    return functional.adaptive_avg_pool2d(maps, 2).flatten(1)


class PixelComponents(TransformerMixin, BaseEstimator):
    """The first `components` principal components of pictures (n, height, width[, colours]): (n, components) float32.

    For entrants whose time grows with the number of columns. Large pictures are shrunk first. The directions are of
    length one, so that distances are nearly those of the pixels; the largest value seen counts as 1.
    """

    def __init__(self, *, components: int = 64) -> None:
        self.components = components

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        rows = images(X)
        self.scale_ = float(np.abs(rows).max(initial=0)) or 1.0
        flat = self._flat(rows)
        self.mean_ = flat.mean(axis=0)
        components = min(self.components, *flat.shape)
        _, _, self.directions_ = randomized_svd(flat - self.mean_, components, n_iter=3, random_state=0)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        check_is_fitted(self, "directions_")
        components: NDArray[np.float32] = (self._flat(images(X)) - self.mean_) @ self.directions_.T
        return components

    def _flat(self, rows: Array) -> NDArray[np.float32]:
        flat: NDArray[np.float32] = _shrunk(rows, self.scale_).flatten(1).numpy()
        return flat
