"""What explains models, tried on models whose ways are known: users' code that computes a formula of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from concours.core.digests import canonical_json
from concours.core.entrant import Candidate, Entrant
from concours.core.job import Job
from concours.engine.identity import code_digest
from concours.engine.runners import RUNNERS, explain
from concours.engine.runners.fit import fit
from concours.engine.work import execute
from concours.stores.blobs import put_array, put_json, put_table, put_texts
from concours.stores.memory import MemoryStore
from concours.tasks.forms import settle
from concours.tasks.readers.objects import as_table
from concours.testing.toys import toy_output

NUMBERS = """
import numpy as np
class Known:
    def fit(self, X, y):
        return self
    def predict(self, X):
        return np.asarray([VALUE for x in (X.to_dict("records") if hasattr(X, "to_dict") else X)], dtype=float)
"""
CLASSES = (
    NUMBERS
    + """
    def predict_proba(self, X):
        p = self.predict(X)
        return np.stack([1 - p, p], axis=1)
"""
)


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same for each test."""
    return np.random.default_rng(0)


@pytest.fixture
def store() -> MemoryStore:
    """A store in memory."""
    return MemoryStore()


def kept(store: MemoryStore, x: Any) -> str:
    """Inputs in the form in which a contest keeps them: a table, texts, or pictures."""
    if isinstance(x, pd.DataFrame):
        return put_table(store, settle(as_table(x), "x", written=False).table)
    return put_texts(store, pa.chunked_array([pa.array(x)])) if isinstance(x, list) else put_array(store, x)


def known(store: MemoryStore, x: Any, y: Any, value: str, classes: int = 0) -> Candidate:
    """A user's model that is fitted again where it is used. Its value, or the probability of its second class, is an
    expression of a row (a dictionary), a text or a picture `x`."""
    text = (CLASSES if classes else NUMBERS).replace("VALUE", value)
    return fitted(store, x, y, "known.py:Known", classes, code=put_json(store, {"known.py": text}))


def fitted(
    store: MemoryStore,
    x: Any,
    y: Any,
    recipe: str,
    classes: int,
    code: str | None = None,
    params: Mapping[str, Any] | None = None,
) -> Candidate:
    """A model fitted on all rows as they are."""
    inputs = {"x": kept(store, x), "y": put_array(store, np.asarray(y)), "folds": put_array(store, np.zeros(len(y)))}
    inputs |= {"code": code} if code else {}
    how = {
        "recipe": recipe,
        "params": dict(params or {}),
        "fold": None,
        "prepared": False,
        "output": toy_output(classes).told,
    }
    done = fit(Job(runner="fit", inputs=inputs, params=how, outputs=("model",)), store)
    name = "net" if params else "model"
    return Candidate(entrant=Entrant(name, recipe, params or {}), code=code, models=(done.outputs["model"],))


def explained(
    store: MemoryStore, kind: str, model: Candidate, x: Any, y: Any, metric: str, classes: int = 0, **params: Any
) -> dict[str, Any]:
    """The values of a job that explains a model: small, and finite JSON."""
    code = {"code": model.code} if model.code else {}
    inputs = {"x": kept(store, x), "y": put_array(store, np.asarray(y)), **code}
    params = {
        "metrics": [metric],
        "output": toy_output(classes).told,
        "model": model.to_json(),
        "parents": {},
        "most": 20_000,
        **params,
    }
    done = execute(Job(runner=kind, inputs=inputs, params=params, seed=1), store, RUNNERS)
    assert hasattr(done, "values"), done
    assert len(canonical_json(dict(done.values))) < 300_000
    return dict(done.values)


# Importance


def test_the_column_that_counts_is_on_top(store: MemoryStore, rng: np.random.Generator) -> None:
    """By as much as theory says (twice the variance of what it adds); one that the model ignores counts nothing."""
    x = pd.DataFrame({"a": rng.normal(size=400), "b": rng.normal(size=400), "c": rng.normal(size=400)})
    y = 2 * x["a"] + x["b"] + rng.normal(size=400)
    model = known(store, x, y, "2 * x['a'] + x['b']")
    values = explained(store, "importance", model, x, y, "rmse")
    assert values["columns"] == ["a", "b", "c"]
    assert values["drop"][0] == pytest.approx((2 * 4 + 1) ** 0.5 - 1, abs=4 * values["stderr"][0])
    assert values["drop"][2] == 0
    assert values["stderr"][2] < 1e-6
    assert (values["rows"], values["repeats"], values["left_out"]) == (400, 3, 0)
    assert values["base"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "f1", "roc_auc", "average_precision", "neg_log_loss"])
