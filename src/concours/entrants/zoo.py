"""The zoo: ready entrants by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import log2
from typing import Any

from concours.core.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much there is to fit on: rows, columns or other inputs a row, and how many numbers a prediction of a row is;
    and how many characters of text a row has, on average.
    """

    rows: int
    columns: int
    width: int
    letters: float = 0.0

    @property
    def outputs(self) -> int:
        """How many things are learned at once: one of two classes, one of each of more, one number."""
        return self.width if self.width > 2 else 1


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One entry of the zoo for one kind of input and target.

    Attributes:
        recipe: dotted.
        params: what the recipe is built with, unless the entrant says otherwise.
        prepare: a preparation by name; by default that of the kind.
        package: the optional top-level module that it needs.
        effort: whether the recipe takes `effort`, how long a fit may take, so that it suits a budget.
        seconds: about how long a fit takes on one core; with effort, where it is not bounded by that.
    """

    recipe: str
    params: Mapping[str, Any] = field(default_factory=dict)
    prepare: str = ""
    package: str | None = None
    effort: bool = False
    seconds: Callable[[Size], float] = lambda size: 1.0 + 1e-7 * size.rows * size.columns


def _sklearn(
    path: str, *, prepare: str = "", cost: Callable[[Size], float], package: str | None = None, **params: Any
) -> ModelSpec:
    return ModelSpec(recipe=f"sklearn.{path}", params=params, prepare=prepare, package=package, seconds=cost)


def _ours(
    path: str, package: str | None = None, *, prepare: str = "", cost: Callable[[Size], float], **params: Any
) -> ModelSpec:
    return ModelSpec(
        recipe=f"concours.entrants.{path}",
        params=params,
        prepare=prepare,
        package=package,
        effort=True,
        seconds=cost,
    )


def _agent(path: str, package: str | None = None) -> ModelSpec:
    """Of an agent, whose matches take time and not its fits: these are not divided into folds."""
    return ModelSpec(
        recipe=f"concours.entrants.agents.{path}", prepare="none", package=package, seconds=lambda size: 0.01
    )


def _leaves(each: float) -> Callable[[Size], float]:
    """Of trees by histograms, one a class and round, until the loss stops falling."""
    return lambda size: 0.05 + each * (size.rows + 1000) * (size.columns + 5) * size.outputs


def _oblivious(each: float) -> Callable[[Size], float]:
    """Of CatBoost's trees, which are one for all classes and cost as much as ten thousand rows before there is one."""
    return lambda size: 0.1 + each * (size.rows + 10_000) * (size.columns + 5)


def _epochs(each: float) -> Callable[[Size], float]:
    """Of a small dense network: the more rows, the fewer epochs."""
    return lambda size: 0.1 + each * size.rows ** (2 / 3)


def _rows(each: float) -> Callable[[Size], float]:
    """So many seconds for a row, whatever it holds."""
    return lambda size: 0.1 + each * size.rows


def _linear(size: Size) -> float:
    return 0.05 + 4e-7 * size.rows * size.columns * size.outputs


def _neighbours(size: Size) -> float:
    return 0.05 + 2e-10 * size.rows**2 * size.columns


def _radial(size: Size) -> float:
    """A search on a thousand rows where there are few, then four fits, and a sigmoid for each pair of classes."""
    searched = min(size.rows, 1000) if size.rows <= 2000 else 0
    pairs = size.outputs * (size.outputs + 1) / 2
    return 0.1 + (3.5e-8 * searched**2 + 3e-9 * size.rows**2) * (size.columns + 10) + 2e-3 * pairs


def _trees(split: float) -> Callable[[Size], float]:
    """Two hundred trees that look at some of the columns at each split: a power of them all."""
    return lambda size: 0.6 + 4e-6 * size.rows * log2(size.rows + 2) * size.columns**split


def _words(each: float) -> Callable[[Size], float]:
    """So many seconds for a text of 200 characters and for one of two classes."""
    return lambda size: 0.1 + each * size.rows * size.outputs**0.5 * max(size.letters, 100) / 200


def _pictures(each: float) -> Callable[[Size], float]:
    """So many seconds for a colour picture of 32 × 32 pixels, fewer for a smaller one."""
    return lambda size: 0.2 + each * size.rows * (0.05 + min(size.columns, 3072) / 3072)


def _pixels(each: float) -> Callable[[Size], float]:
    """So many seconds for a value of a pixel."""
    return lambda size: 0.1 + each * size.rows * size.columns


def _clips(each: float) -> Callable[[Size], float]:
    """Of a network on clips: the more rows, the fewer epochs."""
    return lambda size: 0.2 + each * size.rows ** (2 / 3) * size.columns


def _reduced(size: Size) -> float:
    return 0.3 + 5e-5 * size.rows * size.outputs


def _boosted(
    classes: str, numbers: str, package: str, *, cost: Callable[[Size], float], **params: Any
) -> Mapping[str, ModelSpec]:
    return {
        "table:classes": _ours(f"boosters:{classes}", package, prepare="columns", cost=cost, **params),
        "table:number": _ours(f"boosters:{numbers}", package, prepare="columns", cost=cost, **params),
    }


