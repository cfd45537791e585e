"""What the report is drawn from: each fold, the default's predictions, the data card; also where data is odd."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from concours.core.digests import canonical_json
from concours.core.event import Done
from concours.core.job import Job
from concours.core.registry import load
from concours.core.values import take
from concours.engine.ingest import ingest
from concours.engine.rows import as_rows, first_division
from concours.engine.runners import RUNNERS
from concours.engine.work import execute
from concours.entrants.tables import TableColumns
from concours.kernels.scoring.intervals import share_intervals
from concours.stores.blobs import put_array, put_table, put_texts
from concours.stores.disk import DiskStore
from concours.stores.values import get_values, put_values
from concours.tasks.forms import settle
from concours.tasks.kinds import KINDS
from concours.tasks.outputs.table import output_told
from concours.tasks.readers.source import open_source
from concours.testing.toys import toy_output

SMALL = 100_000  # bytes


@pytest.fixture
def store(tmp_path):
    """A store on disk, as tables are memory-mapped."""
    return DiskStore(tmp_path)


def values(store, kind, params, **inputs):
    """What a job yields, which is small, finite, and the same again."""
    digests = {
        name: item if isinstance(item, str) else put_array(store, np.asarray(item)) for name, item in inputs.items()
    }
    job = Job(runner=kind, inputs=digests, params={"rows": ["pictures"], **params}, seed=5)
    done, again = (execute(job, store, RUNNERS) for _ in range(2))
    assert isinstance(done, Done), done.reason
    text = canonical_json(dict(done.values))
    assert canonical_json(dict(again.values)) == text
    assert len(text) < SMALL
    return json.loads(text)


def diagnosed(store, y, p, x=None, *, metrics=("log_loss",), decision=None, **inputs):
    """A diagnosis of predictions, of raw inputs that say nothing unless they are given."""
    p = np.asarray(p, dtype=np.float64)
    classes = p.shape[1] if p.shape[1] > 1 else 0
    x = x or put_table(store, pa.table({"x": np.zeros(len(p))}))
    params = {"metrics": list(metrics), "output": toy_output(classes).told, "decision": decision}
    return values(store, "diagnose", params, x=x, y=y, predictions=p, **inputs)


def drawn(rows=600, classes=2, seed=0):
    """True classes, and probabilities that they were drawn by."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(classes, 0.5), rows)
    return (p.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1).clip(max=classes - 1), p


def test_classes(store):
    """Counts, areas and the worst mistakes are those of scikit-learn and of plain sorting."""
    y, p = drawn()
    found = diagnosed(store, y, p)
    named = p.argmax(axis=1)
    assert found["confusion"]["counts"] == [[int(((y == i) & (named == j)).sum()) for j in (0, 1)] for i in (0, 1)]
    [roc], [curve] = found["roc"], found["precision_recall"]
    assert np.isclose(roc["area"], roc_auc_score(y, p[:, 1]), atol=1e-5)
    assert np.isclose(np.trapezoid(roc["y"], roc["x"]), roc["area"], atol=2e-3)
    assert np.isclose(curve["area"], average_precision_score(y, p[:, 1]), atol=1e-5)
    assert (roc["x"][0], roc["y"][0], roc["x"][-1], roc["y"][-1]) == (0, 0, 1, 1)
    assert curve["x"][0] == 0
    assert curve["x"][-1] == 1
    loss = -np.log(p[np.arange(len(y)), y])
    wrong = np.flatnonzero(named != y)
    assert found["mistakes"]["rows"] == wrong[np.argsort(-loss[wrong])][:12].tolist()
    assert min(found["mistakes"]["sure"]) > 0.5
    assert found["calibration"]["ece"] < 0.08


