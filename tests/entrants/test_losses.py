"""Losses by name: each beside what it is by its formula, row by row, and what a network of one's own is trained by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from concours.entrants.losses import OF_CLASSES, OF_NUMBERS  # noqa: E402
from concours.entrants.recipes import build  # noqa: E402

RANDOM = np.random.default_rng(0)


def of_class(name: str, logits: np.ndarray, code: int) -> float:
    shares = np.exp(logits) / np.exp(logits).sum()
    if name == "cross_entropy":
        return float(-np.log(shares[code]))
    if name == "squared_error":
        return float(((shares - np.eye(len(logits))[code]) ** 2).sum())
    return max(0.0, 1 + max(value for place, value in enumerate(logits) if place != code) - logits[code])


def of_number(name: str, said: float, value: float) -> float:
    off = abs(said - value)
    return {"squared_error": off**2, "absolute_error": off, "huber": off**2 / 2 if off <= 1 else off - 0.5}[name]


@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("name", OF_CLASSES)
def test_losses_of_classes(name: str, weighed: bool) -> None:
    """Means over rows; with weights, sums of what each weighs over the number of rows."""
    logits, codes = RANDOM.normal(size=(20, 4)) * 2, RANDOM.integers(0, 4, 20)
    weights = RANDOM.random(20) if weighed else np.ones(20)
    told = (torch.tensor(weights),) if weighed else ()
    by_hand = np.mean([w * of_class(name, row, code) for row, code, w in zip(logits, codes, weights, strict=True)])
    assert float(OF_CLASSES[name](torch.tensor(logits), torch.tensor(codes), *told)) == pytest.approx(by_hand)


@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("name", OF_NUMBERS)
def test_losses_of_numbers(name: str, weighed: bool) -> None:
    said, values = RANDOM.normal(size=(20, 1)) * 2, RANDOM.normal(size=20)
    weights = RANDOM.random(20) if weighed else np.ones(20)
    told = (torch.tensor(weights),) if weighed else ()
    by_hand = np.mean([w * of_number(name, a, b) for (a,), b, w in zip(said, values, weights, strict=True)])
    assert float(OF_NUMBERS[name](torch.tensor(said), torch.tensor(values), *told)) == pytest.approx(by_hand)


LINE = """
from torch import nn

def line(outputs=1):
    return nn.Linear(1, outputs)
"""


def line(tmp_path: Path, classes: int, **params: Any) -> Any:
    told = {"epochs": 400, "batch_size": 64, "learning_rate": 0.05, "validation_share": 0.0, "weight_decay": 0.0}
    return build("line.py:line", {**told, **params}, {"line.py": LINE}, tmp_path, seed=0, classes=classes)


def test_a_network_is_trained_by_the_loss_that_it_is_given(tmp_path: Path) -> None:
    """Squared errors lead to the mean of what is skewed, absolute ones to its median."""
    y = np.array([0.0] * 70 + [10.0] * 30)
    X = np.zeros((100, 1), dtype=np.float32)
    for name, wanted in (("squared_error", 3.0), ("absolute_error", 0.0)):
        found = line(tmp_path, 0, loss=name).fit(X, y).predict(X)
        assert abs(found.mean() - wanted) < 0.4, name


@pytest.mark.parametrize("optimiser", ["sgd", "rmsprop", "adam", "adamw"])
def test_every_optimiser_and_loss_of_classes_trains(tmp_path: Path, optimiser: str) -> None:
    """By the parameters of the entrant alone, momentum and schedule among them."""
    X = np.linspace(-1, 1, 80, dtype=np.float32)[:, None]
    y = (X[:, 0] > 0).astype(int)
    for loss in OF_CLASSES:
        params = {
            "loss": loss,
            "optimiser": optimiser,
            "momentum": 0.5,
            "schedule": "constant",
            "epochs": 30,
            "outputs": 2,
        }
        assert line(tmp_path, 2, **params).fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize(("classes", "loss"), [(2, "huber"), (0, "hinge"), (2, "mse")])
def test_a_loss_that_is_not_known_here(tmp_path: Path, classes: int, loss: str) -> None:
    """A loss of numbers is none of classes; known ones are named."""
    with pytest.raises(ValueError, match=f"loss is not known here; got '{loss}'; .*squared_error"):
        line(tmp_path, classes, loss=loss, outputs=max(classes, 1)).fit(
            np.ones((4, 1), np.float32), np.array([0, 1, 0, 1])
        )
