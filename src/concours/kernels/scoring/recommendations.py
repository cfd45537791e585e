"""Recommended items row by row: what of those that were sought is among the first, and how far up.

Sought items have no order, and each is worth the same.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.rows.ranked import NONE, Codes, Floats, Ranked, Sought

FIRST: Final = 10
"""How many of the recommended items are looked at."""


def hits(y: Sought, p: Ranked) -> NDArray[np.bool_]:
    """(rows, most) whether each recommended item was sought in its row."""
    width = max(int(y.items.max(initial=0)), int(p.items.max(initial=0))) + 1
    known = np.sort(y.rows * width + y.items)
    asked = np.arange(len(p))[:, None] * width + p.items
    places = np.searchsorted(known, asked).clip(max=max(len(known) - 1, 0))
    return (p.items != NONE) & (known[places] == asked) if len(known) else np.zeros(p.items.shape, dtype=np.bool_)


def gains(y: Sought, p: Ranked, *, first: int = FIRST) -> Floats:
    """Normalised discounted cumulative gain of the first items, (rows,): 1 where all of them were sought, or all sought
    items stand before the others (Järvelin and Kekäläinen 2002).
    """
    found = hits(y, p.first(first))
    worth = 1 / np.log2(np.arange(2, first + 2))
    most = np.concatenate([[0.0], np.cumsum(worth)])[np.minimum(y.counts, first)]
    return _shares(found @ worth[: found.shape[1]], most)


def recalls(y: Sought, p: Ranked, *, first: int = FIRST) -> Floats:
    """The share of the sought items that is among the first, (rows,)."""
    return _shares(hits(y, p.first(first)).sum(axis=1), y.counts)


def precisions(y: Sought, p: Ranked, *, first: int = FIRST) -> Floats:
    """Average precision of the first items, (rows,): the mean over sought items, `first` at most, of the share of
    sought ones down to the place of each; 0 for those that are not there.
    """
    found = hits(y, p.first(first))
    down = np.cumsum(found, axis=1) / np.arange(1, found.shape[1] + 1)
    return _shares((down * found).sum(axis=1), np.minimum(y.counts, first))


def _shares(found: Floats | Codes, most: Floats | Codes) -> Floats:
    """Of nothing sought, nothing is found."""
    return np.divide(found, most, out=np.zeros(len(most)), where=most > 0)