def test_worse_is_positive_by_any_metric(store: MemoryStore, metric: str, rng: np.random.Generator) -> None:
    """Whether greater or smaller is better, with a standard error that says so clearly."""
    x = pd.DataFrame({"noise": rng.normal(size=300), "sign": rng.normal(size=300)})
    y = (x["sign"] > 0).astype(int)
    model = known(store, x, y, "0.8 if x['sign'] > 0 else 0.2", 2)
    values = explained(store, "importance", model, x, y, metric, 2)
    assert values["columns"] == ["sign", "noise"]
    assert values["drop"][0] > 4 * values["stderr"][0] > 0


def test_a_decision_counts(store: MemoryStore, rng: np.random.Generator) -> None:
    """A metric of labels is of the class that the model names, not of the most probable one."""
    x = pd.DataFrame({"a": rng.normal(size=200)})
    y = (x["a"] > 0).astype(int)
    model = known(store, x, y, "0.3 if x['a'] > 0 else 0.1", 2)
    weighted = Candidate.from_json(
        {**model.to_json(), "decision": {"weights": [0.4, 1.6], "fold_weights": [[0.4, 1.6]]}}
    )
    assert explained(store, "importance", weighted, x, y, "f1", 2)["base"] == 1
    assert explained(store, "importance", model, x, y, "f1", 2)["base"] == 0


