"""Errors of predictions of several targets at once, some of them labels, some numbers.

Targets are (rows, targets) float64: the code of a label, or a number. Predictions are (rows, columns): of each target
after the other the probabilities of its labels, or the number. What a target is, its width says: how many labels it
has, 0 where it is a number.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LEAST = 1e-15


def blocks(widths: Sequence[int]) -> list[slice]:
    """The columns of predictions that are of each target."""
    ends = np.cumsum([max(width, 1) for width in widths]).tolist()
    return [slice(end - max(width, 1), end) for end, width in zip(ends, widths, strict=True)]


def losses(y: Floats, p: Floats, *, widths: Sequence[int], scales: Sequence[float]) -> Floats:
    """(rows, targets) by how much each is missed: of a label the log loss, of a number the squared error; each in its
    own unit.

    Args:
        scales: what the loss of each target is divided by.
    """
    found = np.empty(y.shape)
    for place, (width, block) in enumerate(zip(widths, blocks(widths), strict=True)):
        if width:
            shares = p[:, block]
            right = np.take_along_axis(shares, y[:, [place]].astype(np.int64), axis=1)[:, 0]
            found[:, place] = -np.log(np.clip(right / shares.sum(axis=1), _LEAST, None))
        else:
            found[:, place] = (p[:, block.start] - y[:, place]) ** 2
    return np.asarray(found / np.asarray(scales))


def named(p: Floats, *, widths: Sequence[int]) -> Floats:
    """(rows, targets) the codes of the most probable labels, and the numbers."""
    each = [p[:, b].argmax(axis=1) if width else p[:, b.start] for width, b in zip(widths, blocks(widths), strict=True)]
    return np.stack(each, axis=1).astype(np.float64)


def wrong_labels(y: Floats, p: Floats, *, widths: Sequence[int]) -> Floats:
    """(rows, labels) whether each label is wrongly named, 0 or 1; of numbers nothing."""
    labels = np.asarray(widths) > 0
    return np.asarray((named(p, widths=widths) != y)[:, labels], dtype=np.float64)


def usual_scales(y: Floats, *, widths: Sequence[int]) -> tuple[float, ...]:
    """What a constant prediction loses of each target (rows, targets): the entropy of its labels, its variance."""
    found = []
    for column, width in zip(y.T, widths, strict=True):
        if width:
            shares = np.bincount(column.astype(np.int64), minlength=width) / len(column)
            found.append(float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum()))
        else:
            found.append(float(column.var()))
    return tuple(scale if scale > 0 else 1.0 for scale in found)
