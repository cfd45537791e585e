"""Meta-learners of forecasts: weights of the members for each stretch of the steps ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.kernels.joining.stepwise import by_steps

Floats = NDArray[np.float64]

FORMAT = "steps"


@dataclass(frozen=True, kw_only=True)
class StepLearner:
    """Weights (stretches, members) of forecasts of so many steps with so many quantiles."""

    weights: tuple[tuple[float, ...], ...]
    horizon: int
    levels: int

    def predict(self, members: Sequence[Floats]) -> Floats:
        """Quantiles (rows, steps * levels) of those of the members."""
        return by_steps(members, np.asarray(self.weights), horizon=self.horizon, levels=self.levels)

    def shares(self, members: int) -> list[float]:
        """(members,) the mean of the weights over all steps, about."""
        del members
        return [float(share) for share in np.mean(self.weights, axis=0)]

    def head(self) -> dict[str, Any]:
        """It as JSON."""
        weights = [list(row) for row in self.weights]
        return {"format": FORMAT, "weights": weights, "horizon": self.horizon, "levels": self.levels}