def test_a_slice_where_the_model_fails_is_found(store):
    """Rows of one town are guessed: that town is first and certain, and columns of noise are not."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 1500)
    town = rng.choice(["hill", "bay", "mill"], 1500)
    p = np.where((town == "mill")[:, None], 0.5, np.eye(2)[y] * 0.8 + 0.1)
    table = pa.table({"town": pa.array(town.tolist()), **{f"noise{i}": rng.normal(size=1500) for i in range(10)}})
    found = diagnosed(store, y, p, put_table(store, table))
    first, *others = found["slices"]
    assert (first["column"], first["value"], first["worse"]) == ("town", "mill", True)
    assert first["rows"] == (town == "mill").sum()
    assert np.isclose(first["score"], np.log(2), atol=1e-5)
    assert np.isclose(first["rest"], -np.log(0.9), atol=1e-5)
    assert not any(other["worse"] for other in others)


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_slices_of_rows_that_also_taught(metric, store):
    """The same slices and scores; intervals are √2 times as wide, and fewer are certainly worse."""
    y, p = drawn(1000)
    rng = np.random.default_rng(0)
    parts = rng.integers(0, 6, 1000)
    flipped = (rng.random(1000) < np.array([0.0, 0.05, 0.1, 0.2, 0.3, 0.4])[parts]) & (p.max(axis=1) > 0.7)
    y = np.where(flipped, 1 - y, y)
    x = put_table(store, pa.table({"part": pa.array([f"p{i}" for i in parts])}))
    alone, crossed = (
        diagnosed(store, y, p, x, metrics=(metric,), **more) for more in ({}, {"folds": np.arange(1000) % 5})
    )
    slices = {(s["column"], s["value"]): s for s in alone["slices"]}
    assert crossed["slices"]
    for one in crossed["slices"]:
        other = slices[one["column"], one["value"]]
        assert one["score"] == other["score"]
        if metric == "log_loss":
            assert np.isclose(one["high"] - one["score"], 2**0.5 * (other["high"] - other["score"]), rtol=1e-3)
        else:
            hits = share_intervals(np.array([one["score"]]), one["rows"] / 2)[0]
            assert np.allclose([one["low"], one["high"]], hits, rtol=1e-3)
    assert sum(s["worse"] for s in crossed["slices"]) < sum(s["worse"] for s in alone["slices"])


@pytest.mark.parametrize(("metrics", "by"), [(("accuracy",), "accuracy"), (("roc_auc",), "log_loss")])
def test_slices_are_measured_by_the_metric_where_it_has_rows(metrics, by, store):
    """Also where greater is better: the slice is the one with the smaller share."""
    y, p = drawn(1000)
    bad = np.arange(1000) < 200
    y = np.where(bad, 1 - p.argmax(axis=1), y)
    table = pa.table({"part": pa.array(np.where(bad, "bad", "good").tolist())})
    found = diagnosed(store, y, p, put_table(store, table), metrics=metrics)
    assert found["slices_by"] == by
    assert (found["slices"][0]["value"], found["slices"][0]["worse"]) == ("bad", True)
    if by == "accuracy":
        assert found["slices"][0]["score"] == found["slices"][0]["low"] == 0
        assert 0 < found["slices"][0]["high"] < found["slices"][0]["rest"]


def test_numbers(store):
    """Residuals, bands, the largest errors, and slices by the root of the mean square."""
    rng = np.random.default_rng(2)
    x = rng.uniform(0, 10, 2000)
    y = x + np.where(x > 8, 3.0, 0.2) * rng.normal(size=2000)
    found = diagnosed(store, y, x[:, None], put_table(store, pa.table({"x": x})), metrics=("rmse",))
    assert sum(found["residuals"]["counts"]) == sum(band["count"] for band in found["bands"]) == 2000
    assert len(found["scatter"]["true"]) == 500
    assert found["mistakes"]["rows"] == np.argsort(-np.abs(y - x))[:12].tolist()
    first = found["slices"][0]
    inside = x > float(first["value"].removeprefix("over "))
    assert np.isclose(first["score"], np.sqrt(np.square(y - x)[inside].mean()), rtol=1e-4)
    assert first["low"] < first["score"] < first["high"]
    assert found["slices_by"] == "rmse"


def test_what_a_decision_names_is_what_counts(store):
    """Confusion and mistakes are of the class that a decision names; of a fold by the weights found on the others."""
    y, p = np.array([0, 1, 0, 1]), np.array([[0.6, 0.4]] * 4)
    decision = {"weights": [0.1, 1.9], "fold_weights": [[1.0, 1.0], [0.1, 1.9]]}
    assert diagnosed(store, y, p, decision=decision)["confusion"]["counts"] == [[0, 2], [0, 2]]
    folded = diagnosed(store, y, p, decision=decision, folds=np.array([0, 0, 1, 1]))
    assert folded["confusion"]["counts"] == [[1, 1], [1, 1]]
    assert folded["mistakes"]["sure"] == [0.6, 0.4, 0.6, 0.4]  # the unlikelier truths come first


ODD = {
    "one class only": (np.zeros(40, dtype=int), drawn(40)[1]),
    "all predictions equal": (np.arange(100) % 2, np.full((100, 2), 0.5)),
    "two rows": (np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]])),
    "one row": (np.array([1]), np.array([[0.0, 1.0]])),
    "sure and wrong": (np.zeros(50, dtype=int), np.tile([0.0, 1.0], (50, 1))),
    "many classes": drawn(900, 300),
    "a constant target": (np.full(50, 7.0), np.full((50, 1), 7.0)),
    "two numbers": (np.array([1.0, 2.0]), np.array([[1.5], [1.5]])),
    "huge numbers": (np.array([1e300, -1e300, 0.0] * 20), np.zeros((60, 1))),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_predictions(name, store):
    """Undefined curves are left out, and nothing fails."""
    y, p = ODD[name]
    found = diagnosed(store, y, p, metrics=("log_loss" if p.shape[1] > 1 else "mae",))
    assert len(found["mistakes"]["rows"]) == min(12, len(y))
    if name == "one class only":
        assert found["roc"] == found["precision_recall"] == []
    if name == "many classes":
        assert found["confusion"]["counts"] is None
        assert len(found["confusion"]["pairs"]) == 20
        assert len(found["roc"]) == 8


def gaps(rows):
    """A table with gaps, nothing, one value, NaN, and words of every sort."""
    number = pa.array([np.nan if i % 3 else float(i) for i in range(rows)])
    return pa.table(
        {
            "number": number,
            "nothing": pa.nulls(rows, pa.float64()),
            "no words": pa.nulls(rows, pa.string()),
            "one": pa.array(["x"] * rows),
            "words": pa.array([None if i % 2 else f"w{i % 5}" for i in range(rows)]),
            "empty": pa.array([""] * (rows - 1) + ["y"]),
        }
    )


@pytest.mark.parametrize("rows", [2, 90])
@pytest.mark.parametrize("form", ["gaps", "texts", "pictures", "grey"])
def test_odd_inputs(rows, form, store):
    """Gaps, empty texts, pictures all black: slices and card are made, and nothing fails."""
    y, p = drawn(rows)
    x = {
        "gaps": lambda: put_table(store, gaps(rows)),
        "texts": lambda: put_texts(store, pa.chunked_array([[""] * rows])),
        "pictures": lambda: put_array(store, np.zeros((rows, 8, 8, 3), dtype=np.uint8)),
        "grey": lambda: put_array(store, np.zeros((rows, 8, 8), dtype=np.float32)),
    }[form]()
    diagnosed(store, y, p, x)
    found = values(store, "card", {"output": toy_output(2).told}, x=x, y=y)
    assert found["target"]["test"] is None
    assert sum(found["target"]["counts"]) == rows
    if form == "texts":
        assert (found["texts"]["empty"], found["texts"]["distinct"]) == (rows, 1)
    if form == "gaps":
        assert found["columns"][1] == {
            "name": "nothing", "kind": "number", "missing": 1.0, "missing_as": [], "distinct": 0,
            "low": None, "middle": None, "high": None, "edges": None, "histogram": None,
        }  # fmt: skip


def test_words_for_missing_are_on_the_card(store, tmp_path):
    """Which words counted as missing is said column by column, the most frequent first."""
    cells = ["", "n/a", "n/a", "-", *(str(i) for i in range(26))]
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{cell},{i}\n" for i, cell in enumerate(cells)))
    x = put_table(store, open_source("t.csv", tmp_path).x)
    found = values(store, "card", {"output": toy_output(2).told}, x=x, y=np.arange(30) % 2)["columns"]
    assert [(column["missing"], column["missing_as"]) for column in found] == [
        (pytest.approx(4 / 30, abs=1e-5), ["n/a", "-"]),
        (0.0, []),
    ]


def test_each_fold(store):
    """The scores of a fold are those of its rows; the first division counts; decisions are made by fold."""
    y, p = drawn(90)
    folds = np.stack([np.arange(90) % 3, 3 + np.arange(90) // 30], axis=1)
    params = {"metrics": ["log_loss"], "output": toy_output(2).told, "decisions": [None, None]}
    found = values(store, "by_fold", params, y=y, folds=folds, predictions0=p, predictions1=p[:, ::-1])
    expected = [log_loss(y[folds[:, 0] == fold], p[folds[:, 0] == fold]) for fold in range(3)]
    assert np.allclose(found["scores"][0], expected)
    assert len(found["scores"]) == 2

    weights = {"weights": [1.0, 1.0], "fold_weights": [[1.0, 1.0], [9.0, 1.0], [1.0, 9.0]]}
    params = {"metrics": ["f1_macro"], "output": toy_output(2).told, "decisions": [weights], "decision": weights}
    [by_fold] = values(store, "by_fold", params, y=y, folds=folds, predictions0=p)["scores"]
    whole = values(store, "score", params, y=y, folds=folds, predictions=p)["score"]
    assert by_fold[0] > max(by_fold[1:])
    assert min(by_fold) < whole < max(by_fold)


@pytest.mark.parametrize("metric", ["roc_auc", "neg_log_loss", "average_precision", "mcc"])
def test_a_fold_of_one_class(metric, store):
    """A score that is undefined on a fold is none there, and the others stand."""
    y, p = drawn(90)
    folds = np.arange(90) % 3
    y[folds == 0] = 0
    [found] = values(
        store,
        "by_fold",
        {"metrics": [metric], "output": toy_output(2).told, "decisions": [None]},
        y=y,
        folds=folds,
        predictions0=p,
    )["scores"]
    assert None not in found[1:]
    assert metric != "roc_auc" or found[0] is None


def test_kinds_of_columns_are_those_of_preparation(store):
    """A card says of each column what `TableColumns` makes of it."""
    rng = np.random.default_rng(3)
    rows = 300
    days = pd.date_range("2024-01-01", periods=rows)
    table = pa.table(
        {
            "number": rng.normal(size=rows),
            "whole": rng.integers(0, 5, rows),
            "truth": rng.random(rows) < 0.5,
            "town": rng.choice(["hill", "bay"], rows).tolist(),
            "code": [f"A{i:04}" for i in range(rows)],
            "title": [f"a story of {i} words and more" for i in range(rows)],
            "moment": days.to_numpy(),
            "iso": days.strftime("%Y-%m-%d").tolist(),
            "german": days.strftime("%d.%m.%Y").tolist(),
            "clock": days.strftime("%Y-%m-%dT%H:%M:%S").tolist(),
            "version": [f"{i % 40}.{i % 7}.99" for i in range(rows)],
        }
    )
    table = settle(table, "table", written=False).table
    x = put_table(store, table)
    found = values(
        store, "card", {"output": toy_output(0).told}, x=x, y=rng.normal(size=rows), test=rng.normal(size=50)
    )
    kinds = {column["name"]: column["kind"] for column in found["columns"]}
    prepared = TableColumns().fit(as_rows(table))
    assert {name for name, kind in kinds.items() if kind in ("number", "boolean")} == set(prepared.numbers_)
    assert {name for name, kind in kinds.items() if kind == "date"} == set(prepared.dates_)
    assert {name for name, kind in kinds.items() if kind == "text"} == set(prepared.topics_)
    assert kinds["truth"] == "boolean"
    german = found["columns"][list(kinds).index("german")]
    assert (german["low"], german["middle"], german["high"]) == ("2024-01-01", "2024-05-29", "2024-10-26")
    assert sum(found["target"]["test"]) == 50
    assert len(found["target"]["edges"]) == len(found["target"]["counts"]) + 1


def test_examples_are_of_every_class(store):
    """Two pictures of each class, one where classes are many, sixteen at most."""
    y = np.arange(400) % 5
    pictures = put_array(store, np.random.default_rng(0).integers(0, 255, (400, 4, 4, 3)).astype(np.uint8))
    examples = values(store, "card", {"output": toy_output(5).told}, x=pictures, y=y)["pictures"]["examples"]
    assert y[examples].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    many = values(store, "card", {"output": toy_output(40).told}, x=pictures, y=np.arange(400) % 40)["pictures"][
        "examples"
    ]
    assert len(many) == 16


@pytest.mark.parametrize("kind", list(KINDS))
def test_each_fold_of_any_output(kind, store, tmp_path):
    """The scores of a fold are those of its rows alone, whatever targets are made of."""
    problem = ingest(load(KINDS[kind].sample)(tmp_path, 0), store, seed=0, folder=tmp_path).problem
    metric = problem.metrics[0].name
    y, folds = get_values(store, problem.train.y), first_division(store, problem.folds)
    output = output_told(problem.output.told, problem.output.labels)
    whole = output.prior(y, None)
    p = take(whole, np.zeros(len(y), dtype=np.int64))
    params = {**problem.measuring(1), "decisions": [None]}
    inputs = {"y": problem.train.y, "folds": problem.folds, "predictions0": put_values(store, p)}
    [scores] = values(store, "by_fold", params, **inputs)["scores"]
    parts = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    assert scores == pytest.approx([output.metric(metric).score(take(y, rows), take(p, rows)) for rows in parts])
