"""Attacks keep within their box, are as strong as theory says, and tell hidden gradients from robustness."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from torch import Tensor, nn

from concours.entrants.adversaries import Pressure, harden, model_scores, network_scores
from concours.entrants.attacks import ATTACKS, attack, box, fgsm, margins, pgd, right, slope, square
from concours.entrants.fitting import Fitted, fit
from concours.entrants.neural import DenseClassifier

SETTINGS: dict[str, dict[str, Any]] = {"fgsm": {}, "pgd": {"steps": 4, "restarts": 2}, "square": {"queries": 30}}


def chance(seed: int = 0) -> torch.Generator:
    """Random numbers."""
    return torch.Generator().manual_seed(seed)


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Pictures of 8 × 8 pixels from 0 to 16, and what they show."""
    x, y = load_digits(return_X_y=True)
    return x.reshape(-1, 8, 8, 1).astype(np.float32)[:900], y[:900].astype(np.int64)


def fitted() -> Fitted:
    """A network that knows six hundred digits."""
    x, y = digits()
    return fit(DenseClassifier(hidden=[64], epochs=12, random_state=0), x[:600], y[:600], 10, calibrate=False)


def unseen() -> tuple[np.ndarray, Tensor]:
    """Digits that it does not know."""
    x, y = digits()
    return x[600:800], torch.from_numpy(y[600:800])


def left(name: str, scores: Callable[[Tensor], Tensor], epsilon: float, **how: Any) -> float:
    """The share of unseen digits named rightly after an attack."""
    x, y = unseen()
    moved = attack(name, scores, box(x, epsilon, 0, 16), y, {**SETTINGS[name], **how}, generator=chance())
    return float(right(scores(moved), y).float().mean())


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("shape", [(5,), (4, 6, 1), (5, 5, 3)])
@settings(max_examples=8)
@given(epsilon=st.floats(0, 1), seed=st.integers(0, 9), low=st.floats(-5, 0), span=st.floats(0.1, 300))
def test_a_change_stays_within_epsilon_and_within_the_range(
    name: str, shape: tuple[int, ...], epsilon: float, seed: int, low: float, span: float
) -> None:
    """Of every number of every row, whatever the attack and the form of the inputs."""
    rng = np.random.default_rng(seed)
    rows = (low + span * rng.random((7, *shape))).astype(np.float32)
    network = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 3))
    y = torch.from_numpy(rng.integers(0, 3, 7))
    moved = attack(name, network, box(rows, epsilon, low, low + span), y, SETTINGS[name], generator=chance(seed))
    slack = 1e-5 * (span + abs(low))
    assert np.abs(moved.detach().numpy() - rows).max() <= epsilon * span + slack
    assert moved.min() >= low - slack
    assert moved.max() <= low + span + slack


@pytest.mark.parametrize("name", ATTACKS)
def test_no_room_no_change(name: str) -> None:
    """With ε = 0 the rows are as they were, also those beyond the range of the training part."""
    rows = np.array([[0.0, 20.0], [-3.0, 5.0]], dtype=np.float32)
    moved = attack(name, nn.Linear(2, 2), box(rows, 0.0, [0, 0], [9, 9]), torch.tensor([0, 1]), {}, generator=chance())
    assert np.array_equal(moved.detach().numpy(), rows)


def test_a_number_beyond_the_range_may_come_nearer_to_it() -> None:
    """And goes no further away."""
    around = box(np.array([[12.0]], dtype=np.float32), 0.5, 0, 10)
    assert (around.low.item(), around.high.item()) == (7.0, 12.0)


def test_against_a_linear_network_fgsm_is_the_closed_form() -> None:
    """Two classes: a row falls exactly if its margin is below ε times the sum of the weights' sizes; PGD adds nothing."""
    rng = np.random.default_rng(0)
    network = nn.Linear(6, 2)
    rows = rng.random((400, 6)).astype(np.float32)
    y = torch.from_numpy(rng.integers(0, 2, 400))
    epsilon, around = 0.07, box(rows, 0.0007, -50, 50)
    difference = (network.weight[0] - network.weight[1]).abs().sum()
    expected = margins(network(around.rows), y) - epsilon * difference
    for moved in (fgsm(network, around, y), pgd(network, around, y, steps=8, step=0.5, generator=chance())):
        assert torch.allclose(margins(network(moved), y), expected, atol=1e-5)


