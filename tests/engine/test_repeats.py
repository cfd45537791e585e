"""Repeated division into folds: each row is predicted once a division, by models that did not see it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.naive_bayes import GaussianNB

from concours import Contest, Entrant, Result, Split, Task
from concours.engine.journal import read_journal
from concours.engine.rows import get_rows
from concours.entrants.preparation import PREPARATIONS
from concours.runs.predict import predict
from concours.stores.blobs import get_array

FOLDS, REPEATS = 3, 2
BAYES = Entrant("bayes", "sklearn.naive_bayes:GaussianNB")
TREE = Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 3})


def iris(out: Path, *entrants: Entrant) -> Contest:
    split = Split(test=0.3, folds=FOLDS, repeats=REPEATS)
    task = Task(kind="tabular-classification", data="sklearn:iris", split=split)
    return Contest(task=task, entrants=entrants or [BAYES, TREE], lineup="none", engine="inline", out=out)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return iris(tmp_path_factory.mktemp("repeats") / "run").run()


def test_predictions_are_averaged_over_divisions(result: Result) -> None:
    """What was fitted by hand on the rows outside a row's folds predicts it alike, on average."""
    store, problem = result.folder.store, result.setup.problem
    x, y, folds = get_rows(store, problem.train.x), get_array(store, problem.train.y), get_array(store, problem.folds)
    assert folds.shape == (105, REPEATS)
    expected = np.zeros((105, 3))
    for fold in range(FOLDS * REPEATS):
        apart = (folds == fold).any(axis=1)
        matrix = PREPARATIONS["matrix"]().fit(x[~apart])
        model = GaussianNB().fit(matrix.transform(x[~apart]), y[~apart])
        expected[apart] += model.predict_proba(matrix.transform(x[apart])) / REPEATS
    gathers = [
        record.event.outputs["oof"]
        for record in read_journal(result.folder.journal)[0]
        if "oof" in getattr(record.event, "outputs", {})
    ]
    assert any(np.allclose(get_array(store, digest), expected, atol=1e-6) for digest in gathers)


def test_there_is_a_model_a_fold_of_each_division(result: Result) -> None:
    """The bag on the board has them all, and alliances are cross-fitted by the first division."""
    assert len(result.candidates["bayes"].models) == FOLDS * REPEATS
    for strategy in ("greedy", "stack"):
        assert len(result.candidates[strategy].entrant.joint.fold_weights) == FOLDS
    frame = pd.DataFrame(np.full((2, 4), 2.0), columns=_names(result))
    assert np.allclose(predict(result, frame, proba=True).sum(axis=1), 1)


def test_a_second_session_gives_the_same(result: Result, tmp_path: Path) -> None:
    """The same digest anew, and in a folder where an earlier session knew one entrant only."""
    iris(tmp_path / "run", BAYES).run()
    assert iris(tmp_path / "run").run().digest == result.digest


def _names(result: Result) -> list[str]:
    return list(get_rows(result.folder.store, result.setup.problem.train.x).columns)
