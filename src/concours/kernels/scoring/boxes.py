"""Average precision of boxes, as COCO defines it, and how it is told again and again of other weights of pictures.

Which box finds which target depends on the picture alone, so it is found once. What then remains of a box is its score
and whether it hits, at each overlap that is asked for; a precision of any resampled pictures is a sum of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.rows.boxes import Boxes, in_step, overlaps
from concours.kernels.rows.taken import taken

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

OVERLAPS: Final = tuple(np.linspace(0.5, 0.95, 10).round(2).tolist())
"""The overlaps over which mAP is the mean."""
SURE: Final = 0.5
"""The score from which a box counts where boxes are told to be there or not."""
_RECALLS: Final = np.linspace(0.0, 1.0, 101)
_WHOLE: Final = 1 - 1e-10
_BITS: Final = 52  # of a number's 53
_BLOCK: Final = 2**22  # numbers worked on at a time: 32 MiB


@dataclass(frozen=True, kw_only=True)
class Hits:
    """What is kept of a model's boxes in pictures.

    Attributes:
        offsets: (rows + 1,) where the boxes of each picture begin and end.
        labels, scores: (boxes,).
        hits: (boxes, overlaps) whether it finds a target, at each overlap.
        wanted: (rows, classes) how many targets there are.
    """

    offsets: Codes
    labels: Codes
    scores: Floats
    hits: NDArray[np.bool_]
    wanted: Codes

    def __len__(self) -> int:
        return len(self.wanted)

    def take(self, rows: Codes) -> Hits:
        """Of some of the pictures, in that order."""
        places, offsets = taken(self.offsets, rows)
        return Hits(
            offsets=offsets,
            labels=self.labels[places],
            scores=self.scores[places],
            hits=self.hits[places],
            wanted=self.wanted[rows],
        )


def hits(truth: Boxes, said: Boxes, *, classes: int, least: Sequence[float]) -> Hits:
    """Which boxes find a target, at each of some overlaps.

    From the highest score down each box takes the target of its label that it overlaps most, of equal ones the last,
    among those that are left and that it overlaps by the least share (Lin et al. 2014, COCO's evaluation).

    Raises:
        ValueError: targets and predictions are of different numbers of pictures.
    """
    if len(truth) != len(said):
        raise ValueError(f"targets of {len(truth)} pictures and boxes of {len(said)} do not go together")
    wanted = np.zeros((len(truth), classes), dtype=np.int64)
    np.add.at(wanted, (truth.rows, truth.labels), 1)
    found = np.zeros((len(said.labels), len(least)), dtype=np.bool_)
    groups = in_step(said.rows, said.labels, said.scores, width=classes)
    targets, there = _padded(truth, groups.keys, classes)
    least_shares = np.minimum(np.asarray(least), _WHOLE)[:, None]
    left = np.repeat(there[:, None], len(least), axis=1)
    for step in range(groups.steps if targets.shape[1] else 0):
        active, boxes = groups.at(step)
        shares = overlaps(said.corners[boxes][:, None], targets[:active])[:, None]
        open_to = np.where(left[:active] & (shares >= least_shares), shares, -1.0)
        best = open_to.shape[2] - 1 - open_to[:, :, ::-1].argmax(axis=2)
        hit = np.take_along_axis(open_to, best[:, :, None], axis=2)[:, :, 0] >= 0
        found[boxes] = hit
        group, level = np.nonzero(hit)
        left[group, level, best[group, level]] = False
    return Hits(offsets=said.offsets, labels=said.labels, scores=said.scores, hits=found, wanted=wanted)


def _padded(truth: Boxes, keys: Codes, width: int) -> tuple[Floats, NDArray[np.bool_]]:
    """The targets of each group, (groups, most, 4), and which of these there are."""
    own = truth.rows * width + truth.labels
    order = np.argsort(own, kind="stable")
    first, end = (np.searchsorted(own[order], keys, side=side) for side in ("left", "right"))
    most = int((end - first).max(initial=0))
    places = first[:, None] + np.arange(most)
    there = places < end[:, None]
    corners = np.zeros((*places.shape, 4))
    corners[there] = truth.corners[order[places[there]]]
    return corners, there


def precisions(found: Hits, weights: Floats) -> Floats:
    """Average precisions (sets, classes, overlaps) by sets of weights of the pictures, (sets, rows); NaN of a class
    without a target.

    The mean, at recalls 0, 0.01, …, 1, of the highest precision that there is at that recall or beyond. A picture of
    weight k counts as k pictures, of weight 0 as none.
    """
    classes, levels = found.wanted.shape[1], found.hits.shape[1]
    told = np.full((len(weights), classes, levels), np.nan)
    weights = _exact(weights, found)
    wanted = weights @ found.wanted
    rows = np.repeat(np.arange(len(found)), np.diff(found.offsets))
    for label in range(classes):
        mine = np.flatnonzero(found.labels == label)
        mine = mine[np.argsort(-found.scores[mine], kind="stable")]
        some = np.flatnonzero(wanted[:, label] > 0)
        for part in _parts(some, max(1, len(mine) * levels)):
            each = weights[part][:, rows[mine]]
            told[part, label] = _areas(each, found.hits[mine].T, wanted[part, label])
    return told


def _exact(weights: Floats, found: Hits) -> Floats:
    """Weights in steps of a power of two, so wide that sums over boxes or targets are exact in any order: what finds
    every target has a recall of 1 to the last bit.
    """
    most = max(int(np.diff(found.offsets).max(initial=0)), int(found.wanted.sum(axis=1).max(initial=0)), 1)
    step = np.ldexp(1.0, np.frexp(weights.sum(axis=1, keepdims=True) * most)[1] - _BITS)
    return np.asarray(np.rint(weights / step) * step)


def _parts(rows: Codes, width: int) -> Iterator[Codes]:
    length = max(1, _BLOCK // width)
    return (rows[start : start + length] for start in range(0, len(rows), length))


def _areas(weights: Floats, hit: NDArray[np.bool_], wanted: Floats) -> Floats:
    """(sets, overlaps) of boxes of one class, the best first: weights (sets, boxes), hits (overlaps, boxes)."""
    seen = np.cumsum(weights, axis=1)[:, None]
    right = np.cumsum(weights[:, None] * hit, axis=2)
    precision = np.divide(right, seen, out=np.zeros_like(right), where=seen > 0)
    highest = np.maximum.accumulate(precision[..., ::-1], axis=2)[..., ::-1]
    highest = np.concatenate([highest, np.zeros((*highest.shape[:2], 1))], axis=2)
    recall = right / wanted[:, None, None]
    found = np.empty(right.shape[:2])
    for place in np.ndindex(*found.shape):
        found[place] = highest[place][np.searchsorted(recall[place], _RECALLS, side="left")].mean()
    return found


def mean_precisions(found: Hits, weights: Floats) -> Floats:
    """(sets,) the mean over the classes that there are targets of, and over the overlaps; NaN where there are none."""
    told = precisions(found, weights).mean(axis=2)
    known = np.isfinite(told)
    count = known.sum(axis=1)
    total, out = np.where(known, told, 0.0).sum(axis=1), np.full(len(told), np.nan)
    return np.asarray(np.divide(total, count, out=out, where=count > 0))


def best_overlaps(some: Boxes, others: Boxes) -> Floats:
    """The greatest overlap (boxes,) of each box with one of its label among others of its picture; 0 without one."""
    found = np.zeros(len(some.labels))
    for row in range(len(some)):
        mine, theirs = (slice(*each.offsets[row : row + 2]) for each in (some, others))
        alike = some.labels[mine, None] == others.labels[None, theirs]
        if alike.size:
            shares = overlaps(some.corners[mine, None], others.corners[None, theirs])
            found[mine] = np.where(alike, shares, 0.0).max(axis=1)
    return found


def f1s(truth: Boxes, said: Boxes, *, classes: int, least: float, sure: float) -> Floats:
    """(rows,) twice the hits over boxes and targets together, of boxes of that score or more; 1 where there are none
    of either.
    """
    found = hits(truth, said, classes=classes, least=[least])
    told = said.scores >= sure
    right = np.bincount(said.rows[told], weights=found.hits[told, 0], minlength=len(said))
    every = np.bincount(said.rows[told], minlength=len(said)) + found.wanted.sum(axis=1)
    return np.asarray(np.divide(2 * right, every, out=np.ones(len(said)), where=every > 0))
