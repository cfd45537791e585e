"""What predicted masks show: pictures that went wrong, and how much of objects is found, by their size."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from concours.insights.diagnosis import Predicted, of_rows
from concours.kernels.scoring.masks import VOID
from concours.kernels.scoring.rounded import rounded

_BINS = 6
_FEWEST = 30  # objects of a bin, but where there are few in all
_SMALLEST = 2


def of_masks(found: Predicted) -> dict[str, Any]:
    """What masks show.

    Returns:
        mistakes: the 12 pictures of the least overlap, as `insights.diagnosis.of_rows` has them.
        objects: pieces of the truth, connected pixels of one label but the most frequent, by how many pixels they
            have: `low` and `high` of each bin, `count`, `found`, the mean share of their pixels that have their label,
            and `missed`, the share of those of which less than half has.
        objects_are: `pieces`.
    """
    sizes, shares = objects(found.y, found.p.argmax(axis=-1))
    kept = sizes >= _SMALLEST
    return {**of_rows(found), "objects": by_size(sizes[kept], shares[kept]), "objects_are": "pieces"}


def objects(y: NDArray[Any], named: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pixels of each object, and the share of them that is named right, (objects,) both.

    Args:
        y, named: (rows, height, width) codes.
    """
    labels, counts = np.unique(y, return_counts=True)
    sizes: list[NDArray[np.int64]] = []
    hits: list[NDArray[np.int64]] = []
    counts[labels == VOID] = 0
    for label in labels[(labels != labels[counts.argmax()]) & (labels != VOID)]:
        alone = np.zeros((3, 3, 3))
        alone[1] = 1  # pixels touch within their picture, by sides and corners
        pieces, count = ndimage.label(y == label, structure=alone)
        sizes.append(np.bincount(pieces.ravel(), minlength=count + 1)[1:])
        hits.append(np.bincount(pieces[named == label], minlength=count + 1)[1:])
    if not sizes:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    whole = np.concatenate(sizes)
    return whole, np.concatenate(hits) / np.maximum(whole, 1)


def by_size(sizes: NDArray[Any], shares: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Objects (objects,) in bins of about equal count, by their size, with the share of each that is found."""
    bins = int(np.clip(len(sizes) // _FEWEST, 1, _BINS))
    order = np.argsort(sizes, kind="stable")
    return [
        {
            "low": sizes[some].min().item(),
            "high": sizes[some].max().item(),
            "count": len(some),
            "found": rounded(shares[some].mean()),
            "missed": rounded((shares[some] < 0.5).mean()),
        }
        for some in np.array_split(order, bins)
        if len(some)
    ]
