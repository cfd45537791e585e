"""Boxes in pictures, flat: all boxes of all pictures one behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.rows.taken import taken

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

SIDES: Final = ("xmin", "ymin", "xmax", "ymax")
MOST: Final = 100
"""Boxes of a picture that count, those of the highest scores (COCO)."""


@dataclass(frozen=True, kw_only=True)
class Boxes:
    """Boxes of pictures, in shares of their width and height, so that they are the same whatever size a picture has.

    Attributes:
        offsets: (rows + 1,) where the boxes of each picture begin and end.
        labels: (boxes,) codes from 0.
        scores: (boxes,) from 0 to 1; 1 of targets.
        corners: (boxes, 4) xmin, ymin, xmax, ymax, from 0 to 1, from the left and from above.
    """

    offsets: Codes
    labels: Codes
    scores: Floats
    corners: Floats

    @classmethod
    def of(cls, values: Any) -> Boxes:
        """Of an Arrow array (rows) of lists of structs of `label`, the sides, and perhaps `score`."""
        if isinstance(values, cls):
            return values
        offsets = values.offsets.to_numpy().astype(np.int64)
        boxes = values.values.slice(offsets[0], offsets[-1] - offsets[0])
        named = {field.name for field in boxes.type}
        columns = {name: boxes.field(name).to_numpy(zero_copy_only=False) for name in named}
        scores = columns.get("score", np.ones(len(boxes)))
        corners = np.stack([columns[side] for side in SIDES], axis=1).astype(np.float64)
        return cls(
            offsets=offsets - offsets[0], labels=columns["label"].astype(np.int64), scores=scores, corners=corners
        )

    @classmethod
    def sorted(cls, rows: Codes, labels: Codes, scores: Floats, corners: Floats, *, among: int) -> Boxes:
        """Of boxes in any order, (boxes,) each, of so many pictures: of each the `MOST` of the highest scores, from the
        highest down; of equal ones the first.
        """
        order = np.lexsort((-scores, rows))
        offsets = np.searchsorted(rows[order], np.arange(among + 1))
        place = np.arange(len(order)) - offsets[rows[order]]
        kept = order[place < MOST]
        found = np.searchsorted(rows[kept], np.arange(among + 1))
        return cls(offsets=found, labels=labels[kept], scores=scores[kept], corners=corners[kept])

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def rows(self) -> Codes:
        """(boxes,) the picture of each box."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def some(self, chosen: NDArray[np.bool_]) -> Boxes:
        """Those of the boxes (boxes,) that are chosen; pictures stay."""
        ends = np.concatenate([[0], np.cumsum(chosen)])
        return Boxes(
            offsets=ends[self.offsets],
            labels=self.labels[chosen],
            scores=self.scores[chosen],
            corners=self.corners[chosen],
        )

    def take(self, rows: Codes) -> Boxes:
        """Of some of the pictures, in that order."""
        places, offsets = taken(self.offsets, rows)
        return Boxes(
            offsets=offsets, labels=self.labels[places], scores=self.scores[places], corners=self.corners[places]
        )


def overlaps(some: Floats, others: Floats) -> Floats:
    """Intersection over union (...,) of boxes (..., 4); 0 of boxes without an area."""
    low, high = np.maximum(some[..., :2], others[..., :2]), np.minimum(some[..., 2:], others[..., 2:])
    sides = np.maximum(high - low, 0.0)
    both = sides[..., 0] * sides[..., 1]
    whole = areas(some) + areas(others) - both
    return np.asarray(np.divide(both, whole, out=np.zeros(both.shape), where=whole > 0))


def areas(corners: Floats) -> Floats:
    """(...,) of boxes (..., 4)."""
    return np.asarray((corners[..., 2] - corners[..., 0]) * (corners[..., 3] - corners[..., 1]))


@dataclass(frozen=True, kw_only=True)
class InStep:
    """Boxes of one picture and label, from the highest score down, so that all such groups can be gone through at once.

    Attributes:
        order: (boxes,) places of the boxes, group by group.
        starts: (groups,) where each begins in `order`; the largest group is first.
        sizes: (groups,), falling.
        keys: (groups,) picture times labels plus label.
    """

    order: Codes
    starts: Codes
    sizes: Codes
    keys: Codes

    def at(self, step: int) -> tuple[int, Codes]:
        """How many groups have a box of that number, from 0, which are the first ones; and the places of these."""
        active = int(np.searchsorted(-self.sizes, -step, side="left"))
        return active, self.order[self.starts[:active] + step]

    @property
    def steps(self) -> int:
        """How many boxes the largest group has."""
        return int(self.sizes[0]) if len(self.sizes) else 0


def in_step(rows: Codes, labels: Codes, scores: Floats, *, width: int) -> InStep:
    """Groups of boxes (boxes,) by picture and label, below `width`; of equal scores the first comes first."""
    keys = rows * width + labels
    order = np.lexsort((-scores, keys))
    found, starts, sizes = np.unique(keys[order], return_index=True, return_counts=True)
    largest = np.argsort(-sizes, kind="stable")
    return InStep(order=order, starts=starts[largest], sizes=sizes[largest], keys=found[largest])


def suppressed(corners: Floats, scores: Floats, *, overlap: float) -> Codes:
    """The places of boxes (boxes, 4) that no better one overlaps by more than that share, the best first.

    Non-maximum suppression: each box that stays takes those away that it overlaps.
    """
    order, kept = np.argsort(-scores, kind="stable"), []
    while len(order):
        kept.append(int(order[0]))
        order = order[1:]
        order = order[overlaps(corners[order], corners[kept[-1]]) <= overlap]
    return np.asarray(kept, dtype=np.int64)


def suppressed_each(pictures: Sequence[tuple[Codes, Floats, Floats]], *, overlap: float) -> Boxes:
    """Of each picture's labels (boxes,), scores and corners what `suppressed` leaves of each label, cut off where the
    picture ends.
    """
    parts = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0), np.empty((0, 4)))]
    for row, (labels, scores, corners) in enumerate(pictures):
        corners = np.clip(corners, 0.0, 1.0)
        for label in np.unique(labels).tolist():
            mine = np.flatnonzero((labels == label) & (areas(corners) > 0))
            kept = mine[suppressed(corners[mine], scores[mine], overlap=overlap)]
            parts.append((np.full(len(kept), row), labels[kept], scores[kept], corners[kept]))
    rows, codes, found, sides = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Boxes.sorted(rows, codes, found, sides, among=len(pictures))
