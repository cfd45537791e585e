"""Weights for each stretch of the steps ahead: as a plain loop has them, and better than one weight for all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.joining.blending import blend
from concours.kernels.joining.stepwise import STRETCHES, by_steps, step_weights, stretches

QUICK = settings(max_examples=30, deadline=None, derandomize=True)
LEVELS = np.array([0.1, 0.5, 0.9])


@QUICK
@given(st.integers(1, 40))
def test_stretches_are_of_about_one_length(horizon):
    """In order, as many as there may be, and no two lengths differ by more than a step."""
    found = stretches(horizon)
    lengths = np.bincount(found)
    assert len(found) == horizon
    assert (np.diff(found) >= 0).all()
    assert len(lengths) == min(horizon, STRETCHES)
    assert np.ptp(lengths) <= 1


@QUICK
@given(st.integers(0, 99), st.integers(1, 12), st.integers(1, 3), st.integers(1, 4))
def test_steps_are_joined_as_by_a_loop(seed, horizon, series, members):
    """Each by the weights of its stretch; with equal weights in all stretches as by a weighted mean."""
    rng = np.random.default_rng(seed)
    told = [rng.normal(size=(3, series * horizon * 3)) for _ in range(members)]
    weights = rng.dirichlet(np.ones(members), size=min(horizon, STRETCHES))
    joined = by_steps(told, weights, horizon=horizon, levels=3).reshape(3, series, horizon, 3)
    for step, stretch in enumerate(stretches(horizon)):
        each = [one.reshape(3, series, horizon, 3)[:, :, step] for one in told]
        assert joined[:, :, step] == pytest.approx(sum(w * one for w, one in zip(weights[stretch], each, strict=True)))
    even = by_steps(told, np.tile(weights[:1], (len(weights), 1)), horizon=horizon, levels=3)
    assert even == pytest.approx(blend(told, weights[0]))


def test_who_sees_near_and_who_sees_far_share_the_steps():
    """One is right of the first half of the steps, the other of the second: each has its half, and both are beaten."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(200, 8))
    near, far = y.copy(), y.copy()
    near[:, 4:] += rng.normal(size=(200, 4))
    far[:, :4] += rng.normal(size=(200, 4))
    told = [np.repeat(each, 3, axis=1) for each in (near, far)]
    found = step_weights(told, y, horizon=8, levels=LEVELS, units=np.ones(1))
    assert found.shape == (8, 2)
    assert (found[:4, 0] > 0.9).all()
    assert (found[4:, 1] > 0.9).all()
    assert found.sum(axis=1) == pytest.approx(1)
    joined = by_steps(told, found, horizon=8, levels=3)[:, 1::3]
    assert np.square(joined - y).mean() < 0.2 * min(np.square(one - y).mean() for one in (near, far))


def test_units_do_not_matter():
    """A series in other units has the same weights, as errors are told in its own."""
    rng = np.random.default_rng(1)
    y = rng.normal(size=(50, 4))
    told = [np.repeat(y + rng.normal(scale=s, size=y.shape), 3, axis=1) for s in (0.5, 1.0)]
    unit = np.array([1.0, 100.0])
    by, thrice = np.repeat(unit, 2), np.repeat(unit, 6)
    plain = step_weights(told, y, horizon=2, levels=LEVELS, units=np.ones(2))
    scaled = step_weights([t * thrice for t in told], y * by, horizon=2, levels=LEVELS, units=unit)
    assert scaled == pytest.approx(plain, abs=1e-6)
