"""Blends: weighted sums of predictions, and votes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.joining.blending import blend

SETTINGS = settings(max_examples=50)


@st.composite
def members(draw):
    """Predictions (members, rows, classes) and weights (members,) that sum to one."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    count, rows, classes = draw(st.integers(1, 6)), draw(st.integers(1, 20)), draw(st.integers(2, 5))
    return rng.dirichlet(np.ones(classes), size=(count, rows)), rng.dirichlet(np.ones(count))


@SETTINGS
@given(members(), st.sampled_from(["mean", "vote", "pool"]))
def test_distributions_stay_distributions(sample, rule):
    """Rows of a blend sum to one and are never negative."""
    p, weights = sample
    total = blend(p, weights, rule=rule)
    assert np.allclose(total.sum(axis=1), 1)
    assert (total >= 0).all()


@SETTINGS
@given(members())
def test_blend_is_naive(sample):
    """The same as adding up member by member and row by row; the order of the members does not matter."""
    p, weights = sample
    naive = [
        [sum(w * m[row][c] for w, m in zip(weights, p, strict=True)) for c in range(p.shape[2])]
        for row in range(p.shape[1])
    ]
    assert np.allclose(blend(p, weights), naive)
    assert np.allclose(blend(p[::-1], weights[::-1]), naive)


def test_weights_by_row():
    """Where rows have weights of their own, each row is blended by its own."""
    p = np.stack([np.full((3, 1), 1.0), np.full((3, 1), 5.0)])
    assert blend(p, np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]]))[:, 0].tolist() == [1, 5, 3]


def test_votes():
    """Three of four votes, with one spread evenly: (3 + 1/2) / 5; a value that is no class is averaged."""
    p = np.array([[[0.9, 0.1]], [[0.6, 0.4]], [[0.51, 0.49]], [[0.0, 1.0]]])
    assert np.allclose(blend(p, np.full(4, 0.25), rule="vote"), [[0.7, 0.3]])
    assert blend(np.array([[[2.0]], [[4.0]]]), np.array([0.5, 0.5]), rule="vote").tolist() == [[3.0]]


def test_members_without_weight_are_not_read():
    """A member that does not count may be missing or broken."""
    assert blend([np.array([[1.0]]), np.array([[np.nan]])], np.array([1.0, 0.0])).tolist() == [[1.0]]
    with pytest.raises(ValueError, match="all weights are zero"):
        blend([np.array([[1.0]])], np.array([0.0]))
