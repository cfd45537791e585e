"""Survival: what its estimators share, and Kaplan–Meier, which looks at no column.

Targets `y` (n, 2) are a time and 1 where the event came then, 0 where the row was censored. `predict` gives survival
curves (n, times): the probability that the event has not come by each of `times`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from concours.kernels.scoring.survival import kaplan_meier

Array = NDArray[Any]
Floats = NDArray[np.float64]

_TIMES = 40
_FARTHEST = 50.0
"""A logarithm of a hazard is no farther from the mean, so that its exponential is finite."""


class Survivor(BaseEstimator):
    """What the estimators share. `times`: of the curves, rising; None: 40 quantiles of those at which events came.

    Fitted: `times_`; `n_features_in_`.
    """

    times: Sequence[float] | None

    def _followed(self, X: ArrayLike, y: ArrayLike) -> tuple[Array, Floats]:
        """Rows (n, features) and targets (n, 2), checked, and the grid."""
        targets = np.asarray(y, dtype=np.float64)
        if targets.ndim != 2 or targets.shape[1] != 2 or not (targets[:, 0] > 0).all():
            raise ValueError(f"y must be times above 0 and events 0 or 1, (n, 2); got shape {targets.shape}")
        if not targets[:, 1].any():
            raise ValueError(f"y must have an event; all {len(targets)} rows are censored")
        came = targets[targets[:, 1] > 0, 0]
        usual = np.unique(np.quantile(came, (np.arange(_TIMES) + 0.5) / _TIMES, method="inverted_cdf"))
        self.times_ = usual if self.times is None else np.asarray(self.times, dtype=np.float64)
        self.__dict__.pop("n_features_in_", None)
        rows = self._rows(X)
        if len(rows) != len(targets):
            raise ValueError(f"X and y must have the same number of rows; got {len(rows)} and {len(targets)}")
        self.n_features_in_ = rows.shape[1]
        return rows, targets

    def _rows(self, X: ArrayLike) -> Array:
        """(n, features) float32, finite, as many columns as in the fit."""
        rows = np.asarray(X, dtype=np.float32)
        if rows.ndim != 2 or not np.isfinite(rows).all():
            raise ValueError(f"X must be finite numbers (n, features); got shape {rows.shape}")
        if rows.shape[1] != getattr(self, "n_features_in_", rows.shape[1]):
            raise ValueError(f"X must have {self.n_features_in_} columns, as in fit; got {rows.shape[1]}")
        return rows


class Tensors:
    """What those share that are kept as arrays, by the names of `_TENSORS`."""

    _TENSORS: tuple[str, ...]
    n_features_in_: int

    def get_tensors(self) -> dict[str, Array]:
        """Everything learned, by name."""
        check_is_fitted(self, self._TENSORS)
        return {name: np.ascontiguousarray(getattr(self, name)) for name in self._TENSORS}

    def get_state(self) -> dict[str, Any]:
        """Everything else that was fitted, as JSON can hold it."""
        return {"features": self.n_features_in_}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        """Become fitted as the estimator was whose `get_tensors()` and `get_state()` these are; returns self."""
        for name in self._TENSORS:
            setattr(self, name, np.asarray(tensors[name]))
        self.n_features_in_ = state["features"]
        return self


class KaplanMeier(Tensors, Survivor):
    """The same curve for every row: that of all rows that it is fitted on (Kaplan and Meier 1958)."""

    _TENSORS = ("times_", "curve_")

    def __init__(self, *, times: Sequence[float] | None = None) -> None:
        self.times = times

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to targets `y`, by weights (n,)."""
        _, targets = self._followed(np.zeros((len(np.asarray(y)), 1)), y)
        weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        self.curve_ = kaplan_meier(targets, weights).at(self.times_)
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Curves (n, times)."""
        check_is_fitted(self, "curve_")
        return np.repeat(self.curve_[None], len(X), axis=0)  # type: ignore[arg-type]


class Hazards(Survivor):
    """Estimators of proportional hazards (Cox 1972): a row's hazard is that of all, times the exponential of its risk.

    Fitted: `baseline_` (times,), the cumulated hazard at the mean risk (Breslow 1972); `centre_`, the mean risk.
    """

    def _risks(self, rows: Array) -> Floats:
        """(n,) the logarithm of the hazard, but for what all have in common."""
        raise NotImplementedError

    def _based(self, rows: Array, targets: Floats) -> Self:
        """With the hazard that all have in common, once risks can be told."""
        risks = self._risks(rows)
        self.centre_ = np.asarray(risks.mean())
        self.baseline_ = cumulated_hazards(targets, self._relative(risks), self.times_)
        return self

    def _relative(self, risks: Floats) -> Floats:
        return np.exp(np.clip(risks - self.centre_, -_FARTHEST, _FARTHEST))

    def predict(self, X: ArrayLike) -> Floats:
        """Curves (n, times)."""
        check_is_fitted(self, "baseline_")
        return np.exp(-self._relative(self._risks(self._rows(X)))[:, None] * self.baseline_)


def cumulated_hazards(y: Floats, relative: Floats, times: Floats) -> Floats:
    """The cumulated hazard of who has the relative hazard 1, (times,) (Breslow 1972).

    Args:
        y: (n, 2).
        relative: (n,) hazards, by the common one.
    """
    at, places = np.unique(y[:, 0], return_inverse=True)
    there = np.cumsum(np.bincount(places, relative, len(at))[::-1])[::-1]
    rises = np.cumsum(np.bincount(places, y[:, 1], len(at)) / there)
    return np.concatenate([[0.0], rises])[np.searchsorted(at, times, side="right")]
