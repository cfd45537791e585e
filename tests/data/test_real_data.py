"""Contests on real tables, as a new user would write them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from concours import Contest, Result
from concours.runs.predict import predict

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data"))


def data_file(name: str) -> Path:
    """A file of the data folder; a test that wants one that is not there is skipped, by name."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no {name} in the data folder")
    return path.resolve()


def held(folder: Path, contest: str) -> Result:
    (folder / "contest.toml").write_text(contest)
    return Contest.from_file(folder / "contest.toml").with_options(out=folder / "run").run()


@pytest.mark.slow
def test_titanic(tmp_path):
    """Mixed types, names, tickets and gaps: everybody beats the baseline beyond doubt, and new passengers are predicted."""
    path = data_file("tab-titanic/titanic-train.csv")
    result = held(
        tmp_path,
        f"""
        [task]
        kind = "tabular-classification"
        data = "{path}"
        target = "Survived"
        drop = ["PassengerId"]
        [[entrant]]
        recipe = "logistic"
        [[entrant]]
        recipe = "forest"
        [[entrant]]
        recipe = "boosting"
        [[entrant]]
        name = "svm"
        recipe = "sklearn.svm:SVC"
        """,
    )
    board = {line.entrant.name: line for line in result.standings}
    assert {line.status for line in board.values()} == {"ok"}
    assert board["greedy"].ci[1] < board["dummy"].ci[0]
    assert board["greedy"].metrics["accuracy"] > 0.75
    best = min(board[name].cv_score.score for name in ("logistic", "forest", "boosting", "svm"))
    assert board["greedy"].cv_score.score < best
    rows = pd.read_csv(path).drop(columns="Survived").sample(30, random_state=0)
    rows.to_csv(tmp_path / "new.csv", index=False)
    assert set(predict(result, tmp_path / "new.csv")) == {"0", "1"}
    assert json.loads((tmp_path / "run" / "result.json").read_text())["task"]["rows"] == 891


def test_wine_quality(tmp_path):
    """A table without a header: columns are called by their numbers, and the target is one of them."""
    path = data_file("tab-wine-quality/winequality-red.csv")
    result = held(
        tmp_path,
        f"""
        [task]
        kind = "tabular-regression"
        data = "{path}"
        target = 11
        metrics = ["rmse", "r2", "neg_mean_absolute_error"]
        [[entrant]]
        recipe = "ridge"
        [[entrant]]
        recipe = "forest"
        [[entrant]]
        recipe = "knn"
        """,
    )
    board = {line.entrant.name: line for line in result.standings}
    assert {line.status for line in board.values()} == {"ok"}
    assert board[result.default].score < 0.62
    assert (
        board["greedy"].cv_score.score <= min(board[name].cv_score.score for name in ("ridge", "forest", "knn")) + 1e-3
    )
    assert set(board["forest"].metrics) == {"rmse", "r2", "neg_mean_absolute_error"}


def test_transformer(tmp_path):
    """A day of oil temperatures, hour by hour, from seven columns: all beat the day before, and tomorrow is forecast."""
    path = data_file("ett-h1/ETTh1.csv.gz")
    result = held(
        tmp_path,
        f"""
        [task]
        kind = "forecasting"
        data = "{path}"
        target = "OT"
        split = {{ folds = 3 }}
        options = {{ horizon = 24, context = 48, step = 55 }}
        [cooperate]
        strategies = ["average", "greedy"]
        [[entrant]]
        recipe = "ridge"
        [[entrant]]
        recipe = "boosting"
        params = {{ max_iter = 25 }}
        """,
    )
    board = {line.entrant.name: line for line in result.standings}
    assert {line.status for line in board.values()} == {"ok"}
    assert all(board[name].score < 0.85 * board["seasonal-naive"].score for name in ("ridge", "boosting", "greedy"))
    assert 0.6 < board["greedy"].metrics["coverage"] < 1
    said = predict(result, pd.read_csv(path).tail(48))
    assert said.shape == (1, 24, 9)
    assert -10 < said.min() < said.max() < 50
