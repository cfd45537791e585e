"""Manifolds of points against their naive twins, and what they tell of samples."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.scoring.manifolds import copying, nearest, within

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(2, 30), st.integers(1, 30))
@settings(max_examples=40)
def test_balls_reach_to_the_third_nearest(seed: int, cloud: int, rows: int) -> None:
    """As by looking at each pair of points."""
    random = np.random.default_rng(seed)
    known, points = random.normal(size=(cloud, 2)), random.normal(size=(rows, 2)) * 2

    def away(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.sqrt(np.square(one - other).sum()))

    reach = [sorted(away(one, other) for other in known)[min(3, cloud - 1)] for one in known]
    inside = [any(away(point, one) <= radius for one, radius in zip(known, reach, strict=True)) for point in points]
    assert within(points, known).tolist() == inside
    assert within(known, known).all()
    places, distances = nearest(points, known)
    for point, place, distance in zip(points, places, distances, strict=True):
        each = [away(point, one) for one in known]
        assert each[place] == min(each) or np.isclose(each[place], min(each))
        assert np.isclose(distance, min(each))


def test_copies_are_told() -> None:
    """Of new points a half are nearer than unseen ones, of copies all, of far ones none; a copy is at no distance."""
    random = np.random.default_rng(0)
    known, unseen, new = (random.normal(size=(400, 3)) for _ in range(3))
    of = lambda points: nearest(points, known)[1]  # noqa: E731
    assert (of(known) == 0).all()
    assert copying(of(known), of(unseen)) == 1
    assert abs(copying(of(new), of(unseen)) - 0.5) < 0.06
    assert copying(of(new + 9), of(unseen)) < 0.01
    assert copying(np.ones(3), np.ones(5)) == 0.5
