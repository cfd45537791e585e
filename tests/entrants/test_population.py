"""Networks trained by a schedule: as estimators, and what is wrong with a schedule in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss

from concours.entrants.population import Members, ScheduledClassifier, ScheduledRegressor, read_schedule


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """The promises are for a fixed number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


SCHEDULE = [{"epochs": 2, "learning_rate": 5e-3}, {"epochs": 1, "learning_rate": 1e-3, "dropout": 0.1}]


@pytest.mark.parametrize("kind", [ScheduledClassifier, ScheduledRegressor])
def test_it_comes_back_from_its_tensors(kind: type) -> None:
    """Fitted twice it is the same to the byte, and what is set from tensors and JSON predicts the same bytes."""
    x, y = load_digits(return_X_y=True)
    x, y = x[:200].reshape(-1, 8, 8), y[:200]
    first, second = (kind(hidden=[12], schedule=SCHEDULE, random_state=4).fit(x, y) for _ in range(2))
    said = first.predict_proba if kind is ScheduledClassifier else first.predict
    third = kind(hidden=[12], schedule=SCHEDULE).set_tensors(
        first.get_tensors(), json.loads(json.dumps(first.get_state()))
    )
    for other in (second, third):
        np.testing.assert_array_equal(getattr(other, said.__name__)(x), said(x))
    assert len(first.history_.train_loss) == 3
    assert first.history_.learning_rate == (5e-3, 5e-3, 1e-3)


def test_the_usual_schedule_learns() -> None:
    """Without a schedule it does well on digits."""
    x, y = load_digits(return_X_y=True)
    network = ScheduledClassifier(random_state=0).fit(x[:700], y[:700])
    assert log_loss(y[700:1100], network.predict_proba(x[700:1100])) < 0.35
    assert (network.predict(x[700:1100]) == y[700:1100]).mean() > 0.9


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ([], "schedule must have an interval"),
        (
            [{"epochs": 0, "learning_rate": 0.1}],
            "interval 1 of the schedule: epochs must be a whole number from 1; got 0",
        ),
        ([{"epochs": 1}], "interval 1 of the schedule has no learning_rate; got epochs"),
        ([*SCHEDULE, {"learning_rate": -1.0}], "interval 3 of the schedule: learning_rate must be above 0; got -1.0"),
        ([{"learning_rate": 0.1, "speed": 1}], "interval 1 of the schedule: hyperparameters are .*; got 'speed'"),
    ],
)
def test_a_wrong_schedule_is_told(schedule: list[dict[str, Any]], says: str) -> None:
    """Which interval, and what is wrong with it."""
    with pytest.raises(ValueError, match=says):
        read_schedule(schedule)


def test_members_of_another_form_are_told() -> None:
    """What was kept of one form does not go on as another."""
    x, y = np.random.default_rng(0).normal(size=(20, 3)), np.resize([0, 1], 20)
    kept = Members.of({"hidden": [4]}, x, y, 2, [1, 2], None).files()
    with pytest.raises(ValueError, match="the members kept have 26 numbers each; this form has 32"):
        Members.of({"hidden": [5]}, x, y, 2, [1, 2], kept)


def test_training_that_runs_away_is_told() -> None:
    """A loss that is not finite names what to do."""
    x, y = np.random.default_rng(0).normal(size=(64, 3)), np.resize([0, 1], 64)
    with pytest.raises(ValueError, match="lower learning_rate in the schedule"):
        ScheduledClassifier(schedule=[{"epochs": 2, "learning_rate": 1e38}]).fit(x, y)
