"""Several targets at once, each by an estimator of its own: side by side, or one after the other in a chain.

Targets `y` (n, targets) are codes of labels, or numbers; `outputs` says of each how many labels it has, 0 of a number.
`predict` gives (n, columns): of each target after the other the probabilities of its labels, or the number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.utils.validation import check_is_fitted

from concours.entrants import boosters
from concours.entrants.apart import SetsApart, learn, unstopped
from concours.kernels.rows.kin import Kin, crossed

Floats = NDArray[np.float64]

_FOLDS: Final = 3
_FOREST: Final[Mapping[str, Any]] = {"n_estimators": 150, "min_samples_leaf": 2}

MODELS: Final[Mapping[str, tuple[Callable[[int], Any], Callable[[int], Any]]]] = {
    "prior": (lambda seed: DummyClassifier(strategy="prior"), lambda seed: DummyRegressor()),
    "linear": (
        lambda seed: LogisticRegression(max_iter=1000),
        lambda seed: RidgeCV(alphas=np.logspace(-1, 4, 11)),
    ),
    "extra-trees": (
        lambda seed: ExtraTreesClassifier(**_FOREST, max_features="sqrt", random_state=seed),
        lambda seed: ExtraTreesRegressor(**_FOREST, max_features=0.5, random_state=seed),
    ),
    "forest": (
        lambda seed: RandomForestClassifier(**_FOREST, max_features="sqrt", random_state=seed),
        lambda seed: RandomForestRegressor(**_FOREST, max_features=0.5, random_state=seed),
    ),
    "boosting": (
        lambda seed: HistGradientBoostingClassifier(early_stopping=True, random_state=seed),
        lambda seed: HistGradientBoostingRegressor(early_stopping=True, random_state=seed),
    ),
}
"""Estimators by name, of labels and of numbers, made with a seed."""

BOOSTERS: Final[Mapping[str, tuple[type[Any], type[Any]]]] = {
    "lightgbm": (boosters.LightGBMClassifier, boosters.LightGBMRegressor),
    "xgboost": (boosters.XGBoostClassifier, boosters.XGBoostRegressor),
    "catboost": (boosters.CatBoostClassifier, boosters.CatBoostRegressor),
}


class _EachTarget(SetsApart, BaseEstimator):
    """What estimators of several targets share.

    `model`: a name. `chained`: whether a target is told what the ones before it are predicted to be (Read, Pfahringer,
    Holmes and Frank 2009); of rows that are fitted on, out of fold. `outputs`: see above; None: all are numbers.

    Fitted: `models_`, one a target, none where it is the same in all rows; `seen_`, the codes of labels that it has
    seen; `always_`, what it is where it is the same; `rows_`, how many it was fitted on; `outputs_`.
    """

    model: str
    chained: bool
    outputs: Sequence[int] | None
    random_state: int | None

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fits to rows (n, features), targets (n, targets) and weights (n,)."""
        targets = np.asarray(y, dtype=np.float64)
        if targets.ndim != 2 or len(targets) != X.shape[0]:
            raise ValueError(f"y must be several targets a row, ({X.shape[0]}, targets); got shape {targets.shape}")
        self.outputs_ = [int(width) for width in self.outputs or [0] * targets.shape[1]]
        if len(self.outputs_) != targets.shape[1]:
            raise ValueError(f"outputs must say of each of {targets.shape[1]} targets what it is, got {self.outputs_}")
        weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        kin = self._told_kin()
        self.rows_, self.n_features_in_ = len(targets), X.shape[1]
        self.models_, self.seen_, self.always_ = [], [], []
        for place in range(targets.shape[1]):
            told = targets[:, place]
            model, seen, always = self._learned(place, X, told, weights, kin)
            self.models_.append(model)
            self.seen_.append(seen)
            self.always_.append(always)
            if self.chained and place + 1 < targets.shape[1]:
                X = beside(X, self._out_of_fold(place, X, told, weights, kin))
        return self

    def predict(self, X: Any) -> Floats:
        """Predictions (n, columns)."""
        check_is_fitted(self, "models_")
        found = []
        for place, model in enumerate(self.models_):
            found.append(self._said(place, model, self.seen_[place], self.always_[place], X))
            if self.chained and place + 1 < len(self.models_):
                X = beside(X, found[-1])
        return np.concatenate(found, axis=1)

    def _learned(
        self, place: int, X: Any, told: Floats, weights: Floats | None, kin: Kin | None
    ) -> tuple[Any, list[int], float]:
        """The estimator of a target, what labels it has seen, and what the target is where it is always the same."""
        width = self.outputs_[place]
        seen, codes = np.unique(told, return_inverse=True)
        if len(seen) < 2:
            return None, [int(seen[0])] if width else [], float(seen[0])
        made = self._made(place, labels=width > 0)
        if width:
            made = unstopped(made, codes)
        model = learn(made, X, codes if width else told, kin=kin, weights=weights, classes=len(seen) if width else 0)
        return model, seen.astype(int).tolist() if width else [], 0.0

    def _out_of_fold(self, place: int, X: Any, told: Floats, weights: Floats | None, kin: Kin | None) -> Floats:
        """(n, columns) what is predicted of a target by estimators that were fitted on other rows."""
        alone = Kin(groups=np.random.default_rng(self._seed()).permutation(len(told)))
        folds = crossed((kin or alone).folds(_FOLDS, seed=self._seed()))
        found = np.empty((len(told), max(self.outputs_[place], 1)))
        for outside, inside in folds or [(np.arange(len(told)),) * 2]:
            there = None if weights is None else weights[outside]
            learned = self._learned(place, _some(X, outside), told[outside], there, kin and kin.some(outside))
            found[inside] = self._said(place, *learned, _some(X, inside))
        return found

    def _said(self, place: int, model: Any, seen: Sequence[int], always: float, X: Any) -> Floats:
        """(n, columns) of a target. A label that was not seen gets what one row in so many would say."""
        width, rows = self.outputs_[place], X.shape[0]
        if not width:
            return np.full((rows, 1), always) if model is None else np.asarray(model.predict(X)).reshape(rows, 1)
        floor = 1 / (self.rows_ + width)
        found = np.full((rows, width), floor)
        shares = np.ones((rows, 1)) if model is None else model.predict_proba(X)
        found[:, list(seen)] = shares * (1 - floor * (width - len(seen)))
        return found

    def _seed(self) -> int:
        return int(self.random_state or 0) % (2**31 - 1)

    def _made(self, place: int, *, labels: bool) -> Any:
        raise NotImplementedError


