"""Kernels of groups against naive twins, and against scikit-learn."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.metrics import silhouette_samples

from concours.kernels.scoring.groups import agreements, aligned, centres_of, distances, silhouettes


@given(st.integers(3, 40), st.integers(2, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_silhouettes_are_those_of_scikit_learn(rows, groups, seed):
    """Of few rows, where distances to all are measured; groups of one row too."""
    rng = np.random.default_rng(seed)
    points, codes = rng.normal(size=(rows, 3)), rng.integers(0, groups, rows)
    found = silhouettes(distances(points), np.eye(groups)[codes])
    if 1 < len(np.unique(codes)) < rows:
        np.testing.assert_allclose(found, silhouette_samples(points, codes), atol=1e-9)
    elif len(np.unique(codes)) == 1:
        np.testing.assert_array_equal(found, np.zeros(rows))


def test_some_rows_tell_about_what_all_would():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 3000)
    points = rng.normal(size=(3000, 4)) + 2 * codes[:, None]
    whole = silhouettes(distances(points, most=3000), np.eye(3)[codes])
    np.testing.assert_allclose(whole, silhouette_samples(points, codes), atol=1e-9)
    assert abs(silhouettes(distances(points, most=500), np.eye(3)[codes]).mean() - whole.mean()) < 0.01


def test_the_order_of_groups_says_nothing():
    rng = np.random.default_rng(1)
    points, codes = rng.normal(size=(50, 2)), rng.integers(0, 3, 50)
    own = silhouettes(distances(points), np.eye(3)[codes])
    np.testing.assert_allclose(silhouettes(distances(points), np.eye(3)[(codes + 1) % 3]), own)


def test_models_that_agree_are_stable():
    shares = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    np.testing.assert_allclose(agreements(shares), [1.0, 0.5, 1 / 3])


@given(st.integers(2, 4), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_groups_are_put_as_near_to_their_places_as_may_be(groups, seed):
    """Against every way to put them."""
    rng = np.random.default_rng(seed)
    centres, reference = rng.normal(size=(groups, 2)), rng.normal(size=(4, 2))
    costs = cdist(centres, reference, "sqeuclidean")
    best = min(sum(costs[i, place] for i, place in enumerate(way)) for way in permutations(range(4), groups))
    places = aligned(centres, reference)
    assert len(set(places.tolist())) == groups
    np.testing.assert_allclose(costs[np.arange(groups), places].sum(), best)


def test_a_centre_is_the_mean_of_its_rows():
    points = np.array([[0.0, 2.0], [2.0, 0.0], [5.0, 5.0]])
    np.testing.assert_array_equal(centres_of(points, np.array([0, 0, 2]), 3), [[1.0, 1.0], [0.0, 0.0], [5.0, 5.0]])
