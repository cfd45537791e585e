"""Survival by the field's library, scikit-survival (Pölsterl 2020), kept as arrays and told without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from concours.core.errors import MissingPackage, nearest
from concours.core.optional import install_command, installed
from concours.entrants.apart import SetsApart
from concours.entrants.survival import Hazards, Survivor, Tensors
from concours.entrants.survival_trees import Trees, grown, read_trees
from concours.kernels.scoring.survival import concordance

Array = NDArray[Any]
Floats = NDArray[np.float64]

FORESTS: Final = {"random": "RandomSurvivalForest", "extra": "ExtraSurvivalTrees"}
"""By name: the library's class."""
_APART = 0.25
_FEWEST = 20


class CoxModel(Tensors, Hazards):
    """Proportional hazards, linear in the columns (Cox 1972), ties by Efron (1977), with a ridge penalty `alpha`.

    Fitted: `coef_` (features,).

    Raises:
        MissingPackage: the library is not installed.
    """

    _TENSORS = ("times_", "baseline_", "centre_", "coef_")

    def __init__(self, *, alpha: float = 1.0, times: Sequence[float] | None = None) -> None:
        self.alpha = alpha
        self.times = times

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to rows `X` and targets `y`."""
        rows, targets = self._followed(X, y)
        made = _library("linear_model").CoxPHSurvivalAnalysis(alpha=self.alpha, ties="efron")
        self.coef_ = np.asarray(made.fit(rows.astype(np.float64), _written(targets)).coef_)
        return self._based(rows, targets)

    def _risks(self, rows: Array) -> Floats:
        return np.asarray(rows.astype(np.float64) @ self.coef_)


class CoxNet(SetsApart, Tensors, Hazards):
    """Proportional hazards with an elastic net (Simon et al. 2011), whose strength is that of the best concordance on a
    quarter of the rows, fitted on the others; it is then fitted to all rows.

    `l1_ratio`: 1 of a lasso, towards 0 of a ridge. Fitted: `coef_` (features,), `alpha_`.

    Raises:
        MissingPackage: the library is not installed.
    """

    _TENSORS = ("times_", "baseline_", "centre_", "coef_")

    def __init__(
        self, *, l1_ratio: float = 0.5, times: Sequence[float] | None = None, random_state: int | None = None
    ) -> None:
        self.l1_ratio = l1_ratio
        self.times = times
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to rows `X` and targets `y`."""
        rows, targets = self._followed(X, y)
        whole = self._path(rows, targets)
        held = self._held(targets)
        place = len(whole.alphas_) // 2
        if targets[~held, 1].any() and held.any():
            tried = self._path(rows[~held], targets[~held], alphas=whole.alphas_)
            told = rows[held].astype(np.float64) @ tried.coef_
            scores = [concordance(targets[held], -np.round(risk, 9)) for risk in told.T]
            place = int(np.argmax(np.nan_to_num(scores, nan=0.0))) if len(scores) == len(whole.alphas_) else place
        self.alpha_, self.coef_ = float(whole.alphas_[place]), np.ascontiguousarray(whole.coef_[:, place])
        return self._based(rows, targets)

    def _held(self, targets: Floats) -> NDArray[np.bool_]:
        """Whether each row is set apart, (n,); of few rows none is."""
        kin, held = self._told_kin(), np.zeros(len(targets), dtype=np.bool_)
        if len(targets) < _FEWEST:
            return held
        if kin is not None:
            return kin.held_out(_APART, seed=int(self.random_state or 0))
        rng = np.random.default_rng(self.random_state)
        held[rng.permutation(len(targets))[: int(_APART * len(targets))]] = True
        return held

    def _path(self, rows: Array, targets: Floats, alphas: Array | None = None) -> Any:
        made = _library("linear_model").CoxnetSurvivalAnalysis(
            l1_ratio=self.l1_ratio, alphas=alphas, n_alphas=50, alpha_min_ratio=0.003
        )
        return made.fit(rows.astype(np.float64), _written(targets))

    def _risks(self, rows: Array) -> Floats:
        return np.asarray(rows.astype(np.float64) @ self.coef_)

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "alpha": self.alpha_}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.alpha_ = state["alpha"]
        return super().set_tensors(tensors, state)


