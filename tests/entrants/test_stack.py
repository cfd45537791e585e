"""Stacks of dense networks: a member learns what it would learn alone, and what torch's own way would give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from concours.entrants.passes import Form
from concours.entrants.stack import Hyperparameters, Stack, train

ROWS = 70


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """The promises are for a fixed number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def data(form: Form, *, numbers: bool) -> tuple[Tensor, Tensor]:
    """Rows and targets that can be learned a little."""
    generator = torch.Generator().manual_seed(5)
    rows = torch.randn(ROWS, form.inputs, generator=generator)
    values = rows.sum(1)
    return rows, values if numbers else (values > 0).long()


def hyperparameters_of(members: int) -> list[Hyperparameters]:
    """As different as may be; some without dropout, which share a block with those that have it."""
    return [
        Hyperparameters(
            learning_rate=1e-3 * (1 + i),
            momentum=0.5 + 0.1 * (i % 5),
            weight_decay=0.1 * (i % 3),
            dropout=0.2 * (i % 3),
        )
        for i in range(members)
    ]


def trained(
    form: Form,
    hyperparameters: Sequence[Hyperparameters],
    seeds: Sequence[int],
    *,
    numbers: bool = False,
    epochs: int = 3,
    **how: int,
) -> tuple[Stack, np.ndarray]:
    rows, targets = data(form, numbers=numbers)
    stack = Stack.begin(form, seeds)
    return stack, train(stack, rows, targets, hyperparameters, seeds, epochs=epochs, batch_size=16, **how)


@settings(max_examples=12)
@given(
    members=st.integers(1, 7),
    hidden=st.lists(st.integers(1, 9), min_size=0, max_size=3),
    block=st.integers(1, 8),
    threads=st.integers(1, 2),
    numbers=st.booleans(),
)
def test_a_member_of_a_stack_learns_what_it_learns_alone(
    members: int, hidden: list[int], block: int, threads: int, numbers: bool
) -> None:
    """With its seed and its hyperparameters, in blocks of any size and on any number of threads, to float tolerance."""
    form = Form(inputs=6, hidden=tuple(hidden), outputs=1 if numbers else 2)
    hyperparameters, seeds = hyperparameters_of(members), [11 * i + 3 for i in range(members)]
    stack, losses = trained(form, hyperparameters, seeds, numbers=numbers, block=block, threads=threads)
    for member in range(members):
        alone, loss = trained(form, hyperparameters[member : member + 1], seeds[member : member + 1], numbers=numbers)
        torch.testing.assert_close(stack.weights[member], alone.weights[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(losses[member], loss[0], rtol=1e-4)


@pytest.mark.parametrize("numbers", [False, True])
def test_a_stack_learns_what_plain_torch_learns(numbers: bool) -> None:
    """The naive twin: modules, autograd and torch.optim.AdamW, one network after the other, on the same order of rows."""
    form = Form(inputs=6, hidden=(8, 5), outputs=1 if numbers else 2)
    hyperparameters = [
        Hyperparameters(learning_rate=3e-3, momentum=0.7 + 0.1 * i, weight_decay=0.1 * i) for i in range(3)
    ]
    rows, targets = data(form, numbers=numbers)
    stack, losses = trained(form, hyperparameters, [1, 2, 3], numbers=numbers, epochs=2)
    for member, hyperparameter in enumerate(hyperparameters):
        network = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, form.outputs))
        Stack.begin(form, [member + 1]).copy_to(0, network)
        means = twin(network, rows, targets, hyperparameter, seed=member + 1, epochs=2)
        np.testing.assert_allclose(losses[member], means, rtol=1e-4)
        torch.testing.assert_close(stack.outputs(rows)[member], network(rows), rtol=1e-3, atol=1e-4)


