"""Gradient boosting by LightGBM, XGBoost and CatBoost, as scikit-learn estimators that know when to stop.

How many rounds are good is found on an inner share of the rows; where rows are few, trees are then grown again on all
of them. The rate of learning follows from how many rounds the data allows: a fit costs about `effort` times ten seconds
of one core at most, and less where the loss stops falling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import train_test_split

from concours.entrants.apart import SetsApart
from concours.entrants.pools import Rows, matrix, named, pool
from concours.entrants.soundness import require_catboost, require_lightgbm, require_xgboost
from concours.kernels.rows.kin import Kin

Floats = NDArray[np.float64]

_SECONDS = 10.0
_FEW_ROWS = 5_000
_MOST_ROUNDS = 2000
_FEW_CATEGORIES = 8
_STATISTICS = 10
"""What CatBoost keeps of a column of many categories costs as much as so many columns of numbers."""


class Boosted(SetsApart, BaseEstimator):
    """What the three libraries share.

    Args:
        rounds: at most; by default what `effort` allows.
        learning_rate: by default what suits the rounds.
        params: of the library, by its own names.
        monotonic_cst: for each column 1 where predictions must not fall as it rises, -1 where they must not rise, else
            0, as of scikit-learn's trees; for numbers and two classes.
    """

    _cell_s: ClassVar[float]
    """Seconds of one core that a tree takes for one cell of the table."""
    _idle_rows: ClassVar[int] = 1000
    """As many rows does it cost to grow a tree on none."""
    _rate: ClassVar[float] = 0.05
    _patience: ClassVar[int] = 50
    _params: ClassVar[Mapping[str, Any]] = {}

    def __init__(
        self,
        *,
        rounds: int | None = None,
        learning_rate: float | None = None,
        effort: float = 1.0,
        params: Mapping[str, Any] | None = None,
        monotonic_cst: Sequence[int] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.rounds = rounds
        self.learning_rate = learning_rate
        self.effort = effort
        self.params = params
        self.monotonic_cst = monotonic_cst
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fits to rows (n, features), a frame with `category` columns or a matrix, targets (n,), and weights (n,)."""
        whole = self._whole(X, np.asarray(y), None if sample_weight is None else np.asarray(sample_weight, np.float64))
        target = whole.y
        self.n_features_in_ = X.shape[1]
        rounds, rate = self._plan(X)
        inner = self._inner_rows(target, self._told_kin())
        if inner is None:
            self.rounds_ = min(rounds, round(10 / rate))
            self._booster, _ = self._train(whole, None, self.rounds_, rate)
            return self
        fitted, held_out = inner
        self._booster, self.rounds_ = self._train(whole.some(fitted), whole.some(held_out), rounds, rate)
        if len(target) < _FEW_ROWS:
            self._booster, _ = self._train(whole, None, self.rounds_, rate)
        return self

    def get_state(self) -> dict[str, Any]:
        """What `set_files` needs besides the files, as JSON."""
        return {"rounds_": self.rounds_, "n_features_in_": self.n_features_in_}

    def get_files(self) -> dict[str, bytes]:
        """The trees in the library's own format, which holds no code."""
        return {"trees": self._save()}

    def set_files(self, files: Mapping[str, bytes], state: Mapping[str, Any]) -> Self:
        """The inverse of `get_files` and `get_state`, in an estimator of the same parameters."""
        for name, value in state.items():
            setattr(self, name, np.asarray(value) if name == "classes_" else value)
        self._load(files["trees"])
        return self

    def _plan(self, X: Any) -> tuple[int, float]:
        """Rounds at most, and the rate that goes with them."""
        cells = (X.shape[0] + self._idle_rows) * (self._columns(X) + 5) * self._trees_a_round() * self._heaviness()
        possible = self.effort * _SECONDS / (cells * self._cell_s)
        rounds = self.rounds or int(np.clip(possible, 60, _MOST_ROUNDS))
        return rounds, self.learning_rate or float(np.clip(25 / rounds, self._rate, 0.3))

    def _inner_rows(self, target: NDArray[Any], kin: Kin | None) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """Rows to fit on, with every class among them, and rows that say when to stop; none where there are too few."""
        share = 0.2 if len(target) < 5000 else 0.1
        strata = self._strata(target)
        if len(target) < 50 or (strata is not None and len(np.unique(strata)) > share * len(target)):
            return None
        if kin is not None:
            held = kin.held_out(share, seed=self._seed(), strata=None if strata is None else target)
            some = held.any() and np.ptp(target[~held]) > 0
            return (np.flatnonzero(~held), np.flatnonzero(held)) if some else None
        fitted, held_out = train_test_split(
            np.arange(len(target)), test_size=share, random_state=self._seed(), stratify=strata
        )
        if strata is not None:
            unseen = ~np.isin(target[held_out], target[fitted])
            fitted, held_out = np.concatenate([fitted, held_out[unseen]]), held_out[~unseen]
        elif np.ptp(target[fitted]) == 0:
            return None
        return np.sort(fitted), np.sort(held_out)

    def _seed(self) -> int:
        return int(self.random_state or 0) % (2**31 - 1)

    def _trees_a_round(self) -> int:
        return 1

    def _heaviness(self) -> float:
        """What a tree costs, in those of usual size."""
        return 1.0

    def _columns(self, X: Any) -> int:
        """How many columns of numbers cost as much."""
        return int(X.shape[1])

    def _whole(self, X: Any, y: NDArray[Any], weights: Floats | None) -> Rows:
        """All rows to fit on."""
        return Rows(X, self._encoded(y), weights)

    def _encoded(self, y: NDArray[Any]) -> NDArray[Any]:
        return y.astype(np.float64)

    def _strata(self, target: NDArray[Any]) -> NDArray[Any] | None:
        return None

    def _objective(self) -> dict[str, Any]:
        raise NotImplementedError

    def _constraints(self) -> dict[str, Any]:
        return {} if self.monotonic_cst is None else {"monotone_constraints": [int(c) for c in self.monotonic_cst]}

    def _train(self, rows: Rows, watched: Rows | None, rounds: int, rate: float) -> tuple[Any, int]:
        """The booster, and after how many rounds it did best on the rows that are watched."""
        raise NotImplementedError

    def _raw(self, X: Any) -> Floats:
        """Probabilities (n, classes), or of the second of two classes (n,), or values (n,)."""
        raise NotImplementedError

    def _save(self) -> bytes:
        raise NotImplementedError

    def _load(self, content: bytes) -> None:
        raise NotImplementedError


