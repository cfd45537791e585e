"""Several targets at once: refused, with the lines to write instead."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from concours import ConcoursError, Contest, Task
from concours.engine.ingest import ingest
from concours.stores.memory import MemoryStore


@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", "c", "d"]])
def test_names_of_columns(tmp_path, names):
    """A list of columns, in a contest file or in Python, is answered with a contest for each, the others left out."""
    file = tmp_path / "several.toml"
    listed = ", ".join(f'"{name}"' for name in names)
    file.write_text(f'[task]\nkind = "tabular-regression"\ndata = "t.csv"\ntarget = [{listed}]\n')
    frame = pd.DataFrame({name: np.arange(30.0) for name in [*names, "x"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    listed = [
        Task(kind="tabular-regression", data="t.csv", target=names),
        Task(kind="tabular-regression", data=frame, target=tuple(names)),
    ]
    for made in (
        lambda: Contest.from_file(file),
        *(partial(ingest, task, MemoryStore(), seed=0, folder=tmp_path) for task in listed),
    ):
        with pytest.raises(ConcoursError, match="hold a contest for each") as error:
            made()
        others = ", ".join(f'"{name}"' for name in names[1:])
        assert f'target = "a", drop = [{others}]' in str(error.value)
        assert "\n" not in str(error.value)


def test_columns_of_targets():
    """Targets (rows, several) are refused too; a list of values is no list of columns."""
    X = np.random.default_rng(0).normal(size=(40, 3))
    task = Task(kind="tabular-regression", data=X, target=np.ones((40, 2)))
    with pytest.raises(ConcoursError, match="one value a row.*several targets at once"):
        ingest(task, MemoryStore(), seed=0, folder=Path())
    words = ["yes", "no"] * 20
    found = ingest(Task(kind="tabular-classification", data=X, target=words), MemoryStore(), seed=0, folder=Path())
    assert found.problem.output.labels == ("no", "yes")