def twin(
    network: nn.Module, rows: Tensor, targets: Tensor, hyperparameter: Hyperparameters, *, seed: int, epochs: int
) -> list[float]:
    weights = [p for p in network.parameters() if p.ndim > 1]
    biases = [p for p in network.parameters() if p.ndim == 1]
    groups = [{"params": weights, "weight_decay": hyperparameter.weight_decay}, {"params": biases, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=hyperparameter.learning_rate, betas=(hyperparameter.momentum, 0.999))
    order = torch.Generator().manual_seed(seed)
    means = []
    for _ in range(epochs):
        total = 0.0
        for chosen in torch.randperm(len(rows), generator=order).tensor_split(len(rows) // 16):
            said = network(rows[chosen])
            if targets.is_floating_point():
                loss = functional.mse_loss(said[:, 0], targets[chosen])
            else:
                loss = functional.cross_entropy(said, targets[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(chosen)
        means.append(total / len(rows))
    return means


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    """A rate of 0 drops nothing, also beside members that drop; what is kept is scaled by as much as is dropped."""
    from concours.entrants.stack import _Block

    form = Form(inputs=3, hidden=(4,), outputs=2)
    rows, targets = data(form, numbers=False)
    hyperparameters = [Hyperparameters(learning_rate=1e-3, dropout=rate) for rate in (0.0, 0.25, 0.9)]
    block = _Block(Stack.begin(form, [1, 2, 3]), slice(0, 3), rows, targets, None, hyperparameters, [1, 2, 3])
    values = block._drop(torch.ones(3, 200, 101))
    shares = (values == 0).float().mean((1, 2))
    np.testing.assert_allclose(shares, [0.0, 0.25, 0.9], atol=0.01)
    np.testing.assert_allclose(values.mean((1, 2)), [1.0, 1.0, 1.0], atol=0.1)
    assert torch.equal(values[0], torch.ones(200, 101))


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_migration_goes_a_share_of_the_way(share: float) -> None:
    """θ ← θ + β(θ_s − θ), from where all were before; at 1 to the byte; who names itself stays."""
    stack = Stack.begin(Form(inputs=3, hidden=(4,), outputs=2), [1, 2, 3])
    before = stack.weights.clone()
    stack.migrate([0, 2, 0], share)
    assert torch.equal(stack.weights[0], before[0])
    for member, source in ((1, 2), (2, 0)):
        torch.testing.assert_close(stack.weights[member], before[member] + share * (before[source] - before[member]))
    if share == 1:
        assert torch.equal(stack.weights[1:], before[[2, 0]])


def test_who_is_no_longer_finite_takes_all() -> None:
    """There is no way from nowhere: a part of it would stay nowhere."""
    stack = Stack.begin(Form(inputs=3, hidden=(4,), outputs=2), [1, 2])
    stack.weights[1, 3] = float("nan")
    stack.migrate([0, 0], 0.3)
    assert torch.equal(stack.weights[1], stack.weights[0])


def test_what_goes_on_from_a_checkpoint_is_what_went_through() -> None:
    """Two intervals of a stack, weights and moments handed over, are the same as in one process, to the byte."""
    form, hyperparameters = Form(inputs=6, hidden=(5,), outputs=2), hyperparameters_of(2)
    rows, targets = data(form, numbers=False)
    through = Stack.begin(form, [1, 2])
    for seeds in ([5, 6], [7, 8]):
        train(through, rows, targets, hyperparameters, seeds, epochs=1, batch_size=16)
    first = Stack.begin(form, [1, 2])
    train(first, rows, targets, hyperparameters, [5, 6], epochs=1, batch_size=16)
    kept = {name: getattr(first, name).clone() for name in ("weights", "first", "second")}
    second = Stack(form=form, steps=first.steps, **kept)
    train(second, rows, targets, hyperparameters, [7, 8], epochs=1, batch_size=16)
    assert torch.equal(through.weights, second.weights)
    assert through.steps == second.steps == 8


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"learning_rate": 0.0}, "learning_rate must be above 0; got 0.0"),
        ({"learning_rate": 0.1, "momentum": 1.0}, "momentum must be at least 0 and below 1; got 1.0"),
        ({"learning_rate": 0.1, "dropout": float("nan")}, "dropout must be at least 0 and below 1; got nan"),
    ],
)
def test_wrong_hyperparameters_are_told(wrong: dict[str, float], says: str) -> None:
    """One line: which hyperparameter, what it must be, what it is."""
    with pytest.raises(ValueError, match=says):
        Hyperparameters(**wrong)


def test_what_does_not_fit_together_is_told() -> None:
    """Hyperparameters for fewer members, rows of another width, a share of nothing."""
    form = Form(inputs=6, hidden=(5,), outputs=2)
    rows, targets = data(form, numbers=False)
    stack = Stack.begin(form, [1, 2])
    with pytest.raises(ValueError, match="2 members want as many hyperparameters and seeds; got 1 and 2"):
        train(stack, rows, targets, hyperparameters_of(1), [1, 2], epochs=1, batch_size=16)
    with pytest.raises(ValueError, match="rows must have 6 inputs, as the members have; got 4"):
        train(stack, rows[:, :4], targets, hyperparameters_of(2), [1, 2], epochs=1, batch_size=16)
    with pytest.raises(ValueError, match="must be above 0 and at most 1; got 0"):
        stack.migrate([0, 0], 0)
