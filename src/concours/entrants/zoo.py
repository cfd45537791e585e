"""The zoo: ready entrants by name, and the line-ups of each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much there is to fit on: rows, columns or other inputs a row, and classes (0 for numbers)."""

    rows: int
    columns: int
    classes: int

    @property
    def outputs(self) -> int:
        """How many things are learned at once: one of two classes, one of each of more, one number."""
        return self.classes if self.classes > 2 else 1


@dataclass(frozen=True, kw_only=True)
class Breed:
    """One entry of the zoo for one kind of input and target.

    Attributes:
        recipe: dotted.
        params: what the recipe is built with, unless the entrant says otherwise.
        prepare: a preparation by name; by default that of the kind.
        package: the optional top-level module that it needs.
        effort: whether the recipe takes `effort`, how long a fit may take, so that it suits a budget.
        seconds: about how long a fit takes on one core.
    """

    recipe: str
    params: Mapping[str, Any] = field(default_factory=dict)
    prepare: str = ""
    package: str | None = None
    effort: bool = False
    seconds: Callable[[Size], float] = lambda size: 1.0 + 1e-7 * size.rows * size.columns


def _sklearn(path: str, *, prepare: str = "", cost: Callable[[Size], float], **params: Any) -> Breed:
    return Breed(recipe=f"sklearn.{path}", params=params, prepare=prepare, seconds=cost)


def _ours(path: str, package: str | None = None, *, prepare: str = "", **params: Any) -> Breed:
    return Breed(
        recipe=f"concours.entrants.{path}",
        params=params,
        prepare=prepare,
        package=package,
        effort=True,
        seconds=_bounded,
    )


def _bounded(size: Size) -> float:
    """Of entrants whose effort is bounded: an effort of one is ten seconds."""
    return min(10.0, 0.3 + 4e-6 * size.rows * (size.columns + 5) * size.outputs)


def _linear(size: Size) -> float:
    return 0.05 + 4e-7 * size.rows * size.columns * size.outputs


def _neighbours(size: Size) -> float:
    return 0.05 + 2e-10 * size.rows**2 * size.columns


def _margin(size: Size) -> float:
    return 0.05 + 4e-9 * size.rows**2 * size.columns


def _trees(size: Size) -> float:
    return 0.3 + 4e-5 * size.rows * (size.columns**0.5 + 2)


def _boosted(classes: str, numbers: str, package: str, **params: Any) -> Mapping[str, Breed]:
    return {
        "table:classes": _ours(f"boosters:{classes}", package, prepare="columns", **params),
        "table:number": _ours(f"boosters:{numbers}", package, prepare="columns", **params),
    }


def _forest(name: str) -> Mapping[str, Breed]:
    path = f"ensemble:{name}"
    params: dict[str, Any] = {"n_estimators": 200, "min_samples_leaf": 2}
    return {
        "table:classes": _sklearn(f"{path}Classifier", prepare="codes", cost=_trees, max_features="sqrt", **params),
        "table:number": _sklearn(f"{path}Regressor", prepare="codes", cost=_trees, max_features=0.5, **params),
        "image:classes": _sklearn(f"{path}Classifier", cost=_trees, max_features="sqrt", **params),
    }


def _network(name: str) -> Mapping[str, Breed]:
    return {"image:classes": Breed(recipe=f"concours.entrants.neural:{name}", prepare="none", package="torch")}


