"""Models of tables as one graph: the same answers, from whatever cells; or a refusal that says who and why."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import ElasticNetCV, LogisticRegression, RidgeCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from concours import Contest, Entrant, Result, Task, predict
from concours.core.errors import DataError
from concours.entrants.boosters import (
    CatBoostClassifier,
    CatBoostRegressor,
    LightGBMClassifier,
    LightGBMRegressor,
    XGBoostClassifier,
    XGBoostRegressor,
)
from concours.entrants.fitting import fit
from concours.entrants.hinge import PrimalSVC
from concours.entrants.neural import DenseClassifier, DenseRegressor
from concours.entrants.preparation import PREPARATIONS
from concours.entrants.radial import RadialSVC, RadialSVR
from concours.entrants.tabular import (
    TabularNetworkClassifier,
    TabularNetworkRegressor,
    TabularTransformerClassifier,
    TabularTransformerRegressor,
)
from concours.kernels.joining.blending import blend
from concours.kernels.joining.calibration import Calibration
from concours.serving.export import whole
from concours.serving.export.cells import Cells
from concours.serving.export.estimators import said
from concours.serving.export.graph import Graph, Unexportable
from concours.serving.export.joining import RULES, aligned, blended, calibrated
from concours.serving.export.model import WITHIN, Exported, away, session_of, tried
from concours.serving.export.preparation import matrix, parts, prepared
from concours.serving.model import Served

from .conftest import SPLIT, Running, flowers

ROWS = 150


def table(seed: int = 0, *, words: bool = True) -> pd.DataFrame:
    """Numbers with and without gaps, whole numbers, truth values, dates, and words, some of them rare or missing."""
    rng = np.random.default_rng(seed)
    x = pd.DataFrame(
        {
            "a": rng.normal(size=ROWS),
            "b": np.where(rng.random(ROWS) < 0.2, np.nan, rng.normal(size=ROWS) * 1e3),
            "whole": rng.integers(-5, 30, ROWS),
            "true": rng.random(ROWS) < 0.4,
            "when": pd.Timestamp("2020-03-01") + pd.to_timedelta(rng.integers(0, 900, ROWS), unit="D"),
            "same": 1.0,
        }
    )
    if not words:
        return x
    few = pd.Series(rng.choice(["u", "v", "w"], ROWS)).where(rng.random(ROWS) > 0.1)
    many = rng.choice([f"word {i}" for i in range(14)], ROWS)
    return x.assign(few=few, many=np.where(np.arange(ROWS) == 3, "rare", many))


def target(x: pd.DataFrame, classes: int) -> np.ndarray:
    rng = np.random.default_rng(9)
    y = x["a"] + 0.1 * x["whole"] + x["true"] + rng.normal(size=len(x)) * 0.3
    if "few" in x:
        y = y + 2 * (x["few"] == "u") + x["many"].isin(["word 1", "word 7", "word 11"])
    values = y.to_numpy()
    return values if not classes else np.digitize(values, np.quantile(values, np.linspace(0, 1, classes + 1)[1:-1]))


def both(estimator: Any, prepare: str, classes: int, *, words: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """What a graph and the estimator say of other rows, with gaps, and words that were not seen."""
    x, new = table(words=words), tried(table(1, words=words))
    preparation = PREPARATIONS[prepare]().fit(x)
    with np.errstate(all="ignore"):
        fitted = fit(estimator, preparation.transform(x), target(x, classes), classes, calibrate=True)
    cells = Cells.of(x, parts(preparation))
    graph = Graph(cells.inputs)
    name = aligned(graph, said(graph, fitted.estimator, prepared(graph, cells, preparation)), fitted)
    told = session_of(graph.written(name)).run(None, cells.of_frame(new))[0]
    return told, fitted.predict(preparation.transform(new))


CLASSIFIERS = {
    "logistic": (lambda: LogisticRegression(max_iter=200), "matrix"),
    "bayes": (GaussianNB, "matrix"),
    "tree": (lambda: DecisionTreeClassifier(max_depth=6), "codes"),
    "extra-trees": (lambda: ExtraTreesClassifier(12, random_state=0), "codes"),
    "boosting": (lambda: HistGradientBoostingClassifier(max_iter=15, min_samples_leaf=5), "columns"),
    "boosting of codes": (lambda: HistGradientBoostingClassifier(max_iter=15, min_samples_leaf=5), "codes"),
    "lightgbm": (lambda: LightGBMClassifier(rounds=15), "columns"),
    "xgboost": (lambda: XGBoostClassifier(rounds=15), "columns"),
    "nearest": (lambda: KNeighborsClassifier(5, weights="distance"), "matrix"),
    "nearest alike": (lambda: KNeighborsClassifier(4), "matrix"),
    "svm": (lambda: RadialSVC(C=1.0, gamma=1.0), "matrix"),
    "svm-primal": (lambda: PrimalSVC(epochs=3, random_state=0), "matrix"),
    "svm-linear": (lambda: LinearSVC(), "matrix"),
    "dnn": (lambda: DenseClassifier(hidden=(16,), epochs=2, random_state=0), "matrix"),
    "dnn-embedded": (lambda: TabularNetworkClassifier(hidden=(16,), epochs=2, random_state=0), "columns"),
    "transformer": (lambda: TabularTransformerClassifier(width=16, depth=1, epochs=1, random_state=0), "columns"),
}
REGRESSORS = {
    "ridge": (lambda: RidgeCV(), "matrix"),
    "elastic-net": (lambda: ElasticNetCV(cv=3), "matrix"),
    "tree": (lambda: DecisionTreeRegressor(max_depth=6), "codes"),
    "forest": (lambda: RandomForestRegressor(12, random_state=0), "codes"),
    "boosting": (lambda: HistGradientBoostingRegressor(max_iter=15, min_samples_leaf=5), "columns"),
    "lightgbm": (lambda: LightGBMRegressor(rounds=15), "columns"),
    "xgboost": (lambda: XGBoostRegressor(rounds=15), "columns"),
    "nearest": (lambda: KNeighborsRegressor(5, weights="distance"), "matrix"),
    "svm": (lambda: RadialSVR(C=1.0, gamma=1.0), "matrix"),
    "dnn": (lambda: DenseRegressor(hidden=(16,), epochs=2, random_state=0), "matrix"),
    "dnn-embedded": (lambda: TabularNetworkRegressor(hidden=(16,), epochs=2, random_state=0), "columns"),
    "transformer": (lambda: TabularTransformerRegressor(width=16, depth=1, epochs=1, random_state=0), "columns"),
}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_graph_tells_classes_as_its_estimator_does(name: str, classes: int) -> None:
    """Probabilities of new rows are the same, wherever gaps are, and whatever words nobody has seen."""
    make, prepare = CLASSIFIERS[name]
    told, expected = both(make(), prepare, classes)
    assert told.dtype == np.float64 and told.shape == (2 * ROWS, classes)
    assert away(told, expected) <= WITHIN


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_graph_tells_numbers_as_its_estimator_does(name: str) -> None:
    """The same of a regression: (rows, 1)."""
    make, prepare = REGRESSORS[name]
    told, expected = both(make(), prepare, 0)
    assert told.shape == (2 * ROWS, 1)
    assert away(told, expected) <= WITHIN


@pytest.mark.parametrize(
    ("make", "classes"), [(CatBoostClassifier, 2), (CatBoostClassifier, 3), (CatBoostRegressor, 0)]
)
def test_trees_of_catboost_are_written_where_all_columns_are_numbers(make: Any, classes: int) -> None:
    """CatBoost writes no graph of words, which is said; of numbers and gaps it does."""
    told, expected = both(make(rounds=15), "columns", classes, words=False)
    assert away(told, expected) <= WITHIN
    with pytest.raises(Unexportable, match="reads columns of words, of which CatBoost writes no graph"):
        both(make(rounds=3), "columns", classes)


def test_a_class_that_was_not_seen_gets_its_share() -> None:
    """As `Fitted` aligns what an estimator says with the classes of the problem; one class alone is a constant."""
    x = table()
    for y in (np.where(target(x, 2) == 1, 3, 1), np.full(len(x), 2)):
        preparation = PREPARATIONS["matrix"]().fit(x)
        fitted = fit(LogisticRegression(), preparation.transform(x), y, 4, calibrate=False)
        cells = Cells.of(x, parts(preparation))
        graph = Graph(cells.inputs)
        name = aligned(graph, said(graph, fitted.estimator, prepared(graph, cells, preparation)), fitted)
        told = session_of(graph.written(name)).run(None, cells.of_frame(x))[0]
        assert np.allclose(told, fitted.predict(preparation.transform(x)), atol=1e-12)


CELLS = st.fixed_dictionaries(
    {
        "a": st.one_of(st.none(), st.floats(width=64)),
        "b": st.one_of(st.none(), st.floats(-1e40, 1e40), st.integers(-(2**53), 2**53)),
        "whole": st.integers(-(2**63), 2**63 - 1),
        "true": st.booleans(),
        "few": st.one_of(st.none(), st.sampled_from(["u", "v", "x", "", "(rare)"])),
        "many": st.one_of(st.none(), st.sampled_from(["word 1", "rare", "word 99"]), st.text(max_size=3)),
    }
)


@cache
def preparing(prepare: str) -> tuple[Any, Cells, Any]:
    """A preparation, what its graph is given, and what runs that: as a matrix."""
    x = table().drop(columns="when")
    preparation = PREPARATIONS[prepare]().fit(x)
    cells = Cells.of(x, parts(preparation))
    graph = Graph(cells.inputs)
    name = graph.cast(matrix(graph, prepared(graph, cells, preparation)), np.float64)
    return preparation, cells, session_of(graph.written(name))


@settings(max_examples=60)
@given(rows=st.lists(CELLS, min_size=1, max_size=4))
@pytest.mark.parametrize("prepare", ["codes", "matrix"])
def test_preparations_are_the_same_of_whatever_cells(prepare: str, rows: list[dict[str, Any]]) -> None:
    """Infinite and huge numbers, gaps, rare words and new ones; and cells that come as such are those of a frame."""
    preparation, cells, session = preparing(prepare)
    kinds = {"a": float, "b": float, "few": "str", "many": "str"}
    new = pd.DataFrame([{**row, "same": 1.0} for row in rows], columns=list(cells.names)).astype(kinds)
    feed, quick = (
        cells.of_frame(new),
        cells.of_rows([[{**row, "same": 1.0}[name] for name in cells.names] for row in rows]),
    )
    assert feed.keys() == quick.keys() and all(np.array_equal(feed[k], quick[k], equal_nan=True) for k in feed)
    np.testing.assert_allclose(session.run(None, feed)[0], preparation.transform(new), rtol=1e-6, atol=1e-6)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), outputs=st.integers(1, 4), members=st.integers(1, 4), even=st.booleans())
@pytest.mark.parametrize("rule", RULES)
def test_joins_and_calibration_are_those_of_the_kernels(
    rule: str, seed: int, outputs: int, members: int, even: bool
) -> None:
    """By whatever weights, of sure and unsure members, of classes and of numbers."""
    rng = np.random.default_rng(seed)
    names = [f"p{member}" for member in range(members)]
    told = [rng.dirichlet(np.full(outputs, 0.3), 5) if outputs > 1 else rng.normal(size=(5, 1)) for _ in names]
    weights = np.full(members, 1 / members) if even else rng.dirichlet(np.ones(members))
    graph = Graph([(name, np.float64, outputs) for name in names])
    joined, expected = blended(graph, rule, names, weights, outputs), blend(told, weights, rule=rule)
    if outputs > 1:
        how = Calibration(temperature=0.7, mix=0.01, prior=tuple(rng.dirichlet(np.ones(outputs))))
        joined, expected = calibrated(graph, joined, how), how.apply(expected)
    found = session_of(graph.written(joined)).run(None, dict(zip(names, told, strict=True)))[0]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("name", ["average", "vote", "linear", "forest", "nearest"])
def test_a_model_of_a_run_is_one_graph(run: Path, result: Result, name: str) -> None:
    """Bags of folds, calibration and the joins of alliances are in it; requests and frames give the same."""
    served = Served.of(result, name)
    graph = Exported.of_served(served)
    assert f"{name} answers by a graph of ONNX: at most " in graph.told
    new = flowers(120)[90:].drop(columns="kind").reset_index(drop=True)
    expected = served.predict(new)
    assert away(graph.predict(new), expected) <= WITHIN
    feed = graph.quickly(new.to_numpy(object).tolist())
    assert feed is not None and away(graph.predict(feed), expected) <= WITHIN
    assert graph.quickly([["1.5", 3, "red", True]]) is None
    frame = replace(graph, framed=True).quickly(new.to_numpy(object).tolist())
    assert isinstance(frame, pd.DataFrame) and np.array_equal(graph.predict(frame), graph.predict(feed))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A contest with a pool, a cascade, and a member that no graph can be."""
    out = tmp_path_factory.mktemp("runs") / "others"
    task = Task(kind="tabular-classification", data=flowers(), target="kind", split=SPLIT)
    linear = Entrant("linear", "sklearn.linear_model:LogisticRegression")
    tree = Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 3})
    odd = Entrant("odd", "sklearn.neighbors:KNeighborsClassifier", {"metric": "manhattan"})
    Contest(
        task=task, entrants=(linear, tree, odd), lineup="none", engine="inline", out=out,
        cooperate=("stack", "cascade", "average"),
    ).run()  # fmt: skip
    return out


