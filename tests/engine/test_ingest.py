"""Ingesting: the columns that say where rows belong, ids, the positive class, and what is public."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from concours.compete.scale import Scale
from concours.core.errors import ConcoursError
from concours.core.problem import Problem
from concours.engine.ingest import ingest
from concours.stores.blobs import get_array, get_table
from concours.stores.memory import MemoryStore
from concours.tasks.task import Split, Task

FRAME = pd.DataFrame(
    {
        "key": [f"k{i}" for i in range(80)],
        "who": [i // 4 for i in range(80)],
        "a": np.random.default_rng(0).normal(size=80),
        "y": ["yes" if i % 3 else "no" for i in range(80)],
    }
)


def ingested(tmp_path, frame=FRAME, **options):
    """What comes of a table with an id and a group, and the store it lies in."""
    store = MemoryStore()
    fields = {"kind": "tabular-classification", "data": frame, "target": "y", "id": "key"} | options
    return ingest(Task(**fields), store, seed=0, folder=tmp_path), store


def test_ids_and_groups_are_no_inputs(tmp_path):
    """Models get neither; the test part's rows are known by their ids, and groups are whole."""
    found, store = ingested(tmp_path, split=Split(test=0.25, folds=3, group="who"))
    assert get_table(store, found.problem.train.x).column_names == ["a"]
    positions = get_array(store, found.problem.test.ids)
    assert found.test_ids.to_pylist() == [f"k{i}" for i in positions]
    assert found.rows == 80
    assert not set(positions // 4) & set(get_array(store, found.problem.train.ids) // 4)


def _silent(part):
    return replace(part, observations=None, observed="")


def test_groups_are_kept_where_rows_have_any(tmp_path):
    """Each part knows which of its rows belong together; a split without groups has the digest that it always had."""
    found, store = ingested(tmp_path, split=Split(test=0.25, folds=3, group="who"))
    for part in (found.problem.train, found.problem.test):
        groups, who = get_array(store, part.groups), get_array(store, part.ids) // 4
        assert set(groups) == set(range(len(set(who))))
        assert len(set(zip(groups, who, strict=True))) == len(set(who))
        assert (part.observations, part.observed) == (len(set(who)), "value of 'who'")
    assert Problem.from_json(found.problem.to_json()) == found.problem
    untold = replace(found.problem, train=_silent(found.problem.train), test=_silent(found.problem.test))
    assert untold.digest == found.problem.digest, "a contest of before they were counted is the same contest"
    alone, _ = ingested(tmp_path, split=Split(test=0.25, folds=3))
    assert "groups" not in str(alone.problem.to_json())
    apart, kept = ingested(tmp_path, FRAME.iloc[:60], test=FRAME.iloc[60:], split=Split(folds=3, group="who"))
    groups = get_array(kept, apart.problem.test.groups)
    assert len(set(zip(groups, np.arange(20) // 4, strict=True))) == len(set(groups)) == 5


def test_few_units_make_few_folds_and_are_what_is_counted(tmp_path):
    """Eight machines, two of which judge: six folds, where nobody has said how many, and two observations."""
    rows = [(unit, cycle, cycle / 20 + unit) for unit in range(8) for cycle in range(1, 21)]
    data = pd.DataFrame(rows, columns=["unit", "cycle", "heat"])
    asked = Task(
        kind="remaining-useful-life",
        data=data,
        id="unit",
        split=Split(test=0.25),
        options={"time": "cycle", "window": 5},
    )
    problem = ingest(asked, MemoryStore(), seed=0, folder=tmp_path).problem
    assert problem.n_folds == 6
    assert (problem.test.observations, problem.test.observed) == (2, "value of 'unit'")
    with pytest.raises(ConcoursError, match="6 groups .unit. to fit on are too few for 8 folds"):
        ingest(replace(asked, split=Split(test=0.25, folds=8)), MemoryStore(), seed=0, folder=tmp_path)


def test_without_ids_rows_are_known_by_position(tmp_path):
    """Positions in the data as it was read, from 0."""
    found, store = ingested(tmp_path, id=None, drop=("key",))
    assert found.test_ids.to_pylist() == get_array(store, found.problem.test.ids).tolist()


def test_the_positive_class_is_the_last(tmp_path):
    """So metrics of two classes look for the one that was named; codes follow."""
    usual, _ = ingested(tmp_path)
    found, store = ingested(tmp_path, positive="no")
    assert (usual.problem.output.labels, found.problem.output.labels) == (("no", "yes"), ("yes", "no"))
    y = FRAME["y"].to_numpy()[get_array(store, found.problem.train.ids)]
    assert (np.array(found.problem.output.labels)[get_array(store, found.problem.train.y)] == y).all()


def test_public_rows_stay_as_rows_are_added(tmp_path):
    """Which rows are public follows from their ids alone."""
    split = Split(test=0.5, public=0.4)
    few, first = ingested(tmp_path, FRAME.iloc[:60], split=split)
    many, second = ingested(tmp_path, split=split)
    shown = dict(zip(few.test_ids.to_pylist(), get_array(first, few.problem.public).tolist(), strict=True))
    later = dict(zip(many.test_ids.to_pylist(), get_array(second, many.problem.public).tolist(), strict=True))
    common = shown.keys() & later.keys()
    assert len(common) > 5
    assert all(shown[key] == later[key] for key in common)
    assert {True, False} == set(later.values())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"positive": "yess"}, "did you mean 'yes'"),
        ({"id": "who"}, "is the id of 4 rows"),
        ({"id": "kye"}, "did you mean 'key'"),
        ({"metrics": ("f1", "roc_auc_ovo", "roc")}, "unknown metric 'roc'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, options, words):
    """One line with the nearest right name."""
    with pytest.raises(ConcoursError) as error:
        ingested(tmp_path, **options)
    assert words in str(error.value)


def leaking(rows: int = 400) -> pd.DataFrame:
    """A table in which `late` tells the target, and `near` does so nearly."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, rows)
    wrong = rng.random(rows) < 0.15
    return pd.DataFrame({"a": rng.normal(size=rows), "late": y * 10 + 3, "near": np.where(wrong, 1 - y, y), "y": y})


def warned(task: Task) -> str:
    return " ".join(ingest(task, MemoryStore(), seed=0, folder=Path()).warnings)


def test_leaks_are_warned_of():
    """A run warns of a column that alone predicts the target, with the line to leave it out; not of one left out."""
    task = Task(kind="tabular-classification", data=leaking(), target="y")
    text = warned(task)
    assert "'late' alone predicts the target almost perfectly (right in 100% of rows)" in text
    assert 'drop = ["late"]' in text
    assert "near" not in text
    assert "alone predicts" not in warned(replace(task, drop=("late",)))
    frame = leaking().assign(y=lambda f: f["a"] * 2, late=lambda f: f["a"] ** 3)
    told = warned(Task(kind="tabular-regression", data=frame.drop(columns="a"), target="y"))
    assert "'late' alone predicts the target almost perfectly (R² " in told


@pytest.mark.parametrize("apart", ["id", "drop"])
def test_rows_that_ids_tell_apart_are_no_duplicates(apart):
    """Equal inputs of different ids are different rows; without any such column they are warned of."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"who": [f"p{i}" for i in range(200)], "a": np.arange(200) // 2, "y": rng.integers(0, 2, 200)})
    task = Task(kind="tabular-classification", data=frame, target="y")
    keys = {"id": "who"} if apart == "id" else {"drop": ("who",)}
    assert "have the inputs" not in warned(replace(task, **keys))
    assert "have the inputs" in warned(replace(task, data=frame.drop(columns="who")))
    test = frame.assign(who=[f"q{i}" for i in range(200)])
    assert "have the inputs" not in warned(replace(task, test=test, **keys))
    assert "200 of 200 rows that judge have the inputs" in warned(replace(task, test=frame, drop=("who",)))


@pytest.mark.parametrize("apart", [False, True])
def test_rows_that_follow_in_time_are_judged_by_blocks(apart):
    """Blocks are stretches of time of one part, about as many as each has rows, and it is said."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"t": rng.permutation(400), "a": rng.normal(size=400), "y": rng.normal(size=400)})
    test = frame.assign(t=frame["t"] + 400)[:100] if apart else None
    task = Task(kind="tabular-regression", data=frame, target="y", test=test, split=Split(time="t", test=0.25))
    store = MemoryStore()
    found = ingest(task, store, seed=0, folder=Path())
    part = found.problem.test
    groups, moments = get_array(store, part.groups), get_table(store, part.x)["t"].to_numpy()
    assert np.bincount(groups).tolist() == [10] * 10
    assert (np.diff(groups[np.argsort(moments)]) >= 0).all()
    assert len(np.unique(get_array(store, found.problem.train.groups))) in (17, 18, 20)
    assert any("intervals count 10 blocks of time" in text for text in found.warnings)


def test_a_scale_says_how_many_folds_and_rows_there_are(tmp_path):
    """The test part stays whole; of the rest about so many rows are fitted on, of each class its share, and that
    is said. The scale is asked with the size of the training part, once.
    """
    asked = []

    def scaled(size, folds, judging):
        asked.append((size.rows, size.columns, size.width, folds, judging))
        return Scale(effort=0.1, folds=3, rows=30)

    store = MemoryStore()
    task = Task(kind="tabular-classification", data=FRAME, target="y", id="key", split=Split(test=0.25))
    whole = ingest(task, store, seed=0, folder=tmp_path)
    few = ingest(task, store, seed=0, folder=tmp_path, scaled=scaled)
    assert len(asked) == 1
    assert asked[0][:1] + asked[0][2:] == (60, 2, 8, 20)
    assert few.problem.test == whole.problem.test
    assert (few.problem.n_folds, few.problem.train.rows) == (3, pytest.approx(30, abs=1))
    codes = get_array(store, few.problem.train.y)
    assert abs(np.mean(codes) - np.mean(get_array(store, whole.problem.train.y))) < 0.05
    assert set(np.bincount(get_array(store, few.problem.folds))) <= {8, 9, 10, 11, 12}
    said = [text for text in few.warnings if "rows are fitted on" in text]
    assert said == [f"{few.problem.train.rows} of 60 rows are fitted on: the budget is short; more seconds, more rows"]