def _forest(name: str) -> Mapping[str, ModelSpec]:
    path = f"ensemble:{name}"
    params: dict[str, Any] = {"n_estimators": 200, "min_samples_leaf": 2}
    return {
        "table:classes": _sklearn(
            f"{path}Classifier", prepare="codes", cost=_trees(0.5), max_features="sqrt", **params
        ),
        "table:number": _sklearn(f"{path}Regressor", prepare="codes", cost=_trees(0.75), max_features=0.5, **params),
        "image:classes": _sklearn(f"{path}Classifier", cost=_trees(0.5), max_features="sqrt", **params),
        "sound:classes": _sklearn(f"{path}Classifier", cost=_rows(4e-3), max_features="sqrt", **params),
        "pair:classes": _sklearn(
            f"{path}Classifier", prepare="pair-likeness", cost=_rows(5e-4), max_features="sqrt", **params
        ),
        "pair:number": _sklearn(
            f"{path}Regressor", prepare="pair-likeness", cost=_rows(1e-3), max_features=0.5, **params
        ),
        "video:classes": _sklearn(
            f"{path}Classifier", prepare="frame-motion", cost=_rows(6e-3), max_features="sqrt", **params
        ),
        "sequence:classes": _sklearn(f"{path}Classifier", cost=_rows(1.5e-3), max_features="sqrt", **params),
        **_of_numbers(_sklearn(f"{path}Regressor", cost=_rows(4e-3), max_features=0.3, **params)),
    }


def _pointwise(regressor: str, prepare: str, cost: Callable[[Size], float]) -> ModelSpec:
    return ModelSpec(
        recipe="concours.entrants.rankers:PointwiseRanker",
        params={"regressor": regressor},
        prepare=prepare,
        seconds=cost,
    )


def _each(model: str, prepare: str, cost: Callable[[Size], float], *, chained: bool = False) -> ModelSpec:
    params: dict[str, Any] = {"model": model, **({"chained": True} if chained else {})}
    return ModelSpec(recipe="concours.entrants.several:EachTarget", params=params, prepare=prepare, seconds=cost)


def _network(path: str, cost: Callable[[Size], float], prepare: str = "none", **params: Any) -> ModelSpec:
    return ModelSpec(recipe=f"concours.entrants.{path}", params=params, prepare=prepare, package="torch", seconds=cost)


def _pretrained(path: str, cost: Callable[[Size], float]) -> ModelSpec:
    return ModelSpec(recipe=f"concours.entrants.{path}", prepare="none", package="transformers", seconds=cost)


def _forecaster(path: str, cost: Callable[[Size], float], package: str | None = None, **params: Any) -> ModelSpec:
    return ModelSpec(recipe=f"concours.entrants.{path}", params=params, package=package, seconds=cost)


def _recommender(path: str, cost: Callable[[Size], float], package: str | None = None, **params: Any) -> ModelSpec:
    return ModelSpec(recipe=f"concours.entrants.{path}", params=params, prepare="none", package=package, seconds=cost)


def _quantiles(size: Size) -> float:
    """Trees for each of nine quantiles, of rows and steps up to some thousands."""
    return 0.5 + 3e-4 * min(size.rows * size.width / 9, 15_000)


def _windows(each: float) -> Callable[[Size], float]:
    """Of a network on windows of series: the more rows, the fewer epochs; so many seconds for a step that is seen."""
    return lambda size: 0.5 + each * size.rows ** (2 / 3) * (size.columns + 50) * 10


def _library(each: float) -> Callable[[Size], float]:
    """An import of seconds; then so many seconds for each of a hundred windows that are fitted on."""
    return lambda size: 4.0 + each * min(size.rows, 100)


def _of_numbers(spec: ModelSpec) -> Mapping[str, ModelSpec]:
    """What suits sequences with a number each, and windows of units with the life that is left."""
    return {"sequence:number": spec, "sequence:life": spec}


def _over_time(path: str, each: float) -> Mapping[str, ModelSpec]:
    """A network on sequences: so many seconds for a value; the more rows, the fewer epochs."""

    def cost(size: Size) -> float:
        return 0.3 + each * size.rows ** (2 / 3) * size.columns

    found = {kind: _network(f"sequence_networks:{path}{kind}", cost) for kind in ("Classifier", "Regressor")}
    return {"sequence:classes": found["Classifier"], **_of_numbers(found["Regressor"])}


def _survivor(path: str, cost: Callable[[Size], float], package: str | None = "sksurv", **params: Any) -> ModelSpec:
    return ModelSpec(recipe=f"concours.entrants.{path}", params=params, package=package, seconds=cost)


def _grouper(name: str, each: float) -> ModelSpec:
    return ModelSpec(recipe=f"concours.entrants.clusters:{name}", seconds=_rows(each))