def test_what_cannot_be_a_graph_is_refused_by_name(others: Path) -> None:
    """In one line: which model, which of its members, why, and what to do."""
    result = Result.load(others)
    for name, why in {
        "odd": r"odd cannot be exported: KNeighborsClassifier goes by another distance or other weights than usual",
        "average": r"average cannot be exported: its member odd: KNeighborsClassifier goes by",
        "cascade": r"cascade cannot be exported: ",
    }.items():
        with pytest.raises(DataError, match=why) as refused:
            Exported.of_served(Served.of(result, name))
        assert "serve it without --export, or another model, by --with NAME" in str(refused.value)
        assert "\n" not in str(refused.value)


def test_rows_without_a_preparation_are_for_constants_alone() -> None:
    """A baseline looks at no cell; any other estimator of rows as they come is refused."""
    x = np.arange(6.0)[:, None]
    graph = Graph([("numbers", np.float64, 1)])
    told = said(graph, DummyClassifier().fit(x, [0, 0, 1, 1, 1, 2]), None)
    found = session_of(graph.written(told)).run(None, {"numbers": x})[0]
    assert np.allclose(found, np.tile([1 / 3, 1 / 2, 1 / 6], (6, 1)))
    with pytest.raises(Unexportable, match="it takes rows as they come"):
        said(graph, LogisticRegression().fit(x, [0, 0, 1, 1, 1, 2]), None)


