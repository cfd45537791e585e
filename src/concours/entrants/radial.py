"""Support vector machines of a radial kernel that find their own width and penalty, and, of classes, probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.svm import SVC

from concours.entrants.apart import SetsApart
from concours.entrants.scaled import ScaledSVR
from concours.kernels.rows.kin import Kin, crossed

Floats = NDArray[np.float64]

_MOST_ROWS = 2_000
_SEARCHED_ON = 1_000
_FOLDS = 3
_WIDTHS = (0.2, 1.0, 4.0)
_PENALTIES = (1.0, 10.0, 100.0)
_STEPS = 30
FLOOR = 1e-6
"""What a sigmoid of a pair says at least, and, of one, at most."""
_SHARPEST = 2.0
"""As a natural logarithm: coupled probabilities are raised to powers of 1/7 to 7."""


@dataclass(frozen=True)
class _Known:
    """Rows (n, features), their codes and weights (n,); `classes` in all; `kin` where rows belong together."""

    rows: Floats
    codes: NDArray[np.int64]
    weights: Floats
    classes: int
    kin: Kin | None = None

    def take(self, places: NDArray[np.int64]) -> _Known:
        kin = self.kin and self.kin.some(places)
        return _Known(self.rows[places], self.codes[places], self.weights[places], self.classes, kin)

    def folds(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Rows to fit on and rows held out, of each inner fold."""
        count = min(_FOLDS, self.fewest)
        if self.kin is not None:
            return crossed(self.kin.folds(count, seed=0, strata=self.codes))
        return list(StratifiedKFold(count, shuffle=True, random_state=0).split(self.rows, self.codes))

    @property
    def fewest(self) -> int:
        """Rows of the rarest class."""
        return int(np.bincount(self.codes, minlength=self.classes).min())