def test_of_many_columns_those_that_tell_are_measured(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    """Forty of seventy, numbers and categories, those that decide among them; and the cost is bounded."""
    rows: list[int] = []
    real = explain.predicted
    monkeypatch.setattr(explain, "predicted", lambda job, store, x: (rows.append(len(x)), real(job, store, x))[1])
    x = pd.DataFrame(rng.normal(size=(2000, 70))).rename(columns=str)
    x["69"] = rng.choice(["hill", "dale"], 2000)
    model = known(store, x, np.arange(2000.0), "x['68'] + 2 * (x['69'] == 'hill')")
    y = x["68"] + 2 * (x["69"] == "hill")
    values = explained(store, "importance", model, x, y, "mae")
    assert set(values["columns"][:2]) == {"68", "69"}
    assert len(values["columns"]) == 40
    assert values["left_out"] == 30
    assert sum(rows) <= 21_000


def test_what_joins_many_models_predicts_fewer_rows(store: MemoryStore, rng: np.random.Generator) -> None:
    """A hundred rows a copy in the end, so that the cost of a great alliance is bounded too."""
    x = pd.DataFrame({"a": rng.normal(size=500), "b": rng.normal(size=500)})
    one = known(store, x, x["a"], "x['a'] + x['b']")
    rows = []
    for count in (1, 400, 4000):
        unused = {f"sha256:{i}": one.to_json() for i in range(count - 1)}
        values = explained(store, "importance", one, x, x["a"], "rmse", parents=unused)
        rows.append((values["rows"], values["repeats"]))
    assert rows == [(500, 3), (333, 1), (100, 1)]


def odd(rows: int) -> pd.DataFrame:
    """Columns of every type, most of them poor."""
    numbers = np.arange(rows)
    words = pd.Series([f"a text of its own, {i}" for i in numbers], dtype=object)
    return pd.DataFrame(
        {
            "constant": 1.0,
            "missing": pd.Series([None] * rows, dtype="float64"),
            "no words": pd.Series([None] * rows, dtype="str"),
            "gaps": np.where(numbers % 3, numbers, np.nan),
            "endless": np.where(numbers % 2, np.inf, numbers),
            "yes": numbers % 2 == 0,
            "maybe": pd.array([None, True, False] * rows, dtype="boolean")[:rows],
            "day": pd.Timestamp("2020-01-31") + pd.to_timedelta(numbers, unit="D"),
            "daytext": [f"2020-01-{1 + i % 28:02d}" for i in numbers],
            "lasts": pd.to_timedelta(numbers, unit="h"),
            "text": words,
            "place": pd.Categorical(np.resize(["hill", "dale", None], rows), categories=["hill", "dale", "never"]),
            "count": pd.array(numbers, dtype="int64"),
        }
    )


@pytest.mark.parametrize("rows", [1, 2, 40])
def test_odd_columns(store: MemoryStore, rows: int) -> None:
    """Constant, missing, endless, dates, truths, durations, texts: all are explained, down to a single row."""
    x, y = odd(rows), np.arange(rows, dtype=float)
    model = known(store, x, y, "float(x['count'])")
    values = explained(store, "importance", model, x, y, "mae")
    assert sorted(values["columns"]) == sorted(x.columns)
    assert set(values["kinds"]) <= {"number", "date", "category", "text"}
    values = explained(store, "dependence", model, x, y, "mae", columns=list(x.columns))
    assert [column["name"] for column in values["columns"]] == list(x.columns)
    for column in values["columns"]:
        assert len(column["grid"]) == len(column["mean"]) == len(column["low"]) == len(column["high"]) <= 15


def test_a_metric_that_is_undefined(store: MemoryStore, rng: np.random.Generator) -> None:
    """With one class among the rows there is no area under a curve, and nothing is said of columns."""
    x = pd.DataFrame({"a": rng.normal(size=20)})
    model = known(store, x, [0, 1] * 10, "0.5", 2)
    values = explained(store, "importance", model, x, np.zeros(20, dtype=np.int64), "roc_auc", 2)
    assert (values["columns"], values["base"], values["left_out"]) == ([], None, 1)


def test_three_hundred_classes(store: MemoryStore, rng: np.random.Generator) -> None:
    """Importance is of all of them, dependence of the five most frequent."""
    x = pd.DataFrame({"a": rng.normal(size=900), "b": rng.normal(size=900)})
    y = np.concatenate([np.arange(300), rng.integers(250, 300, size=600)])
    model = fitted(store, x, y, "sklearn.naive_bayes:GaussianNB", 300)
    assert len(explained(store, "importance", model, x, y, "log_loss", 300)["columns"]) == 2
    values = explained(store, "dependence", model, x, y, "log_loss", 300, columns=["a"])
    assert len(values["outputs"]) == len(values["columns"][0]["mean"][0]) == 5
    assert min(values["outputs"]) >= 250


# Dependence


def test_dependence_is_the_formula(store: MemoryStore, rng: np.random.Generator) -> None:
    """Of a sum: the column's own part and the mean of the other; and quantiles of the other around it."""
    x = pd.DataFrame({"a": rng.normal(size=300), "b": rng.normal(size=300)})
    model = known(store, x, x["a"], "3 * x['a'] + x['b']")
    values = explained(store, "dependence", model, x, x["a"], "rmse", columns=["a"])
    (column,) = values["columns"]
    assert values["rows"] == 300
    assert np.allclose(np.ravel(column["mean"]), 3 * np.array(column["grid"]) + x["b"].mean())
    assert np.allclose(np.ravel(column["high"]), 3 * np.array(column["grid"]) + np.quantile(x["b"], 0.9))
    assert column["rug"][0] == x["a"].min()
    assert column["rug"][10] == x["a"].max()
    assert len(column["grid"]) == 15
    assert column["grid"] == sorted(column["grid"])


def test_dependence_on_values_that_are_no_numbers(store: MemoryStore) -> None:
    """The most frequent values first, the missing one among them, truths as words, and dates in their order."""
    x = odd(60)
    model = known(store, x, np.arange(60.0), "2.0 if x['place'] == 'hill' else float(x['yes'])")
    values = explained(
        store, "dependence", model, x, np.arange(60.0), "rmse", columns=["place", "yes", "day", "daytext"]
    )
    place, yes, day, daytext = values["columns"]
    assert (place["kind"], set(place["grid"])) == ("category", {"hill", "dale", None})
    assert place["mean"][place["grid"].index("hill")] == [2.0]
    assert sum(place["shares"]) == pytest.approx(1)
    assert (yes["kind"], set(yes["grid"])) == ("category", {"True", "False"})
    assert (day["kind"], day["rug"][0], day["grid"]) == ("date", "2020-01-31T00:00:00", sorted(day["grid"]))
    assert (daytext["kind"], daytext["rug"][10]) == ("date", "2020-01-28T00:00:00")


# Texts and pictures

TEXTS = ["You win a prize", "", "see you at noon", "WIN! win, or lose", "noon it is", "nothing", "win", "no", "Win one"]
SPAM = np.array([1, 0, 0, 1, 0, 0, 1, 0, 1])


def test_the_word_that_decides_has_the_weight(store: MemoryStore) -> None:
    """And no other; where it comes twice, leaving one of them out changes nothing, as the other still tells."""
    model = known(store, TEXTS, SPAM, "0.9 if 'win' in x.lower() else 0.2", 2)
    values = explained(store, "occlude", model, TEXTS, SPAM, "log_loss", 2, rows=[0, 1, 3, 4])
    assert values["class"] == [1, 0, 1, 0]
    assert values["tokens"] == [["You", "win", "a", "prize"], [], ["WIN!", "win,", "or", "lose"], ["noon", "it", "is"]]
    assert np.allclose(values["weights"][0], [0, 0.7, 0, 0])
    assert not np.any(values["weights"][2] + values["weights"][3])
    assert values["words"] == [{"word": "win", "class": 1, "effect": pytest.approx(0.7), "count": 4}]


def test_long_and_missing_texts(store: MemoryStore, rng: np.random.Generator) -> None:
    """The first sixty words, sixteen texts, fewer words of very long ones; and a bounded cost."""
    texts = [" ".join(rng.choice(["so", "on", "and", "forth", f"w{i}"], 300)) for i in range(60)] + ["", "x" * 20_000]
    texts[-1] += " more" * 500
    y = np.arange(62) % 2
    model = known(store, texts, y, "0.5 + 0.1 * x.count('and') / (len(x) + 1)", 2)
    values = explained(store, "occlude", model, texts, y, "log_loss", 2, rows=[*range(15), 61, 60])
    assert [len(tokens) for tokens in values["tokens"]] == [60] * 15 + [10]
    assert len(values["words"]) <= 30
    assert values["words"][0]["word"] == "and"


def test_the_part_that_decides_is_on_the_map(store: MemoryStore) -> None:
    """A model of the upper left corner: only cells there, or half a cell beside it, make a difference."""
    pictures = np.zeros((4, 32, 32, 3), dtype=np.uint8)
    pictures[:2, :8, :8] = 240
    y = np.array([1, 1, 0, 0])
    model = known(store, pictures, y, "0.1 + 0.8 * float(x[:8, :8].mean()) / 255", 2)
    values = explained(store, "occlude", model, pictures, y, "log_loss", 2, rows=[0, 3])
    first, plain = np.array(values["maps"])
    assert values["class"] == [1, 0]
    assert first.shape == (8, 8)
    assert (first[:2, :2] > 0.1).all()
    assert not first[3:].any()
    assert not first[:, 3:].any()
    assert not plain.any()


@pytest.mark.parametrize("shape", [(5, 3), (1, 1, 1), (9, 17, 4)])
def test_small_and_odd_pictures(store: MemoryStore, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    """A cell is a pixel at least."""
    pictures, y = rng.random((20, *shape)), np.arange(20) % 2
    model = known(store, pictures, y, "float(x.mean())", 2)
    values = explained(store, "occlude", model, pictures, y, "log_loss", 2, rows=list(range(20)))
    assert np.array(values["maps"]).shape == (12, min(shape[0], 8), min(shape[1], 8))


def test_a_networks_gradients_find_the_part_that_decides(store: MemoryStore, rng: np.random.Generator) -> None:
    """The first candidate that is a network is looked into; what its cells add lies where the classes differ."""
    pytest.importorskip("torch")
    pytest.importorskip("captum")
    pictures, y = rng.integers(90, 110, (120, 20, 20)).astype(np.uint8), np.arange(120) % 2
    pictures[y == 1, 2:6, 2:6] = 250
    network = "concours.entrants.neural:ConvClassifier"
    model = known(store, pictures, y, "0.5", 2)
    net = fitted(store, pictures, y, network, 2, params={"width": 4, "epochs": 6})
    job = Job(
        runner="gradients",
        inputs={"x": kept(store, pictures)},
        params={"looked_at": [model.to_json(), net.to_json()], "rows": [1, 3, 5], "output": toy_output(2).told},
    )
    values = execute(job, store, RUNNERS).values
    assert values["name"] == "net"
    assert values["class"] == [1, 1, 1]
    maps = np.array(values["maps"])
    assert maps.shape == (3, 8, 8)
    inside = maps[:, :4, :4].sum(axis=(1, 2))
    assert (inside > 0.6 * maps.sum(axis=(1, 2))).all()


def test_gradients_of_a_clip_lie_as_its_frames_do(store: MemoryStore, rng: np.random.Generator) -> None:
    """Four by four cells a frame, ten frames in two lines, as the report shows the clip."""
    pytest.importorskip("torch")
    pytest.importorskip("captum")
    clips, y = rng.integers(0, 255, (30, 10, 12, 12, 3)).astype(np.uint8), np.arange(30) % 2
    net = fitted(
        store, clips, y, "concours.entrants.clip_networks:VolumeClassifier", 2, params={"width": 4, "epochs": 1}
    )
    job = Job(
        runner="gradients",
        inputs={"x": kept(store, clips)},
        params={"looked_at": [net.to_json()], "rows": [2, 7], "output": toy_output(2).told},
    )
    values = execute(job, store, RUNNERS).values
    assert (values["name"], values["of"]) == ("net", "rows")
    assert np.shape(values["maps"]) == (2, 8, 20)


# Identity


def test_the_code_of_all_that_is_joined_counts() -> None:
    """Another recipe behind a parent is other code, as it is behind the model itself."""
    simple, other = ({"entrant": {"recipe": f"concours.entrants.{name}"}} for name in ("hinge:PrimalSVC", "zoo:ZOO"))
    jobs = [
        Job(runner="importance", params={"metrics": ["rmse"], "model": model, "parents": parents})
        for model, parents in [(simple, {}), (simple, {"a": other}), (other, {})]
    ]
    assert len({code_digest(job, RUNNERS) for job in jobs}) == 3