class EachTarget(_EachTarget):
    """Estimators of `MODELS`."""

    def __init__(
        self,
        *,
        model: str = "linear",
        chained: bool = False,
        outputs: Sequence[int] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.model = model
        self.chained = chained
        self.outputs = outputs
        self.random_state = random_state

    def _made(self, place: int, *, labels: bool) -> Any:
        return MODELS[self.model][0 if labels else 1](self._seed() + place)


class EachBoosted(_EachTarget):
    """Estimators of `BOOSTERS`, which share `effort`."""

    def __init__(
        self,
        *,
        model: str = "lightgbm",
        chained: bool = False,
        outputs: Sequence[int] | None = None,
        effort: float = 1.0,
        random_state: int | None = None,
    ) -> None:
        self.model = model
        self.chained = chained
        self.outputs = outputs
        self.effort = effort
        self.random_state = random_state

    def _made(self, place: int, *, labels: bool) -> Any:
        made = BOOSTERS[self.model][0 if labels else 1]
        return made(effort=self.effort / len(self.outputs_), random_state=self._seed() + place)

    def get_state(self) -> dict[str, Any]:
        """What `set_files` needs besides the files, as JSON."""
        state = {name: getattr(self, name) for name in ("outputs_", "seen_", "always_", "rows_", "n_features_in_")}
        return {**state, "models": [None if model is None else model.get_state() for model in self.models_]}

    def get_files(self) -> dict[str, bytes]:
        """The trees of each target in the library's own format, which holds no code."""
        models = [(place, model) for place, model in enumerate(self.models_) if model is not None]
        return {f"{place}.{name}": content for place, model in models for name, content in model.get_files().items()}

    def set_files(self, files: Mapping[str, bytes], state: Mapping[str, Any]) -> Self:
        """The inverse of `get_files` and `get_state`, in an estimator of the same parameters."""
        kept = json.loads(json.dumps(dict(state)))
        models = kept.pop("models")
        for name, value in kept.items():
            setattr(self, name, value)
        self.models_ = [None if one is None else self._read(place, files, one) for place, one in enumerate(models)]
        return self

    def _read(self, place: int, files: Mapping[str, bytes], state: Mapping[str, Any]) -> Any:
        own = {name.partition(".")[2]: content for name, content in files.items() if name.startswith(f"{place}.")}
        return self._made(place, labels=self.outputs_[place] > 0).set_files(own, state)


def beside(X: Any, more: Floats) -> Any:
    """Rows (n, features), a frame or a matrix, with columns (n, more) behind the others."""
    if isinstance(X, pd.DataFrame):
        names = [f"told {X.shape[1] + place}" for place in range(more.shape[1])]
        return pd.concat([X, pd.DataFrame(more, columns=names, index=X.index)], axis=1)
    return np.hstack([np.asarray(X), more])


def _some(X: Any, rows: NDArray[np.int64]) -> Any:
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]