class RadialSVC(SetsApart, ClassifierMixin, BaseEstimator):
    """scikit-learn's `SVC` with `C` and `gamma` searched on up to 2,000 rows, and probabilities of pairs, coupled.

    Searched by the log loss of inner cross-validation, on a thousand rows at most. Probabilities: for each pair of
    classes a sigmoid of the margins that inner cross-validation gave (Platt 1999), coupled in closed form (Price et al.
    1995), and raised to the power that suits the same rows. Of more rows, or where a class has one row only, `C` is 1
    and `gamma` scikit-learn's `scale`.

    Args:
        C, gamma: not searched where they are given; `gamma` in units of `scale`.

    Fitted: `classes_`; `machine_`, the `SVC`; `C_` and `gamma_`; `sigmoids_` (pairs, 2), slope and shift; `power_`.
    """

    def __init__(self, *, C: float | None = None, gamma: float | None = None, random_state: int | None = None) -> None:
        self.C = C
        self.gamma = gamma
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fits to rows (n, features) and labels (n,) of two classes or more, with weights (n,) where there are any."""
        rows = np.asarray(X, dtype=np.float64)
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y must have two classes or more; got {len(self.classes_)} class")
        weights = np.ones(len(codes)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        known = _Known(rows, codes, weights, len(self.classes_), self._told_kin())
        self.n_features_in_ = rows.shape[1]
        self.scale_ = _scale(rows)
        self.C_, self.gamma_ = self._searched(known)
        self.sigmoids_, self.power_, _ = self._sureness(known, self.C_, self.gamma_)
        self.machine_ = self._machine(known, self.C_, self.gamma_)
        return self

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Probabilities (n, classes)."""
        margins = _margins(self.machine_, np.asarray(X, dtype=np.float64))
        return _raised(_coupled(margins, self.sigmoids_, len(self.classes_)), self.power_)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each row, (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def _searched(self, known: _Known) -> tuple[float, float]:
        """The penalty and the width of least log loss; the first of equals, the smoothest."""
        small = known.take(_some(len(known.codes), self.random_state))
        if len(known.codes) > _MOST_ROWS or small.fewest < 2:
            return self.C or 1.0, self.gamma or 1.0
        tried = _tried(self.C, self.gamma)
        return min(tried, key=lambda pair: self._sureness(small, *pair)[2]) if len(tried) > 1 else tried[0]

    def _sureness(self, known: _Known, penalty: float, width: float) -> tuple[Floats, float, float]:
        """Sigmoids of the pairs, the power, and the log loss, by margins of rows that were not fitted on."""
        margins = self._unseen(known, penalty, width)
        sigmoids = _sigmoids(margins, known)
        power, loss = _sharpened(_coupled(margins, sigmoids, known.classes), known)
        return sigmoids, power, loss

    def _unseen(self, known: _Known, penalty: float, width: float) -> Floats:
        """Margins (n, pairs) by inner cross-validation; where a class has one row only, of rows that were seen."""
        folds = known.folds() if known.fewest > 1 else []
        if not folds:
            return _margins(self._machine(known, penalty, width), known.rows)
        margins = np.empty((len(known.rows), known.classes * (known.classes - 1) // 2))
        for fitted, held_out in folds:
            margins[held_out] = _margins(self._machine(known.take(fitted), penalty, width), known.rows[held_out])
        return margins

    def _machine(self, known: _Known, penalty: float, width: float) -> SVC:
        machine = SVC(C=penalty, gamma=width * self.scale_, decision_function_shape="ovo")
        return machine.fit(known.rows, known.codes, sample_weight=known.weights)


class RadialSVR(SetsApart, RegressorMixin, BaseEstimator):
    """`ScaledSVR` with `C` and `gamma` searched on up to 2,000 rows, by the squared error of inner cross-validation.

    The search is on a thousand rows at most. Of more than 2,000 rows, or fewer than 6, `C` is 1 and `gamma`
    scikit-learn's `scale`.

    Args:
        C, gamma: not searched where they are given; `C` in deviations of the target, `gamma` in units of `scale`.

    Fitted: `machine_`, the `ScaledSVR`; `C_` and `gamma_`.
    """

    def __init__(self, *, C: float | None = None, gamma: float | None = None, random_state: int | None = None) -> None:
        self.C = C
        self.gamma = gamma
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fits to rows (n, features) and numbers (n,), with weights (n,) where there are any."""
        rows, values = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
        weights = np.ones(len(values)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        self.n_features_in_ = rows.shape[1]
        self.scale_ = _scale(rows)
        self.C_, self.gamma_ = self._searched(rows, values, weights, self._told_kin())
        self.machine_ = self._machine(self.C_, self.gamma_).fit(rows, values, weights)
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Numbers (n,), in the unit of the target."""
        return self.machine_.predict(np.asarray(X, dtype=np.float64))

    def _searched(self, rows: Floats, values: Floats, weights: Floats, kin: Kin | None) -> tuple[float, float]:
        """The penalty and the width of least squared error; the first of equals, the smoothest."""
        tried, some = _tried(self.C, self.gamma), _some(len(values), self.random_state)
        if len(tried) == 1 or not 2 * _FOLDS <= len(values) <= _MOST_ROWS:
            return self.C or 1.0, self.gamma or 1.0
        folds = KFold(_FOLDS, shuffle=True, random_state=0).split(some)
        inner = folds if kin is None else crossed(kin.some(some).folds(_FOLDS, seed=0))
        parts = [(some[fitted], some[held]) for fitted, held in inner]

        def loss(pair: tuple[float, float]) -> float:
            lost = 0.0
            for fitted, held in parts:
                machine = self._machine(*pair).fit(rows[fitted], values[fitted], weights[fitted])
                lost += float(np.sum(weights[held] * np.square(machine.predict(rows[held]) - values[held])))
            return lost

        return min(tried, key=loss)

    def _machine(self, penalty: float, width: float) -> ScaledSVR:
        return ScaledSVR(C=penalty, gamma=width * self.scale_)


def _scale(rows: Floats) -> float:
    """What scikit-learn calls `scale`: the width for as many features of this variance."""
    spread = float(rows.var())
    return 1 / (rows.shape[1] * spread) if spread else 1.0


def _some(rows: int, seed: int | None) -> NDArray[np.int64]:
    """The rows that are searched on."""
    return np.sort(np.random.default_rng(seed).permutation(rows)[:_SEARCHED_ON])


def _tried(penalty: float | None, width: float | None) -> list[tuple[float, float]]:
    """Pairs of a penalty and a width, smooth ones first."""
    return list(product([penalty] if penalty else _PENALTIES, [width] if width else _WIDTHS))


def _margins(machine: SVC, rows: Floats) -> Floats:
    """Margins (n, pairs), those of the first class of a pair above zero."""
    margins = np.asarray(machine.decision_function(rows), dtype=np.float64)
    return -margins[:, None] if margins.ndim == 1 else margins


def _sigmoids(margins: Floats, known: _Known) -> Floats:
    """Slope and shift of each pair (pairs, 2), on the rows of its classes."""
    found = []
    for place, (first, second) in enumerate(combinations(range(known.classes), 2)):
        mine = (known.codes == first) | (known.codes == second)
        found.append(_platt(margins[mine, place], known.codes[mine] == first, known.weights[mine]))
    return np.array(found)


def _platt(margins: Floats, first: NDArray[np.bool_], weights: Floats) -> tuple[float, float]:
    """The sigmoid of least log loss, by Newton's steps; as if a row more of each class had been seen."""
    ahead, behind = float(weights[first].sum()), float(weights[~first].sum())
    target = np.where(first, (ahead + 1) / (ahead + 2), 1 / (behind + 2))
    features = np.column_stack([margins, np.ones_like(margins)])
    found = np.array([0.0, np.log((ahead + 1) / (behind + 1))])
    for _ in range(_STEPS):
        shares = expit(features @ found)
        slope = features.T @ (weights * (shares - target))
        curve = (features * (weights * shares * (1 - shares))[:, None]).T @ features + 1e-6 * np.eye(2)
        step = np.linalg.solve(curve, slope)
        found = found - step / max(1.0, float(np.abs(step).max()) / 3)
        if np.abs(step).max() < 1e-6:
            break
    return max(float(found[0]), 0.0), float(found[1])


def _coupled(margins: Floats, sigmoids: Floats, classes: int) -> Floats:
    """Probabilities (n, classes) of margins (n, pairs): 1 / p_i is the sum of 1 / r_ij, less the classes but two."""
    shares = np.clip(expit(margins * sigmoids[:, 0] + sigmoids[:, 1]), FLOOR, 1 - FLOOR)
    against = np.full((len(margins), classes), 2.0 - classes)
    for place, (first, second) in enumerate(combinations(range(classes), 2)):
        against[:, first] += 1 / shares[:, place]
        against[:, second] += 1 / (1 - shares[:, place])
    return _raised(1 / against, 1.0)


def _raised(shares: Floats, power: float) -> Floats:
    """Each share to this power, rows made to add to one."""
    raised = shares**power
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _sharpened(shares: Floats, known: _Known) -> tuple[float, float]:
    """The power of least log loss, and that loss."""

    def loss(logarithm: float) -> float:
        right = _raised(shares, float(np.exp(logarithm)))[np.arange(len(shares)), known.codes]
        return float(np.average(-np.log(np.maximum(right, FLOOR)), weights=known.weights))

    found = minimize_scalar(loss, bounds=(-_SHARPEST, _SHARPEST), method="bounded", options={"xatol": 0.01})
    return float(np.exp(found.x)), float(found.fun)
