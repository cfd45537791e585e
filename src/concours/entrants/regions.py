"""Regions of pictures as numbers, and what is learned of them: which object a region holds, and where exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.dummy import DummyClassifier

from concours.kernels.rows.boxes import Boxes, overlaps

Array = NDArray[Any]
Floats = NDArray[np.float64]

_ORIENTATIONS = 8
_FOUND, _MISSED = 0.5, 0.35
"""The overlap with an object from which a region holds it, and below which it holds none."""


def channels(picture: Array) -> Floats:
    """Colours from 0 to 1, and how strong edges are in each of eight directions, (height, width, colours + 8).

    Edges as of histograms of oriented gradients (Dalal and Triggs 2005).
    """
    colours = picture.astype(np.float64).reshape(*picture.shape[:2], -1) / 255.0
    grey = ndimage.gaussian_filter(colours.mean(axis=2), 0.7)
    down, across = np.gradient(grey)
    strength, angle = np.hypot(down, across), np.arctan2(down, across) % np.pi
    bins = np.minimum((angle / np.pi * _ORIENTATIONS).astype(np.int64), _ORIENTATIONS - 1)
    edges = np.where(bins[..., None] == np.arange(_ORIENTATIONS), strength[..., None], 0.0)
    return np.concatenate([colours, edges], axis=2)


def summed(maps: Floats) -> Floats:
    """Sums of everything above and to the left, (height + 1, width + 1, channels): of any region in four look-ups."""
    sums = np.zeros((maps.shape[0] + 1, maps.shape[1] + 1, maps.shape[2]))
    sums[1:, 1:] = maps.cumsum(axis=0).cumsum(axis=1)
    return sums


def cell_means(sums: Floats, corners: Floats, *, cells: int, margin: float = 0.0) -> Floats:
    """Means of the channels over a grid of cells in each region, (regions, cells² · channels).

    Args:
        sums: of `summed`.
        corners: (regions, 4) in shares.
        margin: by what share of its sides a region is made larger on each side before.
    """
    height, width = sums.shape[0] - 1, sums.shape[1] - 1
    sides = corners[:, 2:] - corners[:, :2]
    low, high = corners[:, :2] - margin * sides, corners[:, 2:] + margin * sides
    steps = np.linspace(0.0, 1.0, cells + 1)
    x, y = (low[:, axis, None] + (high - low)[:, axis, None] * steps for axis in (0, 1))
    across = np.clip(np.rint(x * width), 0, width).astype(np.int64)
    down = np.clip(np.rint(y * height), 0, height).astype(np.int64)
    at = sums[down[:, :, None], across[:, None, :]]
    totals = at[:, 1:, 1:] - at[:, :-1, 1:] - at[:, 1:, :-1] + at[:, :-1, :-1]
    sizes = np.diff(down, axis=1)[:, :, None] * np.diff(across, axis=1)[:, None, :]
    return np.asarray(totals / np.maximum(sizes, 1)[..., None]).reshape(len(corners), -1)


def held(corners: Floats, truth: Boxes, row: int, background: int) -> tuple[NDArray[np.int64], Floats]:
    """What regions (regions, 4) of a picture hold: a label, `background`, or -1 where it is neither; and the object's
    corners.
    """
    mine = slice(truth.offsets[row], truth.offsets[row + 1])
    objects, labels = truth.corners[mine], truth.labels[mine]
    if not len(objects):
        return np.full(len(corners), background), corners
    shares = overlaps(corners[:, None], objects)
    best = shares.argmax(axis=1)
    most = shares[np.arange(len(corners)), best]
    found = np.where(most >= _FOUND, labels[best], np.where(most < _MISSED, background, -1))
    return found, objects[best]


def fitted(classifier: Any, numbers: Floats, labels: NDArray[np.int64]) -> Any:
    """A classifier fitted to what regions hold; where they all hold the same, one that is sure of it."""
    return (classifier if np.ptp(labels) else DummyClassifier()).fit(numbers, labels)


def nothing() -> tuple[NDArray[np.int64], Floats, Floats]:
    """Labels, scores and corners of a picture in which nothing is seen."""
    return np.empty(0, dtype=np.int64), np.empty(0), np.empty((0, 4))


def offsets_to(corners: Floats, objects: Floats) -> Floats:
    """How far objects lie from regions, in sides of these, and by what factors they are larger, as logarithms."""
    sides, theirs = corners[:, 2:] - corners[:, :2], objects[:, 2:] - objects[:, :2]
    moved = (corners_middle(objects) - corners_middle(corners)) / sides
    return np.concatenate([moved, np.log(theirs / sides)], axis=1)


def moved(corners: Floats, offsets: Floats) -> Floats:
    """The inverse of `offsets_to`; nothing is moved by more than a side or made larger than twice."""
    sides = corners[:, 2:] - corners[:, :2]
    middle = corners_middle(corners) + np.clip(offsets[:, :2], -1, 1) * sides
    half = sides * np.exp(np.clip(offsets[:, 2:], -np.log(2), np.log(2))) / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def corners_middle(corners: Floats) -> Floats:
    """(regions, 2)."""
    return np.asarray((corners[:, :2] + corners[:, 2:]) / 2)
