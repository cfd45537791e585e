"""How well labels of pixels meet those of the truth: counts a picture, and overlaps made of them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[Any]

VOID: Final = 255
"""The code of pixels without a label, which neither train nor count (as of Everingham et al. 2010, "Pascal VOC")."""


def overlaps(y: Codes, named: Codes, classes: int) -> Floats:
    """Pixels of each class that both name, and that either names: (rows, 2 * classes), the intersections first.

    Args:
        y, named: (rows, height, width) codes from 0 of the truth and of what is predicted; where the truth is `VOID`,
            neither counts.
    """
    rows = len(y)
    place, seen = np.arange(rows)[:, None] * classes, y.reshape(rows, -1) != VOID
    true, told = ((place + codes.reshape(rows, -1))[seen] for codes in (y, named))
    both = _counted(true[true == told], rows, classes)
    either = _counted(true, rows, classes) + _counted(told, rows, classes) - both
    return np.concatenate([both, either], axis=1).astype(np.float64)


def shares_at(y: Codes, classes: int, weights: Floats | None = None) -> Floats:
    """How often each label is at each place, (height, width, classes), of rows that have one there; where none has, as
    in the whole.
    """
    seen = np.average(y != VOID, axis=0, weights=weights)
    each = np.stack([np.average(y == code, axis=0, weights=weights) for code in range(classes)], axis=-1)
    whole = each.sum(axis=(0, 1)) / max(each.sum(), 1e-12)
    return np.where(seen[..., None] > 0, each / np.maximum(seen, 1e-12)[..., None], whole)


def mean_iou(found: Floats) -> Floats:
    """The mean over classes of intersection over union (Jaccard 1912), (…,) of sums or means (…, 2 * classes).

    A class that neither names does not count. Law: it is the same of sums and of means.
    """
    both, either = np.split(found, 2, axis=-1)
    return _mean_share(both, either)


def mean_dice(found: Floats) -> Floats:
    """The mean over classes of twice the intersection over both sizes (Dice 1945), of the same."""
    both, either = np.split(found, 2, axis=-1)
    return _mean_share(2 * both, both + either)


def _counted(places: NDArray[np.int64], rows: int, classes: int) -> NDArray[np.int64]:
    return np.bincount(places.ravel(), minlength=rows * classes).reshape(rows, classes)


def _mean_share(part: Floats, whole: Floats) -> Floats:
    there = whole > 0
    shares = np.divide(part, whole, out=np.zeros_like(part), where=there)
    counts = there.sum(axis=-1)
    return np.asarray(np.divide(shares.sum(axis=-1), counts, out=np.full(counts.shape, np.nan), where=counts > 0))