class SurvivalForest(Tensors, Survivor):
    """Trees that split where the log-rank test tells most, whose leaves are curves (Ishwaran et al. 2008): their mean.

    Times are taken in the steps of the grid, so that trees are as small as what they say. `model`: `random`, a random
    forest; `extra`, with thresholds by chance. The others are the library's. Fitted: `trees_`.

    Raises:
        MissingPackage: the library is not installed.
    """

    _TENSORS = ("times_",)

    def __init__(
        self,
        *,
        model: str = "random",
        n_estimators: int = 100,
        min_samples_leaf: int = 15,
        max_features: str | float | None = "sqrt",
        times: Sequence[float] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.model = model
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.times = times
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows `X` and targets `y`, by weights (n,)."""
        if self.model not in FORESTS:
            raise ValueError(f"model is not known; got {self.model!r}; {nearest(self.model, FORESTS)}")
        rows, targets = self._followed(X, y)
        made = getattr(_library("ensemble"), FORESTS[self.model])(
            n_estimators=self.n_estimators,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            random_state=self.random_state,
        )
        made.fit(rows, _written(_stepped(targets, self.times_)), sample_weight=sample_weight)
        places = np.searchsorted(made.unique_times_, self.times_, side="right")
        self.trees_ = grown(made.estimators_, lambda tree: _curves(tree.tree_.value[:, :, 1], places))
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Curves (n, times)."""
        check_is_fitted(self, "trees_")
        return self.trees_.sums(self._rows(X)) / len(self.trees_.roots)

    def get_tensors(self) -> dict[str, Array]:
        return {**super().get_tensors(), **self.trees_.tensors()}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.trees_ = read_trees(tensors, state["features"])
        return super().set_tensors(tensors, state)


class BoostedHazards(Tensors, Hazards):
    """Boosted trees by the loss of proportional hazards (Ridgeway 1999), each on half of the rows.

    The parameters are the library's. Fitted: `trees_`.

    Raises:
        MissingPackage: the library is not installed.
    """

    _TENSORS = ("times_", "baseline_", "centre_")

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        learning_rate: float = 0.1,
        max_depth: int = 3,
        subsample: float = 0.5,
        min_samples_leaf: int = 10,
        times: Sequence[float] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.subsample = subsample
        self.min_samples_leaf = min_samples_leaf
        self.times = times
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows `X` and targets `y`, by weights (n,)."""
        rows, targets = self._followed(X, y)
        made = _library("ensemble").GradientBoostingSurvivalAnalysis(
            n_estimators=self.n_estimators,
            learning_rate=self.learning_rate,
            max_depth=self.max_depth,
            subsample=self.subsample,
            min_samples_leaf=self.min_samples_leaf,
            random_state=self.random_state,
        )
        made.fit(rows, _written(targets), sample_weight=sample_weight)
        rate = self.learning_rate
        self.trees_: Trees = grown(made.estimators_[:, 0], lambda tree: rate * tree.tree_.value[:, 0])
        return self._based(rows, targets)

    def _risks(self, rows: Array) -> Floats:
        return self.trees_.sums(rows)[:, 0]

    def get_tensors(self) -> dict[str, Array]:
        return {**super().get_tensors(), **self.trees_.tensors()}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.trees_ = read_trees(tensors, state["features"])
        return super().set_tensors(tensors, state)


def _library(part: str) -> Any:
    if not installed("sksurv"):
        raise MissingPackage(f"scikit-survival is not installed; get it with: {install_command('sksurv')}")
    from importlib import import_module

    return import_module(f"sksurv.{part}")


def _written(targets: Floats) -> Array:
    """Targets as the library takes them."""
    return np.array(
        list(zip(targets[:, 1] > 0, targets[:, 0], strict=True)), dtype=[("event", np.bool_), ("time", np.float64)]
    )


def _stepped(targets: Floats, times: Floats) -> Floats:
    """Targets whose times are those of the grid that follow, or one behind the last."""
    steps = np.append(times, times[-1] * 2)
    return np.stack([steps[np.searchsorted(times, targets[:, 0])], targets[:, 1]], axis=1)


def _curves(values: Floats, places: NDArray[np.int64]) -> Floats:
    """Curves (nodes, all times) at those of the grid, before the first of which they are 1."""
    return np.concatenate([np.ones((len(values), 1)), values], axis=1)[:, places]
