"""Sides that have several entries: which one stands for each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def chosen(scores: Floats, sides: Sequence[int | None], *, greater_is_better: bool) -> list[int]:
    """The places of the entries that stand for their sides, rising: the best of each, the first of equal ones.

    Args:
        scores: (entries,); what is not a number is no score, and stands for nobody.
        sides: of each entry the number of its side; none of one that stands for nobody.

    Law: one place for each side that has a score.
    """
    best: dict[int, int] = {}
    oriented = scores if greater_is_better else -scores
    for place, side in enumerate(sides):
        if side is None or np.isnan(oriented[place]):
            continue
        if side not in best or oriented[place] > oriented[best[side]]:
            best[side] = place
    return sorted(best.values())
