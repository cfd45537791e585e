"""Points of a learning curve: the rows they are fitted on, and that they end where the board is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from concours.core.digests import canonical_json
from concours.core.job import Job
from concours.engine.runners import RUNNERS
from concours.engine.runners.curve import curve
from concours.engine.runners.fit import fit, prepare
from concours.engine.work import execute
from concours.stores.blobs import get_array, put_array, put_json, put_table, put_texts
from concours.stores.memory import MemoryStore
from concours.tasks.metrics.named import metric_named
from concours.testing.toys import toy_output

ROWS = 150
SPY = """
class Spy:
    def fit(self, X, y):
        self.seen = float(sum(2 ** int(row) for row in X["row"]))
        return self

    def predict(self, X):
        return [self.seen] * len(X)
"""


@pytest.fixture
def store() -> MemoryStore:
    """A store in memory."""
    return MemoryStore()


def data(kind: str) -> tuple[Any, np.ndarray]:
    """Rows in three classes that can be told apart, more or less, or a number."""
    rng = np.random.default_rng(0)
    y = np.resize([0, 0, 0, 1, 1, 2, 2], ROWS)
    frame = pd.DataFrame({"a": y + rng.normal(size=ROWS), "b": rng.choice(["hill", "dale"], ROWS)})
    x = {
        "table": frame,
        "texts": [" ".join(rng.choice(["so", "on", ("red", "green", "blue")[code]], 5)) for code in y],
        "pictures": rng.normal(size=(ROWS, 6, 6)) + y[:, None, None],
        "number": frame,
    }[kind]
    return x, frame["a"].to_numpy() ** 2 if kind == "number" else y


def job(
    store: MemoryStore, kind: str, recipe: str, preparation: str | None = None, share: float = 1.0, **params: Any
) -> Job:
    """A point of a curve on fold 1 of 3."""
    x, y = data(kind)
    if isinstance(x, pd.DataFrame):
        kept = put_table(store, pa.Table.from_pandas(x, preserve_index=False))
    else:
        kept = put_texts(store, pa.chunked_array([pa.array(x)])) if isinstance(x, list) else put_array(store, x)
    classes = 0 if kind == "number" else 3
    params = {
        "metrics": ["rmse" if kind == "number" else "log_loss"], "output": toy_output(classes).told, "recipe": recipe, "params": {},
        "preparation": preparation, "fold": 1, "share": share, **params,
    }  # fmt: skip
    inputs = {"x": kept, "y": put_array(store, y), "folds": put_array(store, np.arange(ROWS) % 3)}
    return Job(runner="curve", inputs=inputs, params=params, seed=3)


@pytest.mark.parametrize(
    ("recipe", "preparation"),
    [
        ("sklearn.tree:DecisionTreeRegressor", "codes"),
        ("sklearn.linear_model:Ridge", "matrix"),
        ("sklearn.ensemble:HistGradientBoostingRegressor", "columns"),
    ],
)
def test_the_whole_is_what_the_board_is_fitted_on(store: MemoryStore, recipe: str, preparation: str) -> None:
    """A share of one scores as a `fit` job of the same seed does, whose data were prepared in a job before it."""
    point = job(store, "number", recipe, preparation)
    if preparation == "columns":
        point = replace(point, params={**point.params, "params": {"categorical_features": "from_dtype"}})
    inputs = {name: point.inputs[name] for name in ("x", "folds")}
    how = {"preparation": preparation, "fold": 1}
    made = prepare(Job(runner="prepare", inputs=inputs, params=how, seed=9, outputs=("train", "valid")), store).outputs
    inputs = {"x": made["train"], "valid": made["valid"], "y": point.inputs["y"], "folds": inputs["folds"]}
    done = fit(replace(point, inputs=inputs, params={**point.params, "prepared": True}, outputs=("valid",)), store)
    y = data("number")[1][1::3]
    expected = metric_named("rmse", "number").score(y, get_array(store, done.outputs["valid"]))
    assert curve(point, store).values["score"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("kind", "recipe", "preparation"),
    [
        ("table", "sklearn.linear_model:LogisticRegression", "matrix"),
        ("texts", "sklearn.linear_model:LogisticRegression", "tfidf"),
        ("texts", "concours.entrants.texts:NaiveBayesLogistic", "tfidf"),
        ("pictures", "sklearn.naive_bayes:GaussianNB", "pixels"),
    ],
)
def test_more_rows_are_better(store: MemoryStore, kind: str, recipe: str, preparation: str) -> None:
    """Data of every kind, all classes in the smallest share, and finite JSON."""
    values = []
    for share in (0.05, 1.0):
        done = execute(job(store, kind, recipe, preparation, share), store, RUNNERS)
        assert hasattr(done, "values"), done
        assert canonical_json(dict(done.values))
        values.append(done.values)
    assert [value["rows"] for value in values] == [5, 100]
    assert values[1]["score"] < values[0]["score"]
    assert values[1]["stderr"] > 0


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "roc_auc_ovr", "average_precision"])
def test_any_metric(store: MemoryStore, metric: str) -> None:
    """Those of labels are of the class that a decision names, as on the board."""
    values = curve(job(store, "table", "sklearn.naive_bayes:GaussianNB", "matrix", metrics=[metric]), store).values
    assert 0.4 < values["score"] < 1


def test_a_smaller_share_is_part_of_a_bigger_one(store: MemoryStore) -> None:
    """Each row that a user's model is fitted on is a binary digit of what it predicts; none of them is held out."""
    table = put_table(store, pa.table({"row": np.arange(30)}))
    inputs = {"x": table, "y": put_array(store, np.arange(30) * 1e-6), "folds": put_array(store, np.arange(30) % 3)}
    seen = []
    for share in (0.1, 0.25, 0.5, 1.0):
        point = job(store, "number", "spy.py:Spy", None, share, metrics=["mae"])
        values = curve(replace(point, inputs={**inputs, "code": put_json(store, {"spy.py": SPY})}), store).values
        seen.append({row for row in range(30) if round(values["score"]) & 2**row})
        assert values["rows"] == len(seen[-1])
    assert [len(rows) for rows in seen] == [2, 5, 10, 20]
    assert seen[0] < seen[1] < seen[2] < seen[3] == {row for row in range(30) if row % 3 != 1}


def test_too_few_rows_held_out(store: MemoryStore) -> None:
    """One row held out, of one class: scored without calibration, and undefined where the metric is."""
    point = job(store, "table", "sklearn.naive_bayes:GaussianNB", "matrix")
    inputs = {**point.inputs, "folds": put_array(store, (np.arange(ROWS) == 7).astype(np.int64))}
    assert curve(replace(point, inputs=inputs), store).values["score"] > 0
    areas = replace(point, inputs=inputs, params={**point.params, "metrics": ["roc_auc_ovr"]})
    assert curve(areas, store).values["score"] is None
