"""What is kept of a stream besides its log: counts and sums, as a value, however long it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.typed import typed
from concours.kernels.watching.means import Sums, summed

Counts = NDArray[np.int64]

BLOCK: Final = 10_000
"""Rows of a block. What is recent are the last one or two blocks, so that a late change is not drowned by what was."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Of a stretch of a stream.

    Attributes:
        rows: that were predicted; `told`: of how many the truth came.
        counts: (bins,) by what is counted.
        sums: of the scores of rows, by metric.
    """

    rows: int = 0
    told: int = 0
    counts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    sums: Mapping[str, Sums] = field(default_factory=dict)

    def asked(self, rows: int, counts: Mapping[str, Counts]) -> Tally:
        """With more rows, counted."""
        before = {name: np.asarray(self.counts[name]) if name in self.counts else 0 for name in counts}
        both = {name: tuple((before[name] + each).tolist()) for name, each in counts.items()}
        return replace(self, rows=self.rows + rows, counts={**self.counts, **both})

    def answered(self, scores: Mapping[str, NDArray[np.float64]], guesses: Mapping[str, float]) -> Tally:
        """With the scores (rows,) of rows whose truth came, by metric; `guesses` are what a first one is about."""
        rows = len(next(iter(scores.values()), ()))
        sums = {name: summed(self.sums.get(name, Sums(guess=guesses[name])), each) for name, each in scores.items()}
        return replace(self, told=self.told + rows, sums={**self.sums, **sums})

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        sums = {name: asdict(each) for name, each in self.sums.items()}
        return {"rows": self.rows, "told": self.told, "counts": dict(self.counts), "sums": sums}


@dataclass(frozen=True, kw_only=True)
class Tallies:
    """Of all of a stream, and of its last block or two.

    Attributes:
        older, newer: since the beginning of the last block but one, and of the last one.
        block: the number of the last one, from 0.
        lost: rows that were answered and neither counted nor written down, as they could not be.
    """

    whole: Tally = field(default_factory=Tally)
    older: Tally = field(default_factory=Tally)
    newer: Tally = field(default_factory=Tally)
    block: int = 0
    lost: int = 0

    def asked(self, rows: int, counts: Mapping[str, Counts]) -> Tallies:
        """With more rows, counted."""
        found = self._each(lambda tally: tally.asked(rows, counts))
        if found.newer.rows < BLOCK:
            return found
        return replace(found, older=found.newer, newer=Tally(), block=found.block + 1)

    def answered(self, scores: Mapping[str, NDArray[np.float64]], guesses: Mapping[str, float]) -> Tallies:
        """With the scores of rows whose truth came."""
        return self._each(lambda tally: tally.answered(scores, guesses))

    def _each(self, of: Any) -> Tallies:
        return replace(self, whole=of(self.whole), older=of(self.older), newer=of(self.newer))

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        each = {name: getattr(self, name).to_json() for name in ("whole", "older", "newer")}
        return {**each, "block": self.block, "lost": self.lost}

    @classmethod
    def from_json(cls, value: Any) -> Tallies:
        """The inverse of `to_json`. Raises ContentRefused where it is none."""
        return typed(cls, value)
