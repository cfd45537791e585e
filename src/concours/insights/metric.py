"""What an analysis asks of a metric that is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scoring.scores import Means

Floats = NDArray[np.float64]


class Metric(Protocol):
    """Scores of predictions, and how sure they are."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def sign(self) -> float:
        """What turns its values so that greater is better."""

    def score(self, y: NDArray[Any], p: Floats, weights: Floats | None = None) -> float:
        """The raw metric of predictions (rows, outputs) against targets (rows,)."""

    def means(
        self,
        y: NDArray[Any],
        predictions: Sequence[Floats],
        *,
        seed: int,
        rounds: int,
        groups: NDArray[np.int64] | None = None,
        weights: Floats | None = None,
        empty: float = np.nan,
    ) -> Means:
        """The metric of several models on the same rows, and how these estimates vary together."""

    def of_means(self, means: Floats) -> Floats:
        """The metric (...,) of means (...,) over the scores of single rows, of one that has such."""
