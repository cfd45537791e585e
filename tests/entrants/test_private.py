"""Private training: gradients of rows one by one, against a loop over rows; and networks that cannot have them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from concours.entrants.federated import Local, local  # noqa: E402
from concours.entrants.neural import (  # noqa: E402
    ConvClassifier,
    DenseClassifier,
    DenseRegressor,
    VisionTransformerClassifier,
)
from concours.entrants.private import Private, add_clipped  # noqa: E402
from concours.entrants.sites import Site, train_sites  # noqa: E402
from concours.kernels.federating.update import Update  # noqa: E402
from concours.kernels.privacy.chance import of_system, seeded  # noqa: E402


def table(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0.5)


def pictures(rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.integers(0, 255, size=(rows, 8, 8, 1)).astype(np.uint8), rng.integers(0, 3, size=rows)


def begun(kind: str) -> tuple[Any, np.ndarray, np.ndarray]:
    if kind == "pictures":
        x, y = pictures(9)
        return VisionTransformerClassifier(training={"device": "cpu"}).begun(x[:1], 3, seed=0), x, y
    if kind == "numbers":
        x, _ = table(9)
        how = {"hidden": [6], "norm": "none", "dropout": 0.0}
        return DenseRegressor(**how).begun(x[:1], 0, seed=0), x, x[:, 0].astype(np.float64)
    x, y = table(9)
    return DenseClassifier(hidden=[6], norm=kind, dropout=0.0).begun(x[:1], 3, seed=0), x, y


@pytest.mark.parametrize("kind", ["none", "layer", "numbers", "pictures"])
@pytest.mark.parametrize("bound", [1e-3, 0.5, 1e6])
def test_clipped_gradients_are_those_of_a_loop_over_rows(kind: str, bound: float) -> None:
    """Each row's gradient by itself, shortened to the bound, and added up."""
    estimator, x, y = begun(kind)
    network, loss = estimator.network_.eval(), estimator.loss
    inputs, targets = (torch.from_numpy(each) for each in estimator.told(x, y))
    losses = add_clipped(network, loss, (inputs, targets), bound)
    found = {name: parameter.grad.clone() for name, parameter in network.named_parameters()}
    expected = {name: torch.zeros_like(gradient) for name, gradient in found.items()}
    for row in range(len(inputs)):
        network.zero_grad()
        own = loss(network(inputs[row : row + 1]), targets[row : row + 1])
        own.backward()
        assert math.isclose(own.item(), float(losses[row]), rel_tol=1e-4, abs_tol=1e-6)
        norm = math.sqrt(sum(float(p.grad.double().square().sum()) for p in network.parameters()))
        for name, parameter in network.named_parameters():
            expected[name] += parameter.grad * min(1.0, bound / norm)
    for name, gradient in found.items():
        assert torch.allclose(gradient, expected[name], rtol=1e-3, atol=1e-6 * min(1.0, bound)), name


def trained(private: Private | None, *, rows: int = 40, seed: int = 5, **local_settings: Any) -> Update:
    x, y = table(rows)
    network = DenseClassifier(hidden=[6], norm="none", dropout=0.0).begun(x[:1], 3, seed=0)
    return local(network, network.get_tensors(), x, y, Local(**local_settings), seed=seed, private=private)


def test_no_noise_and_no_bound_is_plain_training() -> None:
    """One batch of all rows: the same step, whether gradients come row by row or not."""
    plain = trained(None, batch_size=40, learning_rate=0.5)
    private = trained(Private(bound=1e6, noise=0.0), batch_size=40, learning_rate=0.5)
    for name, moved in plain.delta.items():
        assert np.allclose(moved, private.delta[name], rtol=1e-4, atol=1e-6)


def test_what_leaves_a_private_site_has_no_loss() -> None:
    """It is a mean over rows, and no noise is on it."""
    assert math.isnan(trained(Private(bound=1.0, noise=1.0)).loss)
    assert math.isfinite(trained(None).loss)


def test_noise_is_as_great_as_it_says() -> None:
    """Of one step: the deviation of what noise adds to the weights is rate · noise · bound / rows."""
    rows, how = 40, {"batch_size": 40, "learning_rate": 0.5}
    without = trained(Private(bound=1.0, noise=0.0), **how)
    off = []
    for seed in range(30):
        noised = trained(Private(bound=1.0, noise=3.0, chance=seeded(seed)), **how)
        off += [(noised.delta[name] - moved).ravel() for name, moved in without.delta.items()]
    told = np.concatenate(off)
    assert abs(told.std() / (0.5 * 3.0 / rows) - 1) < 0.08


def test_chance_is_of_the_seed_or_of_the_system() -> None:
    """Simulation comes to the same again; a site that draws from the system never does."""
    private = Private(bound=1.0, noise=1.0)
    name = next(iter(trained(private).delta))
    assert np.array_equal(trained(private).delta[name], trained(private).delta[name])
    assert not np.array_equal(trained(private).delta[name], trained(private, seed=6).delta[name])
    own = Private(bound=1.0, noise=1.0, chance=of_system())
    assert not np.array_equal(trained(own).delta[name], trained(own).delta[name])


def test_one_row_more_or_less_moves_a_step_by_the_bound_at_most() -> None:
    """The sensitivity of a step, through the whole of local training: of a row that is wild and wrongly labelled."""
    x, y = table(20)
    network = DenseClassifier(hidden=[6], norm="none", dropout=0.0).begun(x[:1], 3, seed=0)
    tensors, how = network.get_tensors(), Local(batch_size=100, learning_rate=1.0)
    private = Private(bound=0.1, noise=0.0)
    wild = np.concatenate([x, np.full((1, 4), 1e4, dtype=np.float32)])
    one = local(network, tensors, x, y, how, seed=0, private=private)
    two = local(network, tensors, wild, np.append(y, 2), how, seed=0, private=private)
    moved = [two.delta[n].astype(np.float64) * 21 - one.delta[n].astype(np.float64) * 20 for n in one.delta]
    assert math.sqrt(sum(float(np.square(part).sum()) for part in moved)) <= 0.1 * (1 + 1e-3)


@pytest.mark.parametrize(
    ("network", "rows"),
    [(DenseClassifier(hidden=[6], norm="batch"), table(12)), (ConvClassifier(), pictures(12))],
)
def test_batch_norm_is_refused_with_what_to_do(network: Any, rows: tuple[np.ndarray, np.ndarray]) -> None:
    """One line: through it a row enters the gradients of others."""
    x, y = rows
    network.begun(x[:1], 3, seed=0)
    with pytest.raises(ValueError, match='is a batch norm.*norm = "layer"'):
        local(network, network.get_tensors(), x, y, Local(), seed=0, private=Private(bound=1.0, noise=1.0))


def test_private_sites_are_trained_in_turn_and_others_together() -> None:
    """To the byte what each gives alone; a stack would have to fill up steps that have few rows."""
    sites = [table(30, seed) for seed in range(3)]
    network = DenseClassifier(hidden=[6], norm="none", dropout=0.0).begun(sites[0][0][:1], 3, seed=0)
    tensors, private = network.get_tensors(), Private(bound=1.0, noise=1.0)
    how = Local(batch_size=10)
    together = train_sites(
        network, tensors, [Site(x=x, y=y, seed=i, private=private) for i, (x, y) in enumerate(sites)], how
    )
    for i, (x, y) in enumerate(sites):
        alone = local(network, tensors, x, y, how, seed=i, private=private)
        assert all(np.array_equal(alone.delta[name], together[i].delta[name]) for name in alone.delta)
