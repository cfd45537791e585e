"""Rank ranges: laws, a naive twin, and the promise that they hold together."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from concours.kernels.ranks import certain_pairs, competition_ranks, rank_ranges
from concours.kernels.scores import Means, row_means

SETTINGS = settings(derandomize=True, max_examples=60, deadline=None)


def naive_holm(scores: Means, level: float = 0.95) -> np.ndarray:
    """Pairs in order of their p-value; the first that is too large ends it."""
    k, certain = len(scores.means), np.zeros((len(scores.means),) * 2, dtype=bool)
    p = {}
    for i in range(k):
        for j in range(i + 1, k):
            variance = scores.covariance[i, i] + scores.covariance[j, j] - 2 * scores.covariance[i, j]
            p[i, j] = 2 * t.sf(abs(scores.means[i] - scores.means[j]) / variance**0.5, scores.units - 1)
    for done, (i, j) in enumerate(sorted(p, key=p.get)):
        if p[i, j] > (1 - level) / (len(p) - done):
            break
        certain[i, j] = certain[j, i] = True
    return certain


@SETTINGS
@given(st.integers(2, 7), st.integers(0, 10_000), st.floats(0.0, 2.0))
def test_certain_pairs_are_holms(k, seed, spread):
    """The fast step-down is the textbook's, pair by pair."""
    rng = np.random.default_rng(seed)
    scores = row_means(rng.normal(size=(60, k)) + rng.normal(size=(60, 1)) + spread * rng.normal(size=k))
    assert (certain_pairs(scores) == naive_holm(scores)).all()


@SETTINGS
@given(st.integers(1, 8), st.integers(0, 10_000), st.booleans())
def test_laws_of_ranges(k, seed, greater):
    """best <= rank <= worst, somebody may be first, and turning the metric round turns the ranks round."""
    rng = np.random.default_rng(seed)
    scores = row_means(rng.normal(size=(40, k)) + rng.normal(size=k))
    ranges, ranks = (
        rank_ranges(scores, greater_is_better=greater),
        competition_ranks(scores.means, greater_is_better=greater),
    )
    assert (ranges.best <= ranks).all()
    assert (ranks <= ranges.worst).all()
    assert ranges.best.min() == 1
    other = rank_ranges(scores, greater_is_better=not greater)
    assert (other.best == k + 1 - ranges.worst).all()


def test_equal_entrants_share_everything():
    """Two entrants with the same predictions cannot be told apart, whatever the others do."""
    rows = np.random.default_rng(0).normal(size=(100, 3)) + [0, 5, 0]
    rows[:, 2] = rows[:, 0]
    ranges = rank_ranges(row_means(rows), greater_is_better=False)
    assert ranges.best.tolist() == [1, 3, 1]
    assert ranges.worst.tolist() == [2, 3, 2]
    assert competition_ranks(rows.mean(axis=0), greater_is_better=False).tolist() == [1, 3, 1]


def test_ranges_hold_together():
    """With equal entrants, some pair is called different in no more than 5% of boards (two standard errors allowed)."""
    rng = np.random.default_rng(0)
    wrong = sum(certain_pairs(row_means(rng.normal(size=(200, 6)))).any() for _ in range(400))
    assert wrong / 400 <= 0.05 + 2 * (0.05 * 0.95 / 400) ** 0.5


def test_nothing_is_certain_of_what_is_unknown():
    """Where nothing tells how sure scores are, e.g. rows of one group alone, no two can be told apart."""
    scores = row_means(np.arange(12.0).reshape(6, 2), groups=np.zeros(6, dtype=np.int64))
    assert rank_ranges(scores, greater_is_better=True).best.tolist() == [1, 1]


def test_few_rows_that_all_say_the_same_are_not_certain():
    """Three hits against three misses come by chance, though no variance is seen; eight do not."""
    few, many = (row_means(np.tile([1.0, 0.0], (rows, 1))) for rows in (3, 8))
    assert not certain_pairs(few).any()
    assert certain_pairs(many)[0, 1]


def test_rounding_is_no_difference():
    """Scores that differ by the last digit of a float are not told apart."""
    rows = np.random.default_rng(0).random((500, 1)) + [0.0, 1e-15]
    assert not certain_pairs(row_means(rows)).any()


def test_undefined_scores_are_last():
    """Who has no score is behind everybody who has one, and nobody is certainly better."""
    scores = Means(np.array([np.nan, 0.2, 0.3]), np.full((3, 3), np.nan))
    assert competition_ranks(scores.means, greater_is_better=True).tolist() == [3, 2, 1]
    assert rank_ranges(scores, greater_is_better=True).worst.tolist() == [3, 3, 3]


def test_what_was_only_tried_counts_in_the_tests_and_not_in_the_ranks() -> None:
    """With more pairs in the family a difference is less sure; the ranks are of those that stand on the board."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(100, 12)) + np.r_[0.0, 0.33, np.zeros(10)]
    alone = rank_ranges(row_means(rows[:, :2]), greater_is_better=True)
    among = rank_ranges(row_means(rows), greater_is_better=True, standing=2)
    assert (alone.best.tolist(), alone.worst.tolist()) == ([2, 1], [2, 1])
    assert (among.best.tolist(), among.worst.tolist()) == ([1, 1], [2, 2])