def _detector(path: str, cost: Callable[[Size], float]) -> ModelSpec:
    return ModelSpec(recipe=f"concours.entrants.{path}", prepare="none", seconds=cost)


def _watching(path: str, cost: Callable[[Size], float], package: str | None = None) -> Mapping[str, ModelSpec]:
    """Of steps of a series."""
    return {"signal:anomaly": ModelSpec(recipe=f"concours.entrants.{path}", package=package, seconds=cost)}


def _strange(path: str, cost: Callable[[Size], float], package: str | None = None) -> Mapping[str, ModelSpec]:
    """Of rows of a table, and of windows of a series."""
    recipe = f"concours.entrants.{path}"
    return {
        **_watching(path, cost, package),
        "table:anomaly": ModelSpec(recipe=recipe, prepare="matrix", package=package, seconds=cost),
    }


def _sampler(path: str, each: float, **params: Any) -> ModelSpec:
    """So many seconds for a value of a picture."""
    return ModelSpec(
        recipe=f"concours.entrants.{path}", params=params, seconds=lambda size: 0.05 + each * size.rows * size.width
    )


def _drawn(each: float) -> Callable[[Size], float]:
    """Of so many steps whatever the rows: so many seconds for small pictures, more where their values are many."""
    return lambda size: each * (1 + size.width / 1000)


def _answerer(path: str, cost: Callable[[Size], float]) -> ModelSpec:
    return ModelSpec(recipe=f"concours.entrants.{path}", prepare="none", seconds=cost)


def _by_likeness(size: Size) -> float:
    """Of texts that are compared with all others."""
    return 0.1 + 1e-3 * size.rows + 5e-7 * size.rows**2


def _documents(each: float) -> Callable[[Size], float]:
    """So many seconds for a text of 1,000 characters, whose sentences are compared with one another."""
    return lambda size: 0.1 + each * size.rows * max(size.letters, 300) / 1000


def _learning(most: float) -> Callable[[Size], float]:
    """Of a network that goes over some bytes up to 30 times, and over many for so many seconds."""
    return lambda size: 1.0 + min(most, 4e-4 * size.rows * size.letters)


def _few(_size: Size) -> float:
    return 0.01


