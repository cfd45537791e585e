"""Results as bytes: whole, or refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from concours import Contest, Entrant, Result, Split, Task, predict
from concours.core.archive import unzipped, zipped
from concours.core.errors import ContentRefused, RunFolderError
from concours.runs.packing import packed, unpacked, unpacked_into


@pytest.fixture(scope="module")
def result(tmp_path_factory) -> Result:
    out = tmp_path_factory.mktemp("packing") / "run"
    tree = Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 2})
    task = Task(kind="tabular-classification", data="sklearn:iris", split=Split(test=0.3, folds=2))
    Contest(task=task, entrants=(tree,), lineup="none", engine="inline", out=out, cooperate=()).run()
    return Result.load(out)


def test_a_model_with_rows_predicts_elsewhere(result: Result) -> None:
    """The same, without the folder that it came from."""
    again = unpacked(packed(result, "tree", rows=True))
    rows = np.array([[5.0, 3.4, 1.5, 0.2], [6.0, 3.0, 5.0, 2.0]])
    frame = pd.DataFrame(
        rows, columns=["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
    )
    assert np.array_equal(
        predict(again, frame, model="tree", proba=True), predict(result, frame, model="tree", proba=True)
    )


@pytest.mark.parametrize("name", ["../evil", "/etc/x", "objects/sha256:00", "notes.txt", "store/x"])
def test_what_is_no_file_of_a_run_is_refused(result: Result, name: str, tmp_path) -> None:
    """Names that lead elsewhere, objects that are not what their name says; nothing is written for them."""
    files = unzipped(packed(result, rows=True)) | {name: b"x"}
    with pytest.raises(ContentRefused):
        unpacked_into(tmp_path, zipped(files))
    assert not (tmp_path.parent / "evil").exists() and not (tmp_path / "notes.txt").exists()


def test_rubbish_is_refused(tmp_path) -> None:
    """Be it no archive or an empty one."""
    with pytest.raises(ContentRefused):
        unpacked_into(tmp_path, b"rubbish")
    with pytest.raises(RunFolderError):
        unpacked_into(tmp_path, zipped({}))
