"""Lists of items a row: those recommended, best first, and those that were sought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

NONE: Final = -1
"""What stands in a row behind its last item."""


@dataclass(frozen=True, kw_only=True)
class Sought:
    """The items that were sought in each row, flat.

    Attributes:
        offsets: (rows + 1,) where those of each row begin and end.
        items: (all items,) codes from 0, none twice in a row.
    """

    offsets: Codes
    items: Codes

    @classmethod
    def of(cls, values: Any) -> Sought:
        """Of an Arrow array (rows) of lists of whole numbers."""
        if isinstance(values, cls):
            return values
        offsets, items = _flat(values)
        return cls(offsets=offsets, items=items.to_numpy(zero_copy_only=False).astype(np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> Codes:
        """(rows,) how many each row has."""
        return np.diff(self.offsets)

    @property
    def rows(self) -> Codes:
        """(all items,) the row of each."""
        return np.repeat(np.arange(len(self)), self.counts)


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """Recommended items side by side, the best first.

    Attributes:
        items: (rows, most) codes from 0, none twice in a row; `NONE` behind the last one.
        scores: (rows, most), falling; 0 behind the last one.
    """

    items: Codes
    scores: Floats

    @classmethod
    def of(cls, values: Any) -> Ranked:
        """Of an Arrow array (rows) of lists of structs of `item` and `score`."""
        if isinstance(values, cls):
            return values
        offsets, each = _flat(values)
        counts = np.diff(offsets)
        filled = np.arange(counts.max(initial=0)) < counts[:, None]
        items, scores = np.full(filled.shape, NONE, dtype=np.int64), np.zeros(filled.shape)
        items[filled] = each.field("item").to_numpy(zero_copy_only=False)
        scores[filled] = each.field("score").to_numpy(zero_copy_only=False)
        return cls(items=items, scores=scores)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def counts(self) -> Codes:
        """(rows,) how many each row has."""
        return np.asarray((self.items != NONE).sum(axis=1), dtype=np.int64)

    def first(self, most: int) -> Ranked:
        """The best so many of each row."""
        return Ranked(items=self.items[:, :most], scores=self.scores[:, :most])


def best(scores: NDArray[np.floating[Any]], most: int) -> Ranked:
    """The `most` items with the highest finite scores (rows, items) in each row; of equal ones the first."""
    most = min(most, scores.shape[1])
    some = np.argpartition(-scores, most - 1, axis=1)[:, :most]
    edge = np.take_along_axis(scores, some, axis=1).min(axis=1, keepdims=True)
    tied = np.flatnonzero((scores >= edge).sum(axis=1) > most)
    some[tied] = np.argsort(-scores[tied], axis=1, kind="stable")[:, :most]
    some.sort(axis=1)
    found = np.take_along_axis(scores, some, axis=1).astype(np.float64)
    order = np.argsort(-found, axis=1, kind="stable")
    items, found = np.take_along_axis(some, order, axis=1), np.take_along_axis(found, order, axis=1)
    known = np.isfinite(found)
    return Ranked(items=np.where(known, items, NONE), scores=np.where(known, found, 0.0))


def _flat(values: Any) -> tuple[Codes, Any]:
    """Where the lists of an Arrow array begin and end, and what is in them."""
    offsets = values.offsets.to_numpy().astype(np.int64)
    return offsets - offsets[0], values.values.slice(offsets[0], offsets[-1] - offsets[0])
