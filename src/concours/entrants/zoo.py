"""The zoo: ready entrants by name, and the line-ups of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_NEURAL = "concours.entrants.neural"


@dataclass(frozen=True, kw_only=True)
class Breed:
    """One entry of the zoo.

    Attributes:
        recipes: a dotted recipe by kind of input and target, e.g. `table:classes`, `image:classes`.
        params: what the recipe is built with, unless the entrant says otherwise.
        prepare: how the data comes: `auto`, as the kind prepares it, or `none`, as it is.
        package: the optional top-level module that it needs.
    """

    recipes: Mapping[str, str]
    params: Mapping[str, Any] = field(default_factory=dict)
    prepare: str = "auto"
    package: str | None = None


def _both(classes: str, number: str = "", *, package: str | None = None, **params: Any) -> Breed:
    recipes = {"table:classes": classes, "image:classes": classes}
    return Breed(recipes=recipes | ({"table:number": number} if number else {}), params=params, package=package)


def _image(name: str) -> Breed:
    return Breed(recipes={"image:classes": f"{_NEURAL}:{name}"}, prepare="none", package="torch")


ZOO: Mapping[str, Breed] = {
    "dummy": _both("sklearn.dummy:DummyClassifier", "sklearn.dummy:DummyRegressor"),
    "logistic": _both("sklearn.linear_model:LogisticRegression", max_iter=1000),
    "ridge": Breed(recipes={"table:number": "sklearn.linear_model:RidgeCV"}),
    "svm": _both("sklearn.svm:SVC", "sklearn.svm:SVR"),
    "knn": _both("sklearn.neighbors:KNeighborsClassifier", "sklearn.neighbors:KNeighborsRegressor", weights="distance"),
    "forest": _both(
        "sklearn.ensemble:RandomForestClassifier", "sklearn.ensemble:RandomForestRegressor", n_estimators=200
    ),
    "boosting": _both(
        "sklearn.ensemble:HistGradientBoostingClassifier",
        "sklearn.ensemble:HistGradientBoostingRegressor",
        early_stopping=True,
    ),
    "dnn": _both(f"{_NEURAL}:DenseClassifier", f"{_NEURAL}:DenseRegressor", package="torch"),
    "cnn": _image("ConvClassifier"),
    "vit": _image("VisionTransformerClassifier"),
}

BASELINE = "dummy"

LINEUPS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "table:classes": {"fast": ("logistic", "forest", "boosting", "knn", "svm", "dnn")},
    "table:number": {"fast": ("ridge", "forest", "boosting", "knn", "svm", "dnn")},
    "image:classes": {"fast": ("logistic", "svm", "knn", "forest", "boosting", "dnn", "cnn", "vit")},
}
"""Entrants by kind of input and target and by name of the line-up, those that cost little first."""
