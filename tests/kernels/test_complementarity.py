"""Complementarity: errors that go together, mistakes that others rescue, and alliances that grow."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from concours.kernels.joining.complementarity import (
    double_faults,
    error_correlations,
    far_off,
    growing_alliances,
    rescued,
)


@given(st.integers(0, 99), st.integers(2, 5), st.integers(3, 40))
def test_correlations_are_those_of_numpy(seed, models, rows):
    """Of errors that vary, and nothing of those that do not."""
    errors = np.random.default_rng(seed).normal(size=(models, rows))
    assert np.allclose(error_correlations(errors), np.corrcoef(errors))
    errors[0] = 1.0
    found = error_correlations(errors)
    assert np.isnan(found[0]).all()
    assert not np.isnan(found[1:, 1:]).any()


def test_double_faults_and_rescues():
    """Rows that both get wrong; the share of one's mistakes that another gets right; nothing of no mistake."""
    wrong = np.array([[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=bool)
    assert double_faults(wrong).tolist() == [[0.75, 0.25, 0], [0.25, 0.25, 0], [0, 0, 0]]
    assert np.allclose(rescued(wrong[0], ~wrong), [0, 2 / 3, 1])
    assert np.isnan(rescued(wrong[2], ~wrong)).all()


def test_far_off():
    """A number is wrong where it is as far off as the best's worst tenth, right where half as far as the best."""
    errors = np.array([[1.0] * 9 + [-10.0], [0.5] * 9 + [5.0], [12.0] * 10])
    wrong, right = far_off(errors, 0)
    assert wrong.sum(axis=1).tolist() == [1, 1, 10]
    assert right.sum(axis=1).tolist() == [0, 10, 0]


def test_alliances_grow():
    """Each has the members of the one before and one more; weights sum to one; the first is the best single model."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=400)
    said = [(y + rng.normal(scale=s, size=400))[:, None] for s in (0.9, 0.5, 0.6, 3.0)]
    grown = growing_alliances(said, y, metric="rmse", steps=20)
    assert grown[0].tolist() == [0, 1, 0, 0]
    for smaller, larger in itertools.pairwise(grown):
        assert np.count_nonzero(larger) <= np.count_nonzero(smaller) + 1
    assert all(np.isclose(weights.sum(), 1) for weights in grown)
    losses = [np.sqrt(np.mean((sum(w * p[:, 0] for w, p in zip(ws, said, strict=True)) - y) ** 2)) for ws in grown]
    assert losses == sorted(losses, reverse=True)
