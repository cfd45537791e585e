"""Survival by XGBoost: boosted trees with the loss of proportional hazards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from concours.entrants.boosters import XGBoost
from concours.entrants.pools import named
from concours.entrants.survival import Hazards

Floats = NDArray[np.float64]

_ARRAYS = ("times_", "baseline_", "centre_")


class XGBoostHazards(XGBoost, Hazards):
    """XGBoost (Chen and Guestrin 2016) by the loss of proportional hazards; ties count as Breslow's (1974) do.

    Targets and curves as of `entrants.survival`.
    """

    def __init__(
        self,
        *,
        rounds: int | None = None,
        learning_rate: float | None = None,
        effort: float = 1.0,
        params: Mapping[str, Any] | None = None,
        times: Sequence[float] | None = None,
        random_state: int | None = None,
    ) -> None:
        super().__init__(
            rounds=rounds, learning_rate=learning_rate, effort=effort, params=params, random_state=random_state
        )
        self.times = times

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fits to rows (n, features), a frame with `category` columns or a matrix, targets (n, 2), and weights (n,)."""
        _, targets = self._followed(np.zeros((len(X), 1)), y)
        super().fit(X, np.where(targets[:, 1] > 0, targets[:, 0], -targets[:, 0]), sample_weight)
        return self._based(X, targets)

    def predict(self, X: Any) -> Floats:
        """Curves (n, times)."""
        return np.exp(-self._relative(self._risks(X))[:, None] * self.baseline_)

    def _objective(self) -> dict[str, Any]:
        return {
            "objective": "survival:cox",
            "eval_metric": "cox-nloglik",
            "max_depth": 3,
            "min_child_weight": 5.0,
            "subsample": 0.7,
        }

    def _risks(self, rows: Any) -> Floats:
        import xgboost

        known = xgboost.DMatrix(named(rows), enable_categorical=True, nthread=1)
        return np.asarray(self._booster.predict(known, output_margin=True), dtype=np.float64)

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), **{name: getattr(self, name).tolist() for name in _ARRAYS}}

    def set_files(self, files: Mapping[str, bytes], state: Mapping[str, Any]) -> Self:
        return super().set_files(files, {k: np.asarray(v) if k in _ARRAYS else v for k, v in state.items()})
