"""Intervals: known values, laws, and that they hold what they promise where a normal one does not."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.scoring.intervals import intervals, share_intervals
from concours.kernels.scoring.scores import Means, row_means

SETTINGS = settings(max_examples=100)


def test_intervals_of_shares():
    """Wilson's interval (1927) at 8 of 10 and at 10 of 10: known values, and never empty."""
    low, high = share_intervals(np.array([0.8]), 10)[0]
    assert np.allclose([low, high], [0.4902, 0.9433], atol=1e-4)
    low, high = share_intervals(np.array([1.0]), 10)[0]
    assert np.allclose([low, high], [0.7225, 1.0], atol=1e-4)


def test_scores_of_two_bounds():
    """Symmetric in log-odds, close to Wilson's for a share of many rows; of rows that all come twice, as of half."""
    hit = (np.arange(1000) < 800).astype(float)
    once = row_means(hit[:, None])
    ((low, high),) = intervals(once, low=0, high=1)
    assert np.isclose(low / (1 - low) * high / (1 - high), 16)
    assert np.allclose([low, high], share_intervals(once.means, 1000)[0], atol=1e-3)
    twice = row_means(np.repeat(hit[:, None], 2, axis=0), groups=np.repeat(np.arange(1000), 2))
    assert np.allclose(intervals(twice, low=0, high=1), [low, high])


def test_at_a_bound_the_rarest_class_counts():
    """Ten of ten rows of a class recognised say less than a thousand of a thousand."""
    sure = Means(np.array([1.0]), np.zeros((1, 1)), units=1000, rarest=10)
    assert np.allclose(intervals(sure, low=0, high=1), share_intervals(np.array([1.0]), 10), atol=0.01)


def test_scores_of_no_skewness():
    """The score plus and minus 1.96 standard errors."""
    scores = Means(np.array([1.0]), np.array([[0.04]]))
    assert np.allclose(intervals(scores), [[1 - 1.959964 * 0.2, 1 + 1.959964 * 0.2]])


def test_scores_of_an_upper_bound():
    """Symmetric on the scale of the logarithm of the distance to the bound."""
    ((low, high),) = intervals(Means(np.array([0.5]), np.array([[0.01]])), high=1.0)
    assert np.isclose((1 - low) * (1 - high), 0.25)
    assert np.isclose(np.log((1 - low) / 0.5), 1.959964 * 0.2)


BOUNDS = st.sampled_from([(0.0, 1.0), (-1.0, 1.0), (-np.inf, 1.0), (0.0, np.inf), (-np.inf, np.inf)])


@SETTINGS
@given(st.floats(0, 1), st.floats(0, 2), st.floats(-5, 5), st.floats(2, 1e6), BOUNDS)
def test_a_score_is_in_its_interval(mean, stderr, skewness, units, bounds):
    """Whatever the moments, an interval is finite, within the bounds, and holds its score."""
    scores = Means(np.array([mean]), np.array([[stderr**2]]), np.array([skewness]), units, 2)
    ((low, high),) = intervals(scores, low=bounds[0], high=bounds[1])
    assert max(bounds[0], -1e300) <= low <= mean <= high <= min(bounds[1], 1e300)


@SETTINGS
@given(st.floats(-3, 3), st.floats(0.1, 10))
def test_the_skewed_end_is_longer(skewness, scale):
    """Mirrored scores have mirrored intervals, and units do not matter."""

    def of(sign):
        return intervals(Means(np.array([sign * 2 * scale]), np.array([[scale**2]]), np.array([sign * skewness])))

    assert np.allclose(of(1), -of(-1)[:, ::-1])
    assert np.allclose(of(1), scale * intervals(Means(np.array([2.0]), np.eye(1), np.array([skewness]))))


def test_skewed_rows_are_covered():
    """Means of 200 exponential rows: both ends are missed about as often, where a normal interval is missed above."""
    rng = np.random.default_rng(0)
    found = intervals(row_means(rng.exponential(size=(200, 4000))))
    below, above = (found[:, 1] < 1).mean(), (found[:, 0] > 1).mean()
    assert abs(below - 0.025) < 0.008
    assert abs(above - 0.025) < 0.008


def test_unknown_is_unknown():
    """One group of rows says nothing of how sure a score is."""
    scores = row_means(np.arange(6.0)[:, None], groups=np.zeros(6, dtype=np.int64))
    for bounds in ((0.0, 10.0), (-np.inf, 10.0), (0.0, np.inf)):
        assert np.isnan(intervals(scores, low=bounds[0], high=bounds[1])).all()
