"""Stacks: weights on the simplex that are as good as a slow search finds, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.joining.blending import blend
from concours.kernels.joining.pooling import _PULL, able_members, pool_weights, sum_weights
from concours.kernels.scoring.scores import log_losses

SETTINGS = settings(max_examples=25)


@st.composite
def classified(draw):
    """Predictions of a few members, better and worse ones, and the true classes."""
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    members, rows, classes = draw(st.integers(2, 4)), draw(st.integers(20, 60)), draw(st.integers(2, 4))
    y = rng.integers(classes, size=rows)
    logits = rng.normal(size=(members, rows, classes)) + rng.uniform(0, 3, size=(members, 1, 1)) * np.eye(classes)[y]
    return list(np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)), y


def objective(p, y, weights) -> float:
    """What the weights of a pool are to make small, written out."""
    pull = _PULL / len(y) * ((weights - 1 / len(p)) ** 2).sum()
    return log_losses(y, blend(p, weights, rule="pool")).mean() + pull


def able(p, y) -> list[np.ndarray]:
    """The members that say more than a constant."""
    found = able_members(np.stack([log_losses(y, member) for member in p], axis=1), -np.log(np.bincount(y) / len(y))[y])
    return [member for member, is_able in zip(p, found, strict=True) if is_able]


@SETTINGS
@given(classified(), st.integers(0, 100))
def test_no_other_weights_are_better(sample, seed):
    """Random weights on the simplex, near and far, are never better than those that were found for able members."""
    p, y = able(*sample), sample[1]
    found = pool_weights(p, y)
    best = objective(p, y, found)
    rng = np.random.default_rng(seed)
    for other in rng.dirichlet(np.ones(len(p)), size=100):
        assert objective(p, y, other) >= best - 1e-7
        assert objective(p, y, 0.99 * found + 0.01 * other) >= best - 1e-7


@SETTINGS
@given(classified())
def test_laws(sample):
    """Weights sum to one and are not negative; members may come in any order; equal members have equal weights."""
    p, y = sample
    found = pool_weights(p, y)
    assert np.isclose(found.sum(), 1)
    assert (found >= 0).all()
    assert np.allclose(pool_weights(p[::-1], y)[::-1], found, atol=1e-4)
    double = pool_weights([*p, p[0]], y)
    assert np.isclose(double[0], double[-1], atol=1e-4)


def test_numbers():
    """The weights of a sum, of members that are able, are those of a search over the simplex, and do not depend on the unit of the target."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    p = [(y + rng.normal(size=200) * s)[:, None] for s in (0.5, 0.6, 0.8)]
    found = sum_weights(p, y)
    grid = [np.array([a, b, 1 - a - b]) for a in np.linspace(0, 1, 101) for b in np.linspace(0, 1 - a, 101)]

    def loss(w):
        return np.mean((blend(p, w)[:, 0] - y) ** 2) / np.var(y) + _PULL / 200 * ((w - 1 / 3) ** 2).sum()

    assert loss(found) <= min(map(loss, grid)) + 1e-9
    assert np.allclose(sum_weights([100 * q + 7 for q in p], 100 * y + 7), found, atol=1e-6)
    useless = y[::-1][:, None]
    assert np.allclose(sum_weights([*p, useless], y), [*found, 0], atol=1e-6)


@pytest.mark.parametrize("rows", [100, 4000])
def test_a_useless_member_gets_no_weight(rows):
    """Among many rows and among few: a member that guesses says no more than a constant."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=rows)
    good = np.where(np.eye(2)[y] > 0, 0.8, 0.2)
    flip = rng.random(rows) < 0.2
    good[flip] = good[flip][:, ::-1]
    guess = rng.dirichlet(np.ones(2), size=rows)
    weights = pool_weights([good, guess], y)
    assert weights[1] == 0
