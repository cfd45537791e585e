"""Ingesting: the columns that say where rows belong, ids, the positive class, and what is public."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from concours.commons.blobs import get_array, get_table
from concours.commons.memory import MemoryStore
from concours.core.errors import ConcoursError
from concours.core.problem import Problem
from concours.engine.ingest import ingest
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


def test_groups_are_kept_where_rows_have_any(tmp_path):
    """Each part knows which of its rows belong together; a split without groups has the digest that it always had."""
    found, store = ingested(tmp_path, split=Split(test=0.25, folds=3, group="who"))
    for part in (found.problem.train, found.problem.test):
        groups, who = get_array(store, part.groups), get_array(store, part.ids) // 4
        assert set(groups) == set(range(len(set(who))))
        assert len(set(zip(groups, who, strict=True))) == len(set(who))
    assert Problem.from_json(found.problem.to_json()) == found.problem
    alone, _ = ingested(tmp_path, split=Split(test=0.25, folds=3))
    assert "groups" not in str(alone.problem.to_json())
    apart, kept = ingested(tmp_path, FRAME.iloc[:60], test=FRAME.iloc[60:], split=Split(folds=3, group="who"))
    groups = get_array(kept, apart.problem.test.groups)
    assert len(set(zip(groups, np.arange(20) // 4, strict=True))) == len(set(groups)) == 5


def test_without_ids_rows_are_known_by_position(tmp_path):
    """Positions in the data as it was read, from 0."""
    found, store = ingested(tmp_path, id=None, drop=("key",))
    assert found.test_ids.to_pylist() == get_array(store, found.problem.test.ids).tolist()


def test_the_positive_class_is_the_last(tmp_path):
    """So metrics of two classes look for the one that was named; codes follow."""
    usual, _ = ingested(tmp_path)
    found, store = ingested(tmp_path, positive="no")
    assert (usual.problem.classes, found.problem.classes) == (("no", "yes"), ("yes", "no"))
    y = FRAME["y"].to_numpy()[get_array(store, found.problem.train.ids)]
    assert (np.array(found.problem.classes)[get_array(store, found.problem.train.y)] == y).all()


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
