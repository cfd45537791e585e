"""Greedy selection within limits: never beyond them, never worse than the best member, and as a plain search finds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.joining.frugal import frugal_selection

SETTINGS = settings(max_examples=40)


def rmse(truth, p) -> float:
    return float(np.sqrt(np.mean((truth - np.asarray(p)[:, 0]) ** 2)))


@st.composite
def samples(draw):
    """Predictions of a few members, the truth, what members cost, and limits that let at least one in."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    members, rows, kinds = draw(st.integers(1, 5)), draw(st.integers(5, 30)), draw(st.integers(1, 2))
    y = rng.normal(size=rows)
    p = [y[:, None] + rng.normal(size=(rows, 1)) for _ in range(members)]
    costs = rng.uniform(0.1, 1, size=(members, kinds))
    return p, y, costs, costs[rng.integers(members)] * rng.uniform(1, 2)


@SETTINGS
@given(samples())
def test_laws(sample):
    """What is picked is within the limits together, and no worse than the best member that is within them alone."""
    p, y, costs, limits = sample
    found = frugal_selection(p, y, metric="rmse", costs=costs, limits=limits, steps=8)
    assert (costs[list(set(found.path))].sum(axis=0) <= limits * (1 + 1e-6)).all()
    within = (costs <= limits).all(axis=1)
    assert found.losses.min() <= min(rmse(y, m) for m, ok in zip(p, within, strict=True) if ok) + 1e-9
    assert found.weights.sum() == pytest.approx(1)
    assert rmse(y, sum(w * m for w, m in zip(found.weights, p, strict=True))) == pytest.approx(found.losses.min())


@SETTINGS
@given(samples())
def test_two_picks_are_the_best_pair(sample):
    """With two steps the search is exhaustive: no affordable pair is better."""
    p, y, costs, limits = sample
    found = frugal_selection(p, y, metric="rmse", costs=costs, limits=limits, steps=2)
    pairs = [
        pair
        for pair in itertools.combinations_with_replacement(range(len(p)), 2)
        if (costs[sorted(set(pair))].sum(axis=0) <= limits).all()
    ]
    assert found.losses.min() == pytest.approx(min(rmse(y, (p[a] + p[b]) / 2) for a, b in pairs))


def test_two_cheap_members_are_preferred_to_the_best_one_that_costs_all():
    """The search does not begin at the best member only."""
    y = np.zeros(2)
    p = [np.array([[0.5], [0.5]]), np.array([[1.0], [-1.0]]), np.array([[-1.0], [1.0]])]
    found = frugal_selection(p, y, metric="rmse", costs=[[1.0], [0.5], [0.5]], limits=[1.0], steps=10)
    assert found.weights.tolist() == [0.0, 0.5, 0.5]


def test_nobody_within_the_limits():
    """Is said."""
    with pytest.raises(ValueError, match="no member is within the limits"):
        frugal_selection([np.zeros((2, 1))], np.zeros(2), metric="rmse", costs=[[2.0]], limits=[1.0])
