"""Fitting and predicting: labels encoded for the estimator, predictions aligned to the problem's classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyRegressor

from concours.core.values import take
from concours.entrants.apart import learn, unstopped
from concours.entrants.wishes import Wishes
from concours.kernels.rows.kin import Kin
from concours.kernels.rows.weighing import in_rows

Floats = NDArray[np.float64]

NO_WISHES = Wishes()
_ROW_SUM = 1e-3


@dataclass(frozen=True)
class Fitted:
    """A fitted estimator and the codes of the classes that it has seen, in the order of its own labels 0, 1, …

    Attributes:
        codes: (seen classes,) int64 codes into the problem's classes; empty where there are none.
        classes: how many the problem has; 0 for regression, None of what is predicted as it is.
        rows: how many it was fitted on.
    """

    estimator: Any
    codes: NDArray[np.int64]
    classes: int | None
    rows: int

    def predict(self, x: Any) -> Any:
        """Predictions (rows, outputs): probabilities that sum to one in the order of the problem's classes, or values;
        where `classes` is None, what the estimator says, as it says it.

        An estimator without `predict_proba` gives all weight to the class it names. A class that it has not seen gets
        what one row in so many would say: a zero there could never be forgiven.

        Raises:
            ValueError: a prediction has the wrong shape, is not finite, or is no distribution.
        """
        x = _for_linear(self.estimator, x)
        if self.classes is None:
            return self.estimator.predict(x)
        if not self.classes:
            return _column(self.estimator.predict(x), x.shape[0])
        if hasattr(self.estimator, "predict_proba"):
            seen = _distribution(self.estimator.predict_proba(x), (x.shape[0], len(self.codes)))
        else:
            seen = _one_hot(self.estimator.predict(x), x.shape[0], len(self.codes))
        floor = 1 / (self.rows + self.classes)
        aligned = np.full((x.shape[0], self.classes), floor)
        aligned[:, self.codes] = seen * (1 - floor * (self.classes - len(self.codes)))
        return aligned


def fit(
    estimator: Any,
    x: Any,
    y: Any,
    classes: int | None,
    *,
    calibrate: bool,
    weights: Floats | None = None,
    wishes: Wishes = NO_WISHES,
    kin: Kin | None = None,
) -> Fitted:
    """Fits an estimator on codes (classification) or values (`classes` = 0). Where all are equal, they are predicted.
    Where `classes` is None, it is fitted on targets (rows, …) as they are.

    Args:
        calibrate: give a classifier that has a decision function but no probabilities a calibration by inner
            cross-validation (Platt 1999), so that it can be compared and joined by probabilities.
        weights: of the rows, (rows,), in any unit; rows of weight 0 are left out. An estimator whose fit takes none is
            fitted without them.
        kin: how rows belong together, where they do: rows that an estimator sets apart for itself, to know when to
            stop, to choose or to calibrate, are then whole groups, or the last ones in time (`entrants.apart`).

    Raises:
        ValueError: no row has a weight.
    """
    target = y if classes is None else np.asarray(y)
    if weights is not None:
        counted = _counted(weights)
        x, target, weights, kin = _among(counted, x, target, weights, kin)
    estimator = wishes.applied(estimator, x)
    if classes is None:
        fitted = learn(estimator, x, target, kin=kin, weights=weights, classes=0)
        return Fitted(fitted, np.empty(0, dtype=np.int64), None, len(target))
    if not classes:
        if not np.ptp(target):
            return Fitted(DummyRegressor().fit(x, target), np.empty(0, dtype=np.int64), 0, len(target))
        fitted = learn(estimator, x, target, kin=kin, weights=weights, classes=0)
        return Fitted(fitted, np.empty(0, dtype=np.int64), 0, len(target))
    codes, labels = np.unique(target, return_inverse=True)
    if len(codes) == 1:
        return Fitted(_Constant(), codes, classes, len(labels))
    counts = np.bincount(labels)
    estimator = unstopped(estimator, labels)
    estimator = wishes.named(estimator, codes)
    if calibrate and not hasattr(estimator, "predict_proba") and hasattr(estimator, "decision_function"):
        folds = int(min(5, counts.min()))
        if folds > 1:
            estimator = CalibratedClassifierCV(estimator, cv=folds, ensemble=False)
    learn(estimator, x, labels, kin=kin, weights=wishes.weights(labels, codes, weights), classes=len(codes))
    return Fitted(estimator, codes, classes, len(labels))


def _counted(weights: Floats) -> NDArray[np.int64]:
    """The rows that weigh something."""
    counted = np.flatnonzero(weights > 0)
    if not len(counted):
        raise ValueError(f"all {len(weights)} rows that would be fitted on have weight 0; one above 0 was expected")
    return counted


def _among(
    counted: NDArray[np.int64], x: Any, y: NDArray[Any], weights: Floats, kin: Kin | None
) -> tuple[Any, NDArray[Any], Floats, Kin | None]:
    """The rows that weigh something, what they weigh, in rows, and how they belong together."""
    if len(counted) < len(y):
        x = x.iloc[counted].reset_index(drop=True) if hasattr(x, "iloc") else x[counted]
        kin = kin and kin.some(counted)
    return x, take(y, counted), in_rows(weights[counted]), kin


def _for_linear(estimator: Any, x: Any) -> Any:
    """A matrix in double precision for a linear model: in single, a row's last bit hangs on where it lies in memory."""
    single = isinstance(x, np.ndarray) and x.dtype == np.float32
    return x.astype(np.float64) if single and hasattr(estimator, "coef_") else x


class _Constant:
    """What is left to predict when the training rows have one class only."""

    def predict_proba(self, x: Any) -> NDArray[np.float64]:
        return np.ones((x.shape[0], 1))


def _column(values: Any, rows: int) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.shape not in ((rows,), (rows, 1)):
        raise ValueError(f"predict must give one value a row: expected shape ({rows},), got {array.shape}")
    return _finite(array.reshape(rows, 1))


def _distribution(values: Any, shape: tuple[int, int]) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(
            f"predict_proba must have a column for each class it was fitted on: expected {shape}, got {array.shape}"
        )
    _finite(array)
    sums = array.sum(axis=1, keepdims=True)
    wrong = (array < -_ROW_SUM).any(axis=1) | (np.abs(sums[:, 0] - 1) > _ROW_SUM)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"predict_proba must give probabilities that sum to one; row {row} has {array[row].min():.4g} as its "
            f"smallest and sums to {sums[row, 0]:.4g}"
        )
    return np.clip(array, 0.0, None) / sums


def _one_hot(labels: Any, rows: int, classes: int) -> NDArray[np.float64]:
    codes = np.asarray(labels)
    if codes.shape != (rows,):
        raise ValueError(f"predict must give one label a row: expected shape ({rows},), got {codes.shape}")
    if not np.isin(codes, np.arange(classes)).all():
        raise ValueError(f"predict must give labels it was fitted on, 0 to {classes - 1}; got {np.unique(codes)[:5]}")
    return np.eye(classes)[codes.astype(np.int64)]


def _finite(array: NDArray[np.float64]) -> NDArray[np.float64]:
    bad = ~np.isfinite(array).all(axis=1)
    if bad.any():
        raise ValueError(
            f"predictions must be finite; row {int(np.argmax(bad))} holds {array[np.argmax(bad)].tolist()[:5]}"
        )
    return array
