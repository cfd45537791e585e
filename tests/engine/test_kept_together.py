"""Contests split by group or by time: every fit is told which rows are kin, and who sets rows apart one by one is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from concours import Contest, Entrant, Split, Task
from concours.entrants import fitting

ROWS = 120


def table():
    """Visits of thirty people on consecutive days."""
    rng = np.random.default_rng(4)
    person = rng.integers(30, size=ROWS)
    frame = pd.DataFrame(
        {"person": [f"p{one}" for one in person], "day": np.arange(ROWS), "dose": rng.normal(size=ROWS)}
    )
    return frame.assign(again=np.where(rng.normal(size=ROWS) + frame.dose > 0, "yes", "no"))


@pytest.fixture
def held(monkeypatch, tmp_path):
    """Holds a contest on the table by a split; the result, and what each fit was told of kin, with its number of rows."""
    told, learn = [], fitting.learn

    def watched(estimator, x, y, *, kin, **further):
        told.append((type(estimator).__name__, kin, len(y)))
        return learn(estimator, x, y, kin=kin, **further)

    monkeypatch.setattr(fitting, "learn", watched)
    table().to_csv(tmp_path / "visits.csv", index=False)

    def hold(split, drop=()):
        task = Task(kind="tabular-classification", data=tmp_path / "visits.csv", target="again", split=split, drop=drop)
        stopping = {"early_stopping": True, "max_iter": 500, "hidden_layer_sizes": [2]}
        entrants = [
            Entrant("boosting", "boosting"),
            Entrant("mlp", "sklearn.neural_network:MLPClassifier", stopping, prepare="matrix"),
        ]
        contest = Contest(task=task, entrants=entrants, engine="inline", cooperate=[], out=tmp_path / "run")
        return contest.run(), [each for each in told if each[0] != "DummyClassifier"]

    return hold


@pytest.mark.parametrize("in_time", [False, True])
def test_fits_are_told_which_rows_are_kin(held, in_time):
    """Each fit has the groups of its own rows, or stretches of time in their order; the note stands with who needs it."""
    split = Split(test=0.3, folds=3, time="day") if in_time else Split(test=0.3, folds=3, group="person")
    result, told = held(split, ("person",) if in_time else ("day",))
    assert len(told) >= 6
    for _, kin, rows in told:
        assert kin.in_time == in_time
        assert len(kin.groups) == rows
        assert 2 < len(np.unique(kin.groups)) < rows
    notes = {line.entrant.name: line.note for line in result.standings}
    assert "by early_stopping it sets rows apart one by one" in notes["mlp"]
    assert not notes["boosting"]


def test_rows_that_stand_alone_have_no_kin(held):
    """Nor is anybody named."""
    result, told = held(Split(test=0.3, folds=3), ("day", "person"))
    assert told and all(kin is None for _, kin, _ in told)
    assert not any(line.note for line in result.standings)