def test_texts_are_refused(texts: Path) -> None:
    """Only tables are exported."""
    with pytest.raises(DataError, match="bayes cannot be exported: only models of tables"):
        Exported.of_served(Served.of(Result.load(texts)))


def test_a_graph_that_is_off_is_refused(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest difference is said, and whose it is."""
    served = Served.of(result, "average")
    monkeypatch.setattr(whole, "aligned", lambda graph, said, fitted: graph("Mul", said, said))
    with pytest.raises(DataError, match=r"its graph is off by \d\.\de-\d\d on held rows, more than 1e-05 \(its member"):
        Exported.of_served(served)


def test_a_server_answers_by_the_graph(run: Path, result: Result) -> None:
    """It says how far it is off, and its answers are within that of `predict`."""
    running = Running(str(run), "--with", "average", "--export", "onnx")
    try:
        assert any("by a graph of ONNX: at most" in line for line in running.said)
        new = flowers(120)[90:].drop(columns="kind").reset_index(drop=True)
        rows = new.to_dict("records")
        rows[0] |= {"length": None, "colour": "a new one"}
        told = httpx.post(f"{running.url}/predict", json={"rows": rows}).json()
        expected = predict(result, pd.DataFrame(rows), model="average", proba=True)
        assert away(np.array(told["probabilities"]), expected) <= WITHIN
    finally:
        assert running.stop() == 0
