"""Weighted box fusion (Solovyev, Wang and Gabruseva 2021): boxes that overlap become their mean, weighted by scores.

No box is thrown away, as non-maximum suppression does: what several members see, where each sees it, is told better by
all of them. What few members see is believed less.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.rows.boxes import Boxes, InStep, in_step, overlaps

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

OVERLAP: Final = 0.55
_AT_ONCE: Final = 4096  # groups


def fused(members: Sequence[Boxes], weights: Floats, *, overlap: float = OVERLAP) -> Boxes:
    """Joined boxes of the same pictures, at most `MOST` a picture, the highest scores first.

    In each picture and for each label boxes are gone through from the highest score times weight down. A box joins the
    fused box that it overlaps most, if by more than that share, else it begins one. A fused box lies at the mean of its
    boxes, weighted by score times weight. Its score is the sum of these over the sum of the members' weights, or, where
    that is more, over the sum of those of its boxes: a member may have several there. With equal weights that is the
    paper's score; with others it stays at most 1.

    Laws: one member, whose own boxes of a label do not overlap by more than that, stays as it is, and so do members
    that all say the same; a member of weight 0 is as one that is not there; weights count by what they are to one
    another.

    Args:
        weights: (members,), or (members, rows); at least 0.

    Raises:
        ValueError: in some picture no member has a weight.
    """
    rows = len(members[0])
    each = np.broadcast_to(weights if weights.ndim == 2 else weights[:, None], (len(members), rows))
    total = each.sum(axis=0)
    if (each < 0).any() or not (total > 0).all():
        raise ValueError("weights must be at least 0, and one of them above 0")
    place = np.concatenate([member.rows for member in members])
    share = np.concatenate([weight[member.rows] for weight, member in zip(each, members, strict=True)])
    scores = np.concatenate([member.scores for member in members]) * share
    some = np.flatnonzero(scores > 0)
    labels = np.concatenate([member.labels for member in members])[some]
    corners = np.concatenate([member.corners for member in members])[some]
    place, share, scores = place[some], share[some], scores[some]
    groups = in_step(place, labels, scores, width=int(labels.max(initial=0)) + 1)
    joined = [_fused(part, scores, share, corners, overlap) for part in _parts(groups)]
    first, sums, masses, sides = (
        (np.concatenate(columns) for columns in zip(*joined, strict=True)) if joined else _nothing()
    )
    row = place[first]
    believed = sums / np.maximum(total[row], masses)
    return Boxes.sorted(row, labels[first], believed, sides, among=rows)


def _nothing() -> tuple[Codes, Floats, Floats, Floats]:
    return np.empty(0, dtype=np.int64), np.empty(0), np.empty(0), np.empty((0, 4))


def _parts(groups: InStep) -> list[InStep]:
    """Some groups at a time, the largest first, so that what is kept of them is no larger than it must be."""
    cuts = range(0, len(groups.sizes), _AT_ONCE)
    return [
        InStep(
            order=groups.order,
            starts=groups.starts[cut : cut + _AT_ONCE],
            sizes=groups.sizes[cut : cut + _AT_ONCE],
            keys=groups.keys[cut : cut + _AT_ONCE],
        )
        for cut in cuts
    ]


def _fused(
    groups: InStep, scores: Floats, share: Floats, corners: Floats, overlap: float
) -> tuple[Codes, Floats, Floats, Floats]:
    """Of each fused box the place of its first box, the sums of scores and of weights, and where it lies."""
    shape = len(groups.sizes), groups.steps
    firsts, used = np.zeros(shape, np.int64), np.zeros(shape[0], np.int64)
    sums, masses, moments, means = np.zeros(shape), np.zeros(shape), np.zeros((*shape, 4)), np.zeros((*shape, 4))
    for step in range(groups.steps):
        active, boxes = groups.at(step)
        here, most = np.arange(active), int(used[:active].max()) if step else 0
        shares = overlaps(corners[boxes][:, None], means[:active, :most]) if most else np.zeros((active, 1))
        best = shares.argmax(axis=1)
        alone = shares[here, best] <= overlap
        into = np.where(alone, used[:active], best)
        firsts[here[alone], into[alone]] = boxes[alone]
        used[:active] += alone
        sums[here, into] += scores[boxes]
        masses[here, into] += share[boxes]
        moments[here, into] += scores[boxes][:, None] * corners[boxes]
        means[here, into] = moments[here, into] / sums[here, into][:, None]
    there = np.arange(shape[1]) < used[:, None]
    return firsts[there], sums[there], masses[there], means[there]
