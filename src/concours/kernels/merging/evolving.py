"""Mixes as points of a space in which evolution searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.merging.mixes import Mix

_LEAST_DENSITY: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class Space:
    """All mixes of so many models: a weight for each in each group of layers, and a density where TIES is asked for.

    Attributes:
        layers: how many groups of layers have weights of their own; 1 where all share them.
        density: whether the mix is by TIES.
    """

    models: int
    layers: int
    density: bool = False

    @property
    def dimensions(self) -> int:
        return self.layers * self.models + self.density

    def mix(self, point: Sequence[float]) -> Mix:
        """The mix of a point: what is below 0 counts as 0, and weights of a group are scaled to sum to one.

        Where all of a group are 0 its models weigh alike. Law: every point has a mix.
        """
        values = np.clip(np.asarray(point, dtype=np.float64), 0.0, None)
        rows = values[: self.layers * self.models].reshape(self.layers, self.models)
        sums = rows.sum(axis=1, keepdims=True)
        rows = np.divide(rows, sums, out=np.full(rows.shape, 1 / self.models), where=sums > 0)
        density = float(np.clip(values[-1], _LEAST_DENSITY, 1.0)) if self.density else None
        layers = tuple(map(tuple, rows.tolist())) if self.layers > 1 else ()
        return Mix(weights=tuple(rows.mean(axis=0).tolist()), layers=layers, density=density)

    def first(self) -> list[list[float]]:
        """Where it begins: all alike, and each model alone; by TIES, of all that was learned."""
        rows = [np.full(self.models, 1 / self.models), *np.eye(self.models)]
        return [self._everywhere(row) for row in rows]

    def _everywhere(self, row: NDArray[np.float64]) -> list[float]:
        return [*np.tile(row, self.layers).tolist(), *([1.0] if self.density else [])]