class _Classifier(ClassifierMixin, Boosted):
    def predict_proba(self, X: Any) -> Floats:
        """Probabilities (n, classes)."""
        raw = np.asarray(self._raw(X), dtype=np.float64)
        both = np.column_stack([1 - raw, raw]) if raw.ndim == 1 else raw
        return np.asarray(both / both.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row, (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "classes_": self.classes_.tolist()}

    def _encoded(self, y: NDArray[Any]) -> NDArray[Any]:
        self.classes_, codes = np.unique(y, return_inverse=True)
        return codes

    def _strata(self, target: NDArray[Any]) -> NDArray[Any] | None:
        return target if np.bincount(target).min() > 1 else np.zeros_like(target)

    def _trees_a_round(self) -> int:
        return len(self.classes_) if len(self.classes_) > 2 else 1


class _Regressor(RegressorMixin, Boosted):
    def predict(self, X: Any) -> Floats:
        """Values (n,)."""
        return np.asarray(self._raw(X), dtype=np.float64)


class LightGBM(Boosted):
    """LightGBM (Ke et al. 2017), whatever it learns."""

    _cell_s = 4e-9
    _params: ClassVar[Mapping[str, Any]] = {
        "num_leaves": 31,
        "min_data_in_leaf": 20,
        "feature_fraction": 0.9,
        "lambda_l2": 1.0,
        "max_cat_to_onehot": _FEW_CATEGORIES,
        "cat_smooth": 20.0,
    }

    def _train(self, rows: Rows, watched: Rows | None, rounds: int, rate: float) -> tuple[Any, int]:
        import lightgbm

        params = {
            **self._params,
            **self._objective(),
            "min_data_in_leaf": min(self._params["min_data_in_leaf"], max(len(rows.y) // 40, 2)),
            "learning_rate": rate,
            "seed": self._seed(),
            "num_threads": 1,
            "deterministic": True,
            "force_col_wise": True,
            "verbosity": -1,
            **self._constraints(),
            **(self.params or {}),
        }
        known = lightgbm.Dataset(named(rows.x), rows.y, weight=rows.weights, group=rows.in_query, free_raw_data=False)
        if watched is None:
            return lightgbm.train(params, known, rounds), rounds
        seen = lightgbm.Dataset(
            named(watched.x), watched.y, weight=watched.weights, group=watched.in_query, reference=known
        )
        stop = lightgbm.early_stopping(self._patience, verbose=False)
        booster = lightgbm.train(params, known, rounds, valid_sets=[seen], callbacks=[stop])
        return booster, booster.best_iteration or rounds

    def _raw(self, X: Any) -> Floats:
        return np.asarray(self._booster.predict(named(X), num_iteration=self.rounds_, num_threads=1))

    def _save(self) -> bytes:
        return bytes(self._booster.model_to_string(num_iteration=self.rounds_).encode())

    def _load(self, content: bytes) -> None:
        import lightgbm

        text = content.decode()
        require_lightgbm(text, self.n_features_in_)
        self._booster = lightgbm.Booster(model_str=text)


class LightGBMClassifier(LightGBM, _Classifier):
    """LightGBM (Ke et al. 2017) for classes, by log loss."""

    def _objective(self) -> dict[str, Any]:
        classes = len(self.classes_)
        return {"objective": "multiclass", "num_class": classes} if classes > 2 else {"objective": "binary"}


class LightGBMRegressor(LightGBM, _Regressor):
    """LightGBM (Ke et al. 2017) for numbers, by squared error."""

    def _objective(self) -> dict[str, Any]:
        return {"objective": "regression"}


class XGBoost(Boosted):
    """XGBoost (Chen and Guestrin 2016), whatever it learns."""

    _cell_s = 5e-9
    _params: ClassVar[Mapping[str, Any]] = {
        "max_depth": 6,
        "min_child_weight": 1.0,
        "subsample": 0.9,
        "tree_method": "hist",
        "max_cat_to_onehot": _FEW_CATEGORIES,
    }

    def _train(self, rows: Rows, watched: Rows | None, rounds: int, rate: float) -> tuple[Any, int]:
        import xgboost

        params = {
            **self._params,
            **self._objective(),
            "colsample_bytree": 0.8 if rows.x.shape[1] > 4 else 1.0,  # else a tree of two columns sees one only
            "learning_rate": rate,
            "seed": self._seed(),
            "nthread": 1,
            "verbosity": 0,
            **{name: f"({','.join(map(str, signs))})" for name, signs in self._constraints().items()},
            **(self.params or {}),
        }
        known = matrix(rows)
        if watched is None:
            return xgboost.train(params, known, num_boost_round=rounds), rounds
        seen = matrix(watched)
        stop = xgboost.callback.EarlyStopping(rounds=self._patience, save_best=True)
        booster = xgboost.train(
            params, known, num_boost_round=rounds, evals=[(seen, "seen")], callbacks=[stop], verbose_eval=False
        )
        return booster, int(booster.best_iteration) + 1

    def _raw(self, X: Any) -> Floats:
        import xgboost

        return np.asarray(self._booster.predict(xgboost.DMatrix(named(X), enable_categorical=True, nthread=1)))

    def _save(self) -> bytes:
        return bytes(self._booster.save_raw("ubj"))

    def _load(self, content: bytes) -> None:
        import xgboost

        self._booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(content))
        require_xgboost(bytes(self._booster.save_raw("json")), self.n_features_in_)


class XGBoostClassifier(XGBoost, _Classifier):
    """XGBoost (Chen and Guestrin 2016) for classes, by log loss."""

    def _objective(self) -> dict[str, Any]:
        classes = len(self.classes_)
        if classes == 2:
            return {"objective": "binary:logistic", "eval_metric": "logloss"}
        return {"objective": "multi:softprob", "eval_metric": "mlogloss", "num_class": classes}


class XGBoostRegressor(XGBoost, _Regressor):
    """XGBoost (Chen and Guestrin 2016) for numbers, by squared error."""

    def _objective(self) -> dict[str, Any]:
        return {"objective": "reg:squarederror", "eval_metric": "rmse"}


class CatBoost(Boosted):
    """CatBoost (Prokhorenkova et al. 2018), whatever it learns."""

    _cell_s = 8e-9
    _idle_rows = 10_000
    _rate = 0.04
    _said: ClassVar[str] = "RawFormulaVal"
    _params: ClassVar[Mapping[str, Any]] = {
        "depth": 6,
        "l2_leaf_reg": 3.0,
        "bootstrap_type": "MVS",
        "subsample": 0.8,
        "one_hot_max_size": _FEW_CATEGORIES,
    }

    def _train(self, rows: Rows, watched: Rows | None, rounds: int, rate: float) -> tuple[Any, int]:
        import catboost

        params = {
            **self._params,
            **self._objective(),
            "iterations": rounds,
            "learning_rate": rate,
            "random_seed": self._seed(),
            "thread_count": 1,
            "allow_writing_files": False,
            "logging_level": "Silent",
            **self._constraints(),
            **(self.params or {}),
        }
        if watched:
            params |= {"od_type": "Iter", "od_wait": self._patience, "use_best_model": True}
        booster = catboost.CatBoost(params)
        seen = pool(watched.x, watched.y, watched.weights, watched.query) if watched else None
        booster.fit(pool(rows.x, rows.y, rows.weights, rows.query), eval_set=seen)
        return booster, int(booster.tree_count_)

    def _heaviness(self) -> float:
        depth = {**self._params, **(self.params or {})}["depth"]
        return float(2 ** ((depth - self._params["depth"]) / 1.5))

    def _columns(self, X: Any) -> int:
        frames = X.select_dtypes("category") if isinstance(X, pd.DataFrame) else pd.DataFrame()
        many = sum(len(column.cat.categories) > _FEW_CATEGORIES for _, column in frames.items())
        return super()._columns(X) + _STATISTICS * many

    def _raw(self, X: Any) -> Floats:
        return np.asarray(self._booster.predict(pool(X), prediction_type=self._said, thread_count=1))

    def _save(self) -> bytes:
        about = self._booster.get_metadata()
        about["model_guid"] = about["train_finish_time"] = ""  # equal fits have equal bytes
        return bytes(self._booster._serialize_model())

    def _load(self, content: bytes) -> None:
        import catboost

        require_catboost(content)
        self._booster = catboost.CatBoost().load_model(blob=content)


class CatBoostClassifier(CatBoost, _Classifier):
    """CatBoost (Prokhorenkova et al. 2018) for classes, by log loss."""

    _said = "Probability"

    def _objective(self) -> dict[str, Any]:
        return {"loss_function": "MultiClass" if len(self.classes_) > 2 else "Logloss"}


class CatBoostRegressor(CatBoost, _Regressor):
    """CatBoost (Prokhorenkova et al. 2018) for numbers, by squared error."""

    def _objective(self) -> dict[str, Any]:
        return {"loss_function": "RMSE"}
