"""Mixtures of samplers: who draws what, and weights found without drawing, against naive twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.joining.mixture import mixed, mixture_weights
from concours.kernels.scoring.frechet import Moments, distance_between, frechet_distance

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(1, 5), st.integers(1, 60))
@settings(max_examples=40)
def test_members_have_their_shares(seed: int, count: int, rows: int) -> None:
    """Each row is a member's own; a member has its share of the rows to within a few; places do not count."""
    random = np.random.default_rng(seed)
    members = [random.integers(0, 255, (rows, 2, 2, 1)).astype(np.uint8) for _ in range(count)]
    weights = random.dirichlet(np.ones(count))
    drawn = mixed(members, weights)
    whose = np.stack([(member == drawn).all(axis=(1, 2, 3)) for member in members])
    assert whose.any(axis=0).all()
    assert (np.abs(whose.sum(axis=1) - rows * weights) <= 2 + 2 * np.log(rows + 1)).all()
    order = random.permutation(count)
    np.testing.assert_array_equal(drawn, mixed([members[i] for i in order], weights[order]))


def test_weights_of_rows_and_of_nobody() -> None:
    """A row may have weights of its own; who has none anywhere is not there; of nobody nothing can be drawn."""
    members = [np.full((6, 1), value) for value in (1, 2, 3)]
    weights = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], [0] * 6], dtype=float)
    assert mixed(members, weights)[:, 0].tolist() == [1, 1, 1, 2, 2, 2]
    with pytest.raises(ValueError, match="all weights are zero"):
        mixed(members, np.zeros(3))


@given(SEEDS, st.integers(2, 4))
@settings(max_examples=10)
def test_weights_are_those_of_the_nearest_mixture(seed: int, count: int) -> None:
    """No worse than any member, nor than any of many mixtures that are tried one by one; the order does not count."""
    random = np.random.default_rng(seed)
    real = random.normal(size=(80, 3))
    members = [random.normal(size=(80, 3)) * random.uniform(0.3, 1.5) + random.normal(size=3) for _ in range(count)]
    weights = mixture_weights(members, real)
    assert weights.min() >= 0 and weights.sum() == pytest.approx(1)

    def tried(some: np.ndarray) -> float:
        """By the moments of points that are there as often as their member weighs."""
        points, each = np.concatenate(members), np.repeat(some, 80)
        mean = each @ points / each.sum()
        covariances = [np.cov(m.T) + np.outer(m.mean(axis=0), m.mean(axis=0)) for m in members]
        whole = np.tensordot(some, covariances, axes=1) - np.outer(mean, mean)
        return distance_between(Moments.of(real), Moments(mean=mean, covariance=whole))

    best = tried(weights)
    for some in (*np.eye(count), *random.dirichlet(np.ones(count), size=30)):
        assert best <= tried(some) + 0.02 * max(tried(some), 0.05)
    order = random.permutation(count)
    assert tried(weights) == pytest.approx(
        tried(mixture_weights([members[i] for i in order], real)[np.argsort(order)]), rel=0.02, abs=1e-3
    )


def test_two_halves_make_a_whole() -> None:
    """Samplers of one half each are mixed by halves, though each alone is far off."""
    random = np.random.default_rng(0)
    left, right = (random.normal(size=(200, 2)) + [place, 0] for place in (-3, 3))
    real = np.concatenate([random.normal(size=(100, 2)) - [3, 0], random.normal(size=(100, 2)) + [3, 0]])
    weights = mixture_weights([left, right, 9 + left], real)
    assert weights[:2] == pytest.approx([0.5, 0.5], abs=0.05) and weights[2] == 0
    rows = np.arange(200)
    drawn = mixed([left[rows], right[rows]], weights[:2])
    assert frechet_distance(drawn, real) < 0.2 < frechet_distance(left, real)


def test_a_row_of_weight_two_is_there_twice() -> None:
    """Moments of weighted points are those of points that are repeated."""
    points, weights = np.random.default_rng(0).normal(size=(20, 3)), np.random.default_rng(1).integers(0, 4, 20)
    one, other = Moments.of(points, weights.astype(float)), Moments.of(np.repeat(points, weights, axis=0))
    np.testing.assert_allclose(one.mean, other.mean)
    np.testing.assert_allclose(one.covariance, other.covariance)