_OWN: Mapping[str, Mapping[str, ModelSpec]] = {
    "dummy": {
        "table:several": _each("prior", "none", _few),
        "table:order": ModelSpec(recipe="concours.entrants.rankers:EvenRanker", prepare="none", seconds=_few),
        "table:classes": _sklearn("dummy:DummyClassifier", prepare="none", cost=_few),
        "table:number": _sklearn("dummy:DummyRegressor", prepare="none", cost=_few),
        "text:classes": _sklearn("dummy:DummyClassifier", prepare="none", cost=_few),
        "image:classes": _sklearn("dummy:DummyClassifier", prepare="none", cost=_few),
        "sound:classes": _sklearn("dummy:DummyClassifier", prepare="none", cost=_few),
        "pair:classes": _sklearn("dummy:DummyClassifier", prepare="none", cost=_few),
        "pair:number": _sklearn("dummy:DummyRegressor", prepare="none", cost=_few),
        "video:classes": _sklearn("dummy:DummyClassifier", prepare="none", cost=_few),
        "sequence:classes": _sklearn("dummy:DummyClassifier", prepare="none", cost=_few),
        **_of_numbers(_sklearn("dummy:DummyRegressor", prepare="none", cost=_few)),
        "image:boxes": _detector("typical:TypicalBoxes", _few),
        "image:masks": _detector("coloured:TypicalMasks", _few),
        "question:answer": _answerer("answerers:FrequentAnswer", _few),
    },
    "logistic": {
        "table:order": ModelSpec(recipe="concours.entrants.rankers:PairwiseRanker", seconds=_linear),
        "question:answer": _answerer("answerers:LikelyAnswer", _words(1e-3)),
        "table:classes": _sklearn("linear_model:LogisticRegression", cost=_linear, max_iter=1000),
        "text:classes": _sklearn("linear_model:LogisticRegression", cost=_words(3e-5), C=10.0, tol=1e-3, max_iter=300),
        "mixed:classes": _sklearn(
            "linear_model:LogisticRegression", prepare="words", cost=_words(5e-5), C=10.0, tol=1e-3, max_iter=300
        ),
        "image:classes": _sklearn(
            "linear_model:LogisticRegression",
            prepare="patches",
            cost=_pictures(1e-3),
            package="torch",
            C=0.01,
            tol=2e-3,
            max_iter=300,
        ),
        "sound:classes": _sklearn("linear_model:LogisticRegression", cost=_rows(5e-4), C=0.1, max_iter=300),
        "pair:classes": _sklearn("linear_model:LogisticRegression", cost=_words(3e-5), C=1.0, tol=1e-3, max_iter=300),
        "video:classes": _sklearn("linear_model:LogisticRegression", cost=_rows(2e-3), C=1.0, max_iter=300),
        "sequence:classes": _sklearn("linear_model:LogisticRegression", cost=_rows(1e-3), C=0.1, max_iter=300),
    },
    "ridge": {
        "table:order": _pointwise("ridge", "matrix", _linear),
        "table:number": _sklearn("linear_model:RidgeCV", cost=_linear),
        "mixed:number": _sklearn(
            "linear_model:RidgeCV", prepare="words", cost=_words(2e-4), alphas=[0.1, 0.3, 1.0, 3.0, 10.0], cv=4
        ),
        "pair:number": _sklearn("linear_model:RidgeCV", cost=_words(2e-4), alphas=[0.1, 0.3, 1.0, 3.0, 10.0], cv=4),
        "text:summary": ModelSpec(
            recipe="concours.entrants.extractive:RidgeSummariser", prepare="none", seconds=_documents(1.2e-3)
        ),
        **_of_numbers(_sklearn("linear_model:RidgeCV", cost=_rows(2e-4), alphas=[0.1, 1.0, 10.0, 100.0, 1000.0])),
        "series:series": _forecaster(
            "forecasting:RidgeForecaster", lambda size: 0.1 + 5e-9 * size.rows * size.columns * min(size.columns, 500)
        ),
    },
    "elastic-net": {"table:number": _sklearn("linear_model:ElasticNetCV", cost=_linear, l1_ratio=0.9, eps=1e-4)},
    "naive-bayes": {
        "text:classes": _sklearn("naive_bayes:ComplementNB", cost=_words(1e-5), alpha=0.3),
        "mixed:classes": _sklearn("naive_bayes:ComplementNB", prepare="words", cost=_words(1e-5), alpha=0.3),
    },
    "nb-logistic": {
        "text:classes": ModelSpec(recipe="concours.entrants.texts:NaiveBayesLogistic", seconds=_words(8e-5)),
        "mixed:classes": ModelSpec(
            recipe="concours.entrants.texts:NaiveBayesLogistic", prepare="words", seconds=_words(8e-5)
        ),
    },
    "knn": {
        "table:classes": _sklearn(
            "neighbors:KNeighborsClassifier", cost=_neighbours, n_neighbors=15, weights="distance"
        ),
        "table:number": _sklearn("neighbors:KNeighborsRegressor", cost=_neighbours, n_neighbors=10, weights="distance"),
        "image:classes": _sklearn(
            "neighbors:KNeighborsClassifier",
            prepare="components",
            cost=lambda size: 0.05 + 2e-8 * size.rows**2,
            package="torch",
            weights="distance",
        ),
    },
    "svm": {
        "table:classes": ModelSpec(recipe="concours.entrants.radial:RadialSVC", seconds=_radial),
        "table:number": ModelSpec(recipe="concours.entrants.radial:RadialSVR", seconds=_radial),
        "text:classes": _sklearn("svm:LinearSVC", cost=_words(2e-4), C=0.3),
        "mixed:classes": _sklearn("svm:LinearSVC", prepare="words", cost=_words(2e-4), C=0.3),
        "image:classes": _sklearn(
            "svm:SVC", prepare="patches", cost=lambda size: 0.1 + 4e-6 * size.rows**2, package="torch", C=10.0
        ),
        "sound:classes": _sklearn("svm:SVC", cost=lambda size: 0.1 + 5e-7 * size.rows**2, C=10.0),
        "pair:classes": _sklearn(
            "svm:SVC", prepare="pair-likeness", cost=lambda size: 0.1 + 5e-7 * size.rows**2, C=1.0
        ),
    },
    "svm-primal": {
        "table:classes": ModelSpec(recipe="concours.entrants.hinge:PrimalSVC", seconds=_rows(1.2e-4)),
        "text:classes": ModelSpec(recipe="concours.entrants.hinge:PrimalSVC", seconds=_words(7e-4)),
        "mixed:classes": ModelSpec(recipe="concours.entrants.hinge:PrimalSVC", prepare="words", seconds=_words(7e-4)),
    },
    "linear": {"table:several": _each("linear", "matrix", _linear)},
    "linear-chain": {"table:several": _each("linear", "matrix", _linear, chained=True)},
    "boosting-chain": {"table:several": _each("boosting", "codes", _leaves(6e-6), chained=True)},
    "lightgbm-chain": {
        "table:several": _ours(
            "several:EachBoosted", "lightgbm", prepare="columns", cost=_leaves(1e-5), model="lightgbm", chained=True
        )
    },
    "forest": {
        "table:several": _each("forest", "codes", _trees(0.75)),
        **_forest("RandomForest"),
        "table:order": _pointwise("forest", "codes", _trees(0.75)),
        "table:survival": _survivor("survival_libraries:SurvivalForest", _rows(1e-3), model="random"),
    },
    "extra-trees": {
        "table:several": _each("extra-trees", "codes", _trees(0.75)),
        **_forest("ExtraTrees"),
        "table:order": _pointwise("extra-trees", "codes", _trees(0.75)),
        "table:survival": _survivor("survival_libraries:SurvivalForest", _rows(5e-4), model="extra"),
    },
    "boosting": {
        "table:several": _each("boosting", "codes", _leaves(1.6e-6)),
        "table:order": _pointwise("boosting", "columns", _leaves(1.6e-6)),
        "table:classes": _sklearn(
            "ensemble:HistGradientBoostingClassifier", prepare="columns", cost=_leaves(1.6e-6), early_stopping=True
        ),
        "table:number": _sklearn(
            "ensemble:HistGradientBoostingRegressor", prepare="columns", cost=_leaves(1.6e-6), early_stopping=True
        ),
        "text:classes": _sklearn(
            "ensemble:HistGradientBoostingClassifier", prepare="topics", cost=_reduced, early_stopping=True
        ),
        "image:classes": _sklearn(
            "ensemble:HistGradientBoostingClassifier",
            prepare="components",
            cost=_reduced,
            package="torch",
            early_stopping=True,
        ),
        "sound:classes": _sklearn(
            "ensemble:HistGradientBoostingClassifier", cost=_leaves(4e-5), early_stopping=True, max_features=0.2
        ),
        "pair:classes": _sklearn(
            "ensemble:HistGradientBoostingClassifier", prepare="pair-likeness", cost=_leaves(4e-5), early_stopping=True
        ),
        "pair:number": _sklearn(
            "ensemble:HistGradientBoostingRegressor", prepare="pair-likeness", cost=_leaves(4e-5), early_stopping=True
        ),
        "text:summary": ModelSpec(
            recipe="concours.entrants.extractive:BoostedSummariser", prepare="none", seconds=_documents(1.4e-3)
        ),
        "series:series": _forecaster("forecasting:BoostedForecaster", _quantiles),
        "table:survival": _survivor("survival_libraries:BoostedHazards", lambda size: 0.2 + 1.5e-6 * size.rows**2),
    },
    "lightgbm": {
        **_boosted("LightGBMClassifier", "LightGBMRegressor", "lightgbm", cost=_leaves(2.4e-6)),
        "table:order": _ours("rankers:LightGBMRanker", "lightgbm", prepare="columns", cost=_leaves(3e-6)),
        "table:several": _ours(
            "several:EachBoosted", "lightgbm", prepare="columns", cost=_leaves(2.4e-6), model="lightgbm"
        ),
        "sequence:classes": _ours(
            "boosters:LightGBMClassifier", "lightgbm", cost=_leaves(2.4e-6), params={"feature_fraction": 0.3}
        ),
        **_of_numbers(
            _ours(
                "boosters:LightGBMRegressor",
                "lightgbm",
                cost=_leaves(1.2e-6),
                learning_rate=0.03,
                params={"num_leaves": 15, "feature_fraction": 0.3, "min_data_in_leaf": 50},
            )
        ),
    },
    "lightgbm-random": _boosted(
        "LightGBMClassifier",
        "LightGBMRegressor",
        "lightgbm",
        cost=_leaves(2.4e-6),
        params={"extra_trees": True, "feature_fraction": 0.7},
    ),
    "lightgbm-large": _boosted(
        "LightGBMClassifier",
        "LightGBMRegressor",
        "lightgbm",
        cost=_leaves(6e-6),
        learning_rate=0.03,
        params={"num_leaves": 127, "feature_fraction": 0.6, "min_data_in_leaf": 5},
    ),
    "xgboost": {
        **_boosted("XGBoostClassifier", "XGBoostRegressor", "xgboost", cost=_leaves(3e-6)),
        "table:order": _ours("rankers:XGBoostRanker", "xgboost", prepare="columns", cost=_leaves(4e-6)),
        "table:several": _ours(
            "several:EachBoosted", "xgboost", prepare="columns", cost=_leaves(3e-6), model="xgboost"
        ),
        "table:survival": _ours("boosted_survival:XGBoostHazards", "xgboost", prepare="columns", cost=_leaves(3e-6)),
    },
    "kaplan-meier": {
        "table:survival": ModelSpec(recipe="concours.entrants.survival:KaplanMeier", prepare="none", seconds=_few)
    },
    "random-centres": {"table:clusters": _grouper("RandomCentres", 1e-6)},
    "k-means": {"table:clusters": _grouper("KMeansGroups", 1e-4)},
    "gaussian-mixture": {
        "condition:pictures": _sampler("samplers:GaussianSampler", 4e-6, parts=5),
        "table:clusters": _grouper("MixtureGroups", 2e-4),
    },
    "hdbscan": {"table:clusters": _grouper("DensityGroups", 2e-4)},
    "cox": {"table:survival": _survivor("survival_libraries:CoxModel", _rows(1e-3))},
    "cox-net": {"table:survival": _survivor("survival_libraries:CoxNet", _rows(1e-3))},
    "catboost": {
        **_boosted("CatBoostClassifier", "CatBoostRegressor", "catboost", cost=_oblivious(6e-6)),
        "table:order": _ours("rankers:CatBoostRanker", "catboost", prepare="columns", cost=_oblivious(2e-5)),
        "table:several": _ours(
            "several:EachBoosted", "catboost", prepare="columns", cost=_oblivious(6e-6), model="catboost"
        ),
    },
    "catboost-deep": _boosted(
        "CatBoostClassifier", "CatBoostRegressor", "catboost", cost=_oblivious(1.3e-5), params={"depth": 8}
    ),
    "dnn": {
        "table:several": _network("several_networks:DenseSeveral", _epochs(8e-3), prepare=""),
        "table:classes": _network("neural:DenseClassifier", _epochs(8e-3), prepare=""),
        "table:number": _network("neural:DenseRegressor", _epochs(8e-3), prepare=""),
        "text:classes": _network("neural:DenseClassifier", _reduced, prepare="topics"),
        "image:classes": _network("neural:DenseClassifier", _pictures(2e-4), prepare=""),
        "pair:classes": _network("neural:DenseClassifier", _epochs(8e-3), prepare="pair-likeness"),
        "pair:number": _network("neural:DenseRegressor", _epochs(8e-3), prepare="pair-likeness"),
        "table:survival": _network("survival_networks:HazardNetwork", _epochs(8e-3), prepare=""),
    },
    "dnn-scheduled": {
        "table:classes": _network("population:ScheduledClassifier", _epochs(8e-3), prepare=""),
        "table:number": _network("population:ScheduledRegressor", _epochs(8e-3), prepare=""),
        "text:classes": _network("population:ScheduledClassifier", _reduced, prepare="topics"),
        "image:classes": _network("population:ScheduledClassifier", _pictures(2e-4), prepare=""),
    },
    "dnn-embedded": {
        "table:classes": _ours("tabular:TabularNetworkClassifier", "torch", prepare="columns", cost=_rows(4e-3)),
        "table:number": _ours("tabular:TabularNetworkRegressor", "torch", prepare="columns", cost=_rows(4e-3)),
    },
    "dnn-patches": {
        "image:classes": _network(
            "neural:DenseClassifier", _pictures(6e-4), prepare="patches", hidden=[256], dropout=0.4
        )
    },
    "transformer": {
        "table:classes": _ours("tabular:TabularTransformerClassifier", "torch", prepare="columns", cost=_rows(7e-3)),
        "table:number": _ours("tabular:TabularTransformerRegressor", "torch", prepare="columns", cost=_rows(7e-3)),
        "text:classes": _network("text_networks:TextTransformerClassifier", _words(1.6e-3)),
        **_over_time("SequenceTransformer", 6e-5),
        "text:text": _network("translators:TransformerTranslator", _rows(1.5e-2)),
        "text:summary": _network(
            "translators:TransformerTranslator", _rows(3e-2), copies=True, length=256, pieces=2000
        ),
    },
    "pretrained": {
        "passage:language": _pretrained("pretrained_language:PretrainedLanguageModel", _rows(5e-2)),
        "text:classes": _pretrained("pretrained:PretrainedClassifier", _words(2e-2)),
        "sound:transcript": _pretrained("pretrained_speech:PretrainedRecogniser", lambda size: 5.0),
        "image:classes": _pretrained("pretrained_pictures:PretrainedImageClassifier", _pictures(2e-1)),
        "image:boxes": _pretrained("pretrained_detectors:PretrainedDetector", _pictures(2.0)),
        "pair:classes": _pretrained("coupled:PretrainedPairs", _words(2e-2)),
        "text:text": _pretrained("seq2seq:PretrainedSeq2Seq", _words(2e-1)),
        "text:summary": _pretrained("seq2seq:PretrainedSeq2Seq", _words(2e-1)),
    },
    "trainer": {"text:classes": _pretrained("trained_by_trainer:TrainerClassifier", _words(2e-2))},
    "embedded": {
        "text:classes": _pretrained("embedded:EmbeddedClassifier", _words(2e-2)),
        "image:classes": _pretrained("embedded:EmbeddedClassifier", _rows(5e-2)),
        "pair:classes": _pretrained("coupled:EmbeddedPairs", _words(2e-2)),
    },
    "bag-of-words": {"text:classes": _network("text_networks:EmbeddingBagClassifier", _words(5e-4))},
    "residual": {
        "image:classes": _network("neural:ResidualClassifier", _pictures(2.2e-3)),
        "sound:classes": _network("neural:ResidualClassifier", _rows(1.3e-2), prepare="mel-pictures"),
    },
    "lead": {
        "text:summary": ModelSpec(recipe="concours.entrants.extracts:LeadSummariser", prepare="none", seconds=_few)
    },
    "textrank": {
        "text:summary": ModelSpec(
            recipe="concours.entrants.extracts:TextRankSummariser", prepare="none", seconds=_documents(2e-4)
        )
    },
    "frequencies": {
        "passage:language": ModelSpec(recipe="concours.entrants.ngrams:NgramModel", params={"order": 1}, seconds=_few)
    },
    "ngram": {"passage:language": ModelSpec(recipe="concours.entrants.ngrams:NgramModel", seconds=_rows(7e-4))},
    "words": {"passage:language": ModelSpec(recipe="concours.entrants.word_grams:WordModel", seconds=_rows(1e-3))},
    "lstm": {
        "passage:language": _network("language_models:LSTMLanguageModel", _learning(30.0)),
        **_over_time("SequenceLSTM", 3e-5),
    },
    "gpt": {"passage:language": _network("language_models:GPTLanguageModel", _learning(30.0))},
    "copy": {"text:text": ModelSpec(recipe="concours.entrants.sentences:CopyTranslator", prepare="none", seconds=_few)},
    "nearest": {
        "text:text": ModelSpec(
            recipe="concours.entrants.sentences:NearestTranslator",
            prepare="none",
            seconds=_by_likeness,
        ),
        "question:answer": _answerer("answerers:NearestAnswer", _by_likeness),
        "question:choices": _answerer("choosers:NearestChooser", _by_likeness),
        "question:writing": _answerer("writers:NearestWriter", _by_likeness),
    },
    "typical": {
        "question:writing": _answerer("writers:TypicalWriter", _words(1e-3)),
        "sound:transcript": _answerer("pauses:TypicalTranscript", _few),
    },
    "pauses": {"sound:transcript": _answerer("pauses:PauseRecogniser", _rows(5e-3))},
    "silent": {"question:writing": _answerer("writers:SilentWriter", _few)},
    "even": {"question:choices": _answerer("choosers:EvenChooser", _few)},
    "overlap": {"question:choices": _answerer("choosers:OverlapChooser", _words(2e-3))},
    "word-table": {
        "text:text": ModelSpec(
            recipe="concours.entrants.word_table:WordTableTranslator", prepare="none", seconds=_rows(4e-3)
        )
    },
    "gru": {
        "text:text": _network("translators:GRUTranslator", _rows(1.5e-2)),
        "sound:transcript": _network("recognisers:GRURecogniser", _rows(6.5e-2)),
    },
    "conformer": {"sound:transcript": _network("recognisers:ConformerRecogniser", _rows(1.6e-1), effort=2.5)},
    "cnn": {
        "image:classes": _network("neural:ConvClassifier", _pictures(5e-3)),
        "sound:classes": _network("neural:ConvClassifier", _rows(4e-2), prepare="mel-pictures"),
        **_over_time("SequenceConv", 6e-5),
    },
    "minirocket": {
        "sequence:classes": ModelSpec(
            recipe="concours.entrants.ridge:RidgeProbabilities", prepare="minirocket", seconds=_rows(4e-3)
        ),
        **_of_numbers(
            _sklearn(
                "linear_model:RidgeCV",
                prepare="minirocket",
                cost=_rows(2e-3),
                alphas=[1.0, 10.0, 100.0, 1000.0, 10_000.0],
            )
        ),
    },
    "threshold": {"image:masks": _detector("coloured:ThresholdSegmenter", _pixels(2e-7))},
    "colours": {"image:masks": _detector("coloured:ColourSegmenter", _pixels(2e-7))},
    "pixel-boosting": {"image:masks": _detector("filtered:PixelBoosting", lambda size: 4.0 + _pixels(1e-6)(size))},
    "pixel-forest": {"image:masks": _detector("filtered:PixelForest", lambda size: 6.0 + _pixels(5e-7)(size))},
    "u-net": {
        "image:masks": _network("unet:UNetSegmenter", lambda size: 0.2 + 6e-5 * size.rows ** (2 / 3) * size.columns)
    },
    "frame-lstm": {"video:classes": _network("clip_networks:FrameLSTMClassifier", _clips(6e-6))},
    "conv3d": {"video:classes": _network("clip_networks:VolumeClassifier", _clips(8e-6))},
    "windows": {"image:boxes": _detector("windows:WindowDetector", _pictures(3e-2))},
    "independent-pixels": {"condition:pictures": _sampler("samplers:IndependentPixels", 1e-7)},
    "pca-gaussian": {"condition:pictures": _sampler("samplers:GaussianSampler", 2e-7)},
    "vae": {"condition:pictures": _network("drawing:VaeSampler", _drawn(7.0))},
    "gan": {"condition:pictures": _network("drawing:GanSampler", _drawn(10.0))},
    "diffusion": {"condition:pictures": _network("drawing:DiffusionSampler", _drawn(10.0))},
    "blobs": {"image:boxes": _detector("blobs:BlobDetector", _pictures(3e-2))},
    "centres": {"image:boxes": _network("centres:CentreDetector", _epochs(1.8))},
    "vit": {"image:classes": _network("neural:VisionTransformerClassifier", _pictures(5e-3))},
    "random-agent": {"opening:points": _agent("looking:RandomAgent")},
    "greedy-agent": {"opening:points": _agent("looking:GreedyAgent")},
    "minimax": {"opening:points": _agent("looking:MinimaxAgent")},
    "mcts": {"opening:points": _agent("tree:TreeAgent")},
    "tabular-q": {"opening:points": _agent("tabular:TabularAgent")},
    "self-play": {"opening:points": _agent("networks:ActorAgent", "torch")},
    "dqn": {"opening:points": _agent("networks:DeepQAgent", "torch")},
    "robust-z": _strange("anomaly_detectors:RobustZ", _rows(2e-6)),
    "isolation-forest": _strange("anomaly_detectors:IsolationDetector", _rows(1e-5)),
    "lof": _strange("anomaly_detectors:LOFDetector", _rows(1e-4)),
    "one-class-svm": _strange("anomaly_detectors:OneClassDetector", _rows(5e-5)),
    "ecod": _strange("anomaly_detectors:ECOD", _rows(2e-5)),
    "autoencoder": {
        **_strange("anomaly_networks:AutoencoderDetector", _epochs(2e-2), "torch"),
        "table:clusters": _grouper("AutoencoderGroups", 5e-4),
    },
    "past-surprise": _watching("anomaly_series:PastSurprise", _rows(1e-6)),
    "past-alarm": _watching("anomaly_series:PastAlarm", _rows(1e-6)),
    "past-forest": _watching("anomaly_series:PastForest", _rows(1e-5)),
    "forecast-residual": _watching("anomaly_series:ForecastResidual", _rows(2e-5)),
    "nearest-window": _watching("anomaly_series:NearestWindow", _rows(5e-5)),
    "labelled-logistic": _watching("anomaly_labelled:LabelledLogistic", _rows(5e-6)),
    "labelled-boosting": _strange("anomaly_labelled:LabelledBoosting", _rows(5e-5)),
    "seasonal-naive": {"series:series": _forecaster("forecasting:SeasonalNaive", _few)},
    "dlinear": {"series:series": _network("forecast_networks:DecomposedForecaster", _windows(2e-6))},
    "patch-transformer": {"series:series": _network("forecast_deep:PatchForecaster", _windows(1e-5))},
    "n-beats": {"series:series": _network("forecast_deep:BlocksForecaster", _windows(4e-6))},
    "arima": {
        "series:series": _forecaster(
            "forecast_arima:ArimaForecaster", lambda size: 30.0 + _library(2e-2)(size), "statsforecast"
        )
    },
    "theta": {
        "series:series": _forecaster(
            "forecast_libraries:StatsForecaster", _library(5e-3), "statsforecast", model="theta"
        )
    },
    "ets": {
        "series:series": _forecaster("forecast_libraries:StatsForecaster", _library(3e-2), "statsforecast", model="ets")
    },
    "biases": {"interaction:number": _recommender("rating:BiasRater", _few)},
    "user-knn": {"interaction:number": _recommender("rating:NeighbourRater", _rows(4e-5), of="users")},
    "bayesian-factors": {
        "interaction:number": _recommender("rating:FactorRater", _rows(2e-4), solver="bayes", factors=10, rounds=60)
    },
    "factorisation": {
        "interaction:number": _recommender("rating:FactorRater", _rows(1e-4), solver="sgd", penalty=0.12)
    },
    "popular": {"history:items": _recommender("recommending:PopularRecommender", _few)},
    "item-knn": {
        "history:items": _recommender("recommending:NeighbourRecommender", _rows(1e-3)),
        "interaction:number": _recommender("rating:NeighbourRater", _rows(4e-5)),
    },
    "ease": {"history:items": _recommender("recommending:LinearRecommender", lambda size: 4.0 + 1e-3 * size.rows)},
    "als": {
        "history:items": _recommender(
            "recommending_libraries:ImplicitRecommender", _rows(2e-3), "implicit", model="als", penalty=10.0, alpha=1.0
        ),
        "interaction:number": _recommender("rating:FactorRater", _rows(1e-4)),
    },
    "bpr": {
        "history:items": _recommender(
            "recommending_libraries:ImplicitRecommender", _rows(4e-3), "implicit", model="bpr", iterations=50
        )
    },
    "two-tower": {
        "history:items": _ours("recommending_networks:TwoTowerRecommender", "torch", prepare="none", cost=_rows(8e-3))
    },
    "session-transformer": {
        "history:items": _ours("recommending_networks:SessionRecommender", "torch", prepare="none", cost=_rows(1.5e-2))
    },
}

ZOO = Registry("entrants", _OWN, of=Mapping, each=ModelSpec)
"""The forms of each entry by kind of input and target, by name."""

_MIXED = {"table:classes": "mixed:classes", "table:number": "mixed:number"}
"""What the form of a table becomes by columns of sentences in it."""


def specs(name: str) -> Mapping[str, ModelSpec]:
    """The forms of an entry; what suits a table suits one with sentences, unless that has a row of its own.

    Raises:
        KeyError: there is no such entry.
    """
    forms = ZOO[name]
    return {**{_MIXED[form]: breed for form, breed in forms.items() if form in _MIXED}, **forms}