ZOO: Mapping[str, Mapping[str, Breed]] = {
    "dummy": {
        "table:classes": _sklearn("dummy:DummyClassifier", cost=lambda size: 0.01),
        "table:number": _sklearn("dummy:DummyRegressor", cost=lambda size: 0.01),
        "text:classes": _sklearn("dummy:DummyClassifier", cost=lambda size: 0.01),
        "image:classes": _sklearn("dummy:DummyClassifier", cost=lambda size: 0.01),
    },
    "logistic": {
        "table:classes": _sklearn("linear_model:LogisticRegression", cost=_linear, max_iter=1000),
        "text:classes": _sklearn("linear_model:LogisticRegression", cost=_linear, max_iter=1000, C=10.0),
        "image:classes": _sklearn("linear_model:LogisticRegression", cost=_linear, max_iter=1000),
    },
    "ridge": {"table:number": _sklearn("linear_model:RidgeCV", cost=_linear)},
    "elastic-net": {"table:number": _sklearn("linear_model:ElasticNetCV", cost=_linear)},
    "knn": {
        "table:classes": _sklearn(
            "neighbors:KNeighborsClassifier", cost=_neighbours, n_neighbors=15, weights="distance"
        ),
        "table:number": _sklearn("neighbors:KNeighborsRegressor", cost=_neighbours, n_neighbors=10, weights="distance"),
        "image:classes": _sklearn("neighbors:KNeighborsClassifier", cost=_neighbours, weights="distance"),
    },
    "svm": {
        "table:classes": _sklearn("svm:SVC", cost=_margin),
        "table:number": _sklearn("svm:SVR", cost=_margin),
        "image:classes": _sklearn("svm:SVC", cost=_margin, C=5.0),
    },
    "forest": _forest("RandomForest"),
    "extra-trees": _forest("ExtraTrees"),
    "boosting": {
        "table:classes": _sklearn(
            "ensemble:HistGradientBoostingClassifier", prepare="columns", cost=_bounded, early_stopping=True
        ),
        "table:number": _sklearn(
            "ensemble:HistGradientBoostingRegressor", prepare="columns", cost=_bounded, early_stopping=True
        ),
        "image:classes": _sklearn("ensemble:HistGradientBoostingClassifier", cost=_bounded, early_stopping=True),
    },
    "lightgbm": _boosted("LightGBMClassifier", "LightGBMRegressor", "lightgbm"),
    "lightgbm-random": _boosted(
        "LightGBMClassifier", "LightGBMRegressor", "lightgbm", params={"extra_trees": True, "feature_fraction": 0.7}
    ),
    "lightgbm-large": _boosted(
        "LightGBMClassifier",
        "LightGBMRegressor",
        "lightgbm",
        learning_rate=0.03,
        params={"num_leaves": 127, "feature_fraction": 0.6, "min_data_in_leaf": 5},
    ),
    "xgboost": _boosted("XGBoostClassifier", "XGBoostRegressor", "xgboost"),
    "catboost": _boosted("CatBoostClassifier", "CatBoostRegressor", "catboost"),
    "catboost-deep": _boosted("CatBoostClassifier", "CatBoostRegressor", "catboost", params={"depth": 8}),
    "dnn": {
        "table:classes": _ours("tabular:TabularNetworkClassifier", "torch", prepare="columns"),
        "table:number": _ours("tabular:TabularNetworkRegressor", "torch", prepare="columns"),
        "image:classes": Breed(recipe="concours.entrants.neural:DenseClassifier", package="torch"),
    },
    "transformer": {
        "table:classes": _ours("tabular:TabularTransformerClassifier", "torch", prepare="columns"),
        "table:number": _ours("tabular:TabularTransformerRegressor", "torch", prepare="columns"),
    },
    "cnn": _network("ConvClassifier"),
    "vit": _network("VisionTransformerClassifier"),
}

BASELINE = "dummy"

_TABLE = ("lightgbm", "extra-trees", "catboost", "knn", "xgboost", "dnn", "forest", "lightgbm-random", "svm")
_MORE = ("boosting", "lightgbm-large", "catboost-deep", "transformer")

LINEUPS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "table:classes": {"fast": ("logistic", *_TABLE), "full": ("logistic", *_TABLE, *_MORE)},
    "table:number": {"fast": ("ridge", *_TABLE), "full": ("ridge", *_TABLE, "elastic-net", *_MORE)},
    "image:classes": {"fast": ("logistic", "svm", "knn", "forest", "boosting", "dnn", "cnn", "vit")},
}
"""Entrants by kind of input and target and by name of the line-up, in the order in which they are fitted: early ones
cost little and differ much."""
