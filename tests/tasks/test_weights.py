"""Weights of rows as they are read: taken from the inputs, checked, never asked of new rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from concours import Split, Task
from concours.core.errors import ConcoursError, DataError
from concours.engine.ingest import ingest
from concours.stores.blobs import get_array, get_table
from concours.stores.memory import MemoryStore
from concours.tasks.weights import weights_apart

ROWS = 60
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "size": RNG.normal(size=ROWS).round(3),
        "w": RNG.integers(0, 4, ROWS) + 0.5,
        "kind": np.where(np.arange(ROWS) % 3, "oak", "elm"),
    }
)


def task(**more):
    return Task(kind="tabular-classification", target="kind", split=Split(test=0.3, folds=3), **more)


def ingested(folder, task, frame=FRAME):
    frame.to_csv(folder / "t.csv", index=False)
    store = MemoryStore()
    return store, ingest(task, store, seed=0, folder=folder).problem


def test_each_part_has_the_weights_of_its_rows(tmp_path):
    """The column is no input; the weights of a part are those of its rows, whichever rows it has."""
    store, problem = ingested(tmp_path, task(data="t.csv", weight="w"))
    for part in (problem.train, problem.test):
        rows = get_array(store, part.ids)
        assert get_table(store, part.x).column_names == ["size"]
        assert get_array(store, part.weights).tolist() == FRAME["w"].to_numpy()[rows].tolist()


def test_a_test_file_brings_its_own(tmp_path):
    """A test part that is a file of its own needs the column too; an array of weights cannot speak for it."""
    FRAME.iloc[:20].assign(w=np.arange(20.0)).to_csv(tmp_path / "new.csv", index=False)
    apart = Split(folds=3)
    weighted = Task(kind="tabular-classification", target="kind", split=apart, data="t.csv", test="new.csv", weight="w")
    store, problem = ingested(tmp_path, weighted)
    assert get_array(store, problem.test.weights).tolist() == list(range(20))
    FRAME.iloc[:20][["size", "kind"]].to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(ConcoursError, match=r"new\.csv has no column 'w'"):
        ingested(tmp_path, weighted)


@pytest.mark.parametrize(
    ("cell", "said"),
    [("", "missing"), ("-0.5", "is -0.5 in 1 of 60 rows, first in row 8"), ("n/a", "missing"), ("inf", "row 8")],
)
def test_a_bad_cell_is_named(cell, said, tmp_path):
    """One line: the column, the row, what was expected."""
    frame = FRAME.astype({"w": "object"})
    frame.loc[7, "w"] = cell
    with pytest.raises(DataError, match=said) as error:
        ingested(tmp_path, task(data="t.csv", weight="w"), frame)
    assert "'w'" in str(error.value)
    assert "finite numbers of at least 0" in str(error.value)


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_weights_that_say_nothing(value, tmp_path):
    """All zero is refused; all alike is no weight, and said."""
    if not value:
        with pytest.raises(DataError, match="0 in every row"):
            weights_apart(pa.table({"w": [0.0] * 5}), "w", "t")
        return
    _, weights, said = weights_apart(pa.table({"w": [value] * 5}), "w", "t")
    assert weights is None
    assert "all rows count alike" in said[0]


@pytest.mark.parametrize("given", [np.ones(3), np.ones((5, 2)), ["a"] * 5, np.array([1, np.nan, 1, 1, 1])])
def test_arrays_are_checked(given):
    """Weights given apart must be one finite number a row."""
    with pytest.raises(DataError, match="weight"):
        weights_apart(pa.table({"x": range(5)}), given, "rows")
