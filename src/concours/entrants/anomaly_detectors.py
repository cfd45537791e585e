"""Detectors of strange rows that suit tables as well as the windows of series. None looks at labels."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

from concours.entrants.anomaly_scores import Detector, Floats, some

_NORMAL: Final = 1.4826
"""The deviation of a normal distribution whose median absolute deviation is 1."""


class RobustZ(Detector):
    """How far a row lies from the middle: of a series its last value, of a table its farthest column.

    Each column is told from its median, by the median absolute deviation (Iglewicz and Hoaglin 1993), or by the mean
    one where that is 0; a value of a series is told from its past already.
    """

    def __init__(self, *, window: int | None = None) -> None:
        self.window = window

    def _learn(self, rows: Floats, y: NDArray[Any]) -> None:
        del y
        self.middle_ = np.median(rows, axis=0)
        apart = np.abs(rows - self.middle_)
        spread = _NORMAL * np.median(apart, axis=0)
        spread = np.where(spread > 0, spread, apart.mean(axis=0))
        self.spread_ = np.where(spread > 0, spread, 1.0)

    def _strange(self, rows: Floats) -> Floats:
        if self.window:
            return np.abs(self._values(rows)[:, -1])
        return np.asarray((np.abs(rows - self.middle_) / self.spread_).max(axis=1))


class IsolationDetector(Detector):
    """An isolation forest (Liu, Ting and Zhou 2008): how few cuts at random set a row, or a window, apart."""

    def __init__(self, *, n_estimators: int = 100, window: int | None = None, random_state: int | None = None) -> None:
        self.n_estimators = n_estimators
        self.window = window
        self.random_state = random_state

    def _learn(self, rows: Floats, y: NDArray[Any]) -> None:
        del y
        forest = IsolationForest(n_estimators=self.n_estimators, random_state=self.random_state)
        self.forest_ = forest.fit(self._seen(rows))

    def _strange(self, rows: Floats) -> Floats:
        return np.asarray(-self.forest_.score_samples(self._seen(rows)))

    def _seen(self, rows: Floats) -> Floats:
        """What of rows is cut."""
        return self._values(rows)


class LOFDetector(Detector):
    """The local outlier factor (Breunig et al. 2000): how much sparser it is around a row than around those near it.

    Of many rows `most` are drawn to be near to.
    """

    def __init__(
        self, *, neighbours: int = 20, most: int = 2000, window: int | None = None, random_state: int | None = None
    ) -> None:
        self.neighbours = neighbours
        self.most = most
        self.window = window
        self.random_state = random_state

    def _learn(self, rows: Floats, y: NDArray[Any]) -> None:
        del y
        known = self._values(rows)[some(len(rows), self.most, self.random_state)]
        near = min(self.neighbours, len(known) - 1)
        self.factor_ = LocalOutlierFactor(n_neighbors=near, novelty=True, algorithm="brute").fit(known)

    def _strange(self, rows: Floats) -> Floats:
        with np.errstate(invalid="ignore", over="ignore"):
            found = -self.factor_.score_samples(self._values(rows))
        return np.nan_to_num(found, nan=1.0, posinf=1e12)


class OneClassDetector(Detector):
    """A one-class support vector machine with a radial kernel (Schölkopf et al. 2001).

    Columns are standardised; of many rows `most` are drawn to be fitted on. `nu`: the share of these that are outside.
    """

    def __init__(
        self, *, nu: float = 0.1, most: int = 2000, window: int | None = None, random_state: int | None = None
    ) -> None:
        self.nu = nu
        self.most = most
        self.window = window
        self.random_state = random_state

    def _learn(self, rows: Floats, y: NDArray[Any]) -> None:
        del y
        values = self._values(rows)
        self.mean_, deviation = values.mean(axis=0), values.std(axis=0)
        self.deviation_ = np.where(deviation > 0, deviation, 1.0)
        known = self._scaled(rows)[some(len(rows), self.most, self.random_state)]
        self.machine_ = OneClassSVM(nu=self.nu, gamma="scale").fit(known)

    def _strange(self, rows: Floats) -> Floats:
        return np.asarray(-self.machine_.decision_function(self._scaled(rows)))

    def _scaled(self, rows: Floats) -> Floats:
        return np.asarray((self._values(rows) - self.mean_) / self.deviation_)


class ECOD(Detector):
    """Empirical tails (Li et al. 2022): how rare it is that a column is as low, or as high, all columns added up.

    Each column's tail probabilities are those of the rows that were fitted on; of each row the greater is taken of the
    sums of the logarithms over all left tails, all right tails, and those tails to which columns are skewed.

    Fitted: `sorted_` (rows, features), `skewed_` (features,) whether a column is skewed to the right.
    """

    def __init__(self, *, most: int = 5000, window: int | None = None, random_state: int | None = None) -> None:
        self.most = most
        self.window = window
        self.random_state = random_state

    def _learn(self, rows: Floats, y: NDArray[Any]) -> None:
        del y
        values = self._values(rows)
        self.sorted_ = np.sort(values[some(len(rows), self.most, self.random_state)], axis=0)
        self.skewed_ = ((values - values.mean(axis=0)) ** 3).mean(axis=0) > 0

    def _strange(self, rows: Floats) -> Floats:
        values, known = self._values(rows), len(self.sorted_)
        left, right = np.empty_like(values), np.empty_like(values)
        for place in range(values.shape[1]):
            column = self.sorted_[:, place]
            as_low = np.searchsorted(column, values[:, place], side="right")
            as_high = known - np.searchsorted(column, values[:, place], side="left")
            left[:, place], right[:, place] = (-np.log((count + 1) / (known + 1)) for count in (as_low, as_high))
        skewed = np.where(self.skewed_, right, left)
        return np.asarray(np.max([left.sum(axis=1), right.sum(axis=1), skewed.sum(axis=1)], axis=0))