def test_the_gradient_is_that_of_the_loss() -> None:
    """Against central differences, for both losses."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    x, y = torch.rand(1, 4, dtype=torch.float64), torch.tensor([2])
    losses = {
        "cross_entropy": lambda rows: nn.functional.cross_entropy(network(rows), y),
        "margin": lambda rows: -margins(network(rows), y).sum(),
    }
    for name, loss in losses.items():
        steps = 1e-6 * torch.eye(4, dtype=torch.float64)
        numeric = torch.stack([(loss(x + step) - loss(x - step)) / 2e-6 for step in steps])
        assert torch.allclose(slope(network, x, y, name)[0], numeric, atol=1e-6)


def test_more_steps_are_not_weaker_on_average() -> None:
    """PGD leaves no more than FGSM, FGSM less than nothing done, and more room leaves less."""
    scores = network_scores(fitted())
    clean = left("fgsm", scores, 0.0)
    for loss in ("cross_entropy", "margin"):
        once, often = left("fgsm", scores, 0.1, loss=loss), left("pgd", scores, 0.1, loss=loss, steps=10)
        assert often <= once < clean
    assert left("pgd", scores, 0.05) >= left("pgd", scores, 0.1) >= left("pgd", scores, 0.2)
    assert left("square", scores, 0.1, queries=150) <= left("square", scores, 0.1, queries=10) < clean


def test_hidden_gradients_are_told_by_the_attack_that_needs_none() -> None:
    """A network behind rounding has no gradient, so FGSM and PGD find nothing; the square attack does."""
    network = network_scores(fitted())

    def behind_rounding(rows: Tensor) -> Tensor:
        return network(rows.round())

    clean = left("fgsm", behind_rounding, 0.0)
    assert left("fgsm", behind_rounding, 0.15) == clean
    assert left("pgd", behind_rounding, 0.15, restarts=1) > clean - 0.1
    assert left("square", behind_rounding, 0.15, queries=150) < clean - 0.3


def test_a_network_too_sure_for_cross_entropy_is_attacked_by_its_margin() -> None:
    """Logits so great that float32 knows no doubt give cross-entropy no slope."""
    network = network_scores(fitted())

    def sure(rows: Tensor) -> Tensor:
        return 1e4 * network(rows)

    assert left("fgsm", sure, 0.15) > left("fgsm", sure, 0.15, loss="margin") + 0.2


def test_attacks_on_any_model_ask_for_predictions_alone() -> None:
    """The square attack takes probabilities of a model of numpy, given back in the form that it knows."""
    model = fitted()
    scores = model_scores(model, lambda rows: rows.reshape(-1, 8, 8))
    assert left("square", scores, 0.1) == pytest.approx(left("square", network_scores(model), 0.1), abs=0.1)


def test_training_on_attacks_makes_robust_and_is_a_function_of_its_seed() -> None:
    """A few epochs raise what PGD leaves, clean accuracy stays, and twice the same gives the same bytes."""
    x, y = digits()
    pressure = Pressure(attack="pgd", settings={"steps": 3, "step": 0.5}, epsilon=0.1, low=0.0, high=16.0, epochs=15)
    before = network_scores(fitted())
    once, again = (harden(fitted(), x[:600], y[:600], pressure, seed=3) for _ in range(2))
    after = network_scores(once)
    assert left("pgd", after, 0.1) > left("pgd", before, 0.1) + 0.1
    assert left("fgsm", after, 0.0) > left("fgsm", before, 0.0) - 0.05
    pairs = zip(once.estimator.get_tensors().values(), again.estimator.get_tensors().values(), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


def test_a_class_that_a_network_has_not_seen_is_never_named() -> None:
    """Scores are in the order of the problem's classes, and gradients go through them."""
    x, y = digits()
    few = np.flatnonzero(y[:600] != 3)
    model = fit(DenseClassifier(hidden=[16], epochs=3, random_state=0), x[few], y[few], 10, calibrate=False)
    scores, rows = network_scores(model), torch.from_numpy(x[600:650])
    assert scores(rows).shape == (50, 10)
    assert (scores(rows).argmax(dim=1) != 3).all()
    assert np.array_equal(scores(rows).argmax(dim=1).numpy(), model.predict(x[600:650]).argmax(axis=1))
    assert slope(scores, rows, torch.from_numpy(y[600:650]), "margin").abs().sum() > 0


@pytest.mark.parametrize("epsilon", [-0.1, 1.5, float("nan")])
def test_epsilon_out_of_range(epsilon: float) -> None:
    """One line that says what it must be, and what was given."""
    with pytest.raises(ValueError, match="epsilon must be a share of the inputs' range, from 0 to 1; got"):
        box(np.zeros((1, 2)), epsilon, 0, 1)


def test_square_spends_no_more_queries_than_it_may() -> None:
    """One query a row and round, and none on rows that have fallen."""
    asked = []

    def scores(rows: Tensor) -> Tensor:
        asked.append(len(rows))
        return torch.stack([rows.sum(dim=1), 2 - rows.sum(dim=1)], dim=1)

    rows = np.array([[0.9, 0.9], [0.51, 0.51]], dtype=np.float32)
    square(scores, box(rows, 0.1, 0, 1), torch.tensor([0, 0]), queries=12, generator=chance())
    assert len(asked) <= 1 + 12
    assert asked[-1] == 1
