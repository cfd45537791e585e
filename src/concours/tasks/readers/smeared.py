"""Masks whose edges are smeared: values between those of labels, which JPEG and smooth scaling make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SOLID: Final = 0.05
"""Share of the pixels of a label, at least, that lie in a square of four alike; of a smeared edge few do."""
_OFTEN: Final = 0.1
"""Share of all pixels that has a label, whether it is solid or not."""
_MANY: Final = 8
_NEAR: Final = 16
"""Of solid values as near as that one is the other, a little changed, as flat blocks of JPEG are."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is written in a mask.

    Attributes:
        keys: (keys,) int64, sorted.
        counts: (keys,) pixels of each.
        solid: (keys,) of these the pixels that lie in a square of four alike.
    """

    keys: NDArray[np.int64]
    counts: NDArray[np.int64]
    solid: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Meant:
    """What smeared keys stand for.

    Attributes:
        nearest: by each smeared key, that of the label that is meant.
        share: of all pixels, that are smeared.
    """

    nearest: dict[int, int]
    share: float


def seen_in(mask: NDArray[np.int64]) -> Seen:
    """The keys of a mask (height, width), with how often and how solidly each is there."""
    keys, codes, counts = np.unique(mask, return_inverse=True, return_counts=True)
    codes = codes.reshape(mask.shape)
    corner = codes[:-1, :-1]
    alike = (corner == codes[1:, :-1]) & (corner == codes[:-1, 1:]) & (corner == codes[1:, 1:])
    within = np.zeros(mask.shape, dtype=bool)
    for down in (slice(None, -1), slice(1, None)):
        for across in (slice(None, -1), slice(1, None)):
            within[down, across] |= alike
    return Seen(keys=keys, counts=counts, solid=np.bincount(codes[within], minlength=len(keys)))


def meant(masks: Iterable[Seen], colours: NDArray[np.int64], keys: NDArray[np.int64]) -> Meant | None:
    """What smeared keys mean, where masks are smeared; none where they are not.

    They are where more than eight keys are rare and nowhere solid, and more than twice as many as those that are not
    and lie apart from one another, of which there are two at least. Each is taken for the nearest of these.

    Args:
        colours: (keys, 3) red, green and blue of each of `keys`, all that are in the masks, sorted.
    """
    counts, solid = np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=np.int64)
    for mask in masks:
        places = np.searchsorted(keys, mask.keys)
        counts[places] += mask.counts
        solid[places] += mask.solid
    is_solid = (solid >= _SOLID * counts) | (counts >= _OFTEN * counts.sum())
    kept: list[int] = []
    for place in sorted(np.flatnonzero(is_solid).tolist(), key=lambda place: -counts[place]):
        if all(np.abs(colours[place] - colours[other]).max() > _NEAR for other in kept):
            kept.append(place)
    if len(kept) < 2 or (~is_solid).sum() <= max(_MANY, 2 * len(kept)):
        return None
    others = np.setdiff1d(np.arange(len(keys)), kept)
    apart = np.stack([((colours[others] - colours[place]) ** 2).sum(axis=1) for place in kept], axis=1)
    nearest = np.array(kept)[apart.argmin(axis=1)]
    return Meant(
        nearest=dict(zip(keys[others].tolist(), keys[nearest].tolist(), strict=True)),
        share=float(counts[others].sum() / counts.sum()),
    )
