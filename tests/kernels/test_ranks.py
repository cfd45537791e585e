"""Rank ranges: laws, a naive twin, and the promise that they hold together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from concours.kernels.ranking.differences import differences
from concours.kernels.ranking.ranks import certain_pairs, competition_ranks, rank_ranges
from concours.kernels.scoring.intervals import intervals
from concours.kernels.scoring.scores import Means, pair_degrees, root, row_means, value_means

SETTINGS = settings(max_examples=60)


def naive_holm(rows: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Pairs in order of their p-value, as many degrees of freedom as the variance rests on; one too large ends it."""
    k = rows.shape[1]
    certain = np.zeros((k, k), dtype=bool)
    p = {}
    for i in range(k):
        for j in range(i + 1, k):
            apart = rows[:, i] - rows[:, j]
            squares = (apart - apart.mean()) ** 2
            degrees = 2 / (np.square(squares).sum() / squares.sum() ** 2 - 1 / len(rows))
            error = (squares.sum() / (len(rows) - 1) / len(rows)) ** 0.5
            p[i, j] = 2 * t.sf(abs(apart.mean()) / error, min(max(degrees, 1), len(rows) - 1))
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
    rows = rng.standard_t(3, size=(60, k)) + rng.normal(size=(60, 1)) + spread * rng.normal(size=k)
    assert (certain_pairs(row_means(rows)) == naive_holm(rows)).all()


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


def test_signs_tell_of_means_of_rows_alone():
    """No variance at all is not certainty: of what is no mean of rows nothing is known then."""
    rows = np.tile([1.0, 4.0], (50, 1))
    assert certain_pairs(row_means(rows))[0, 1]
    assert not certain_pairs(value_means(np.hsplit(rows, 2), root)).any()
    assert not certain_pairs(Means(np.array([1.0, 2.0]), np.zeros((2, 2)), units=50)).any()


def test_a_difference_that_one_row_makes_is_not_certain():
    """One row in a hundred on which one is wrong by much: the variance rests on that row, however many there are."""
    rows = np.random.default_rng(0).normal(size=(100, 2)) * 1e-3
    rows[0, 0] += 5.0
    degrees = row_means(rows).tested.degrees
    assert degrees[0, 1] < 3
    assert degrees[0, 0] == 99
    assert not certain_pairs(row_means(rows)).any()


@SETTINGS
@given(st.integers(3, 40), st.integers(0, 10_000), st.sampled_from([1.0, 1e-3, 1e-9]))
def test_degrees_of_freedom_of_the_like(rows, seed, apart):
    """Fourth moments of differences by sums of products are those pair by pair, of models that hardly differ as well."""
    rng = np.random.default_rng(seed)
    moved = rng.standard_t(3, size=(rows, 1)) + apart * rng.standard_t(3, size=(rows, 3))
    moved -= moved.mean(axis=0)
    found = pair_degrees(moved, rows)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        squares = np.square(moved[:, i] - moved[:, j])
        expected = 2 / max((squares @ squares) / squares.sum() ** 2 - 1 / rows, 1e-300)
        assert np.isclose(found[i, j], np.clip(expected, 1, rows - 1), rtol=1e-5)


@SETTINGS
@given(st.integers(0, 10_000), st.booleans())
def test_laws_of_differences(seed, few):
    """Turned round, a difference and its interval change sign; it lies in the interval; of too few rows there is none."""
    scores = row_means(np.random.default_rng(seed).normal(size=(30, 3)))
    scores = replace(scores, few="3 rows are too few" if few else "")
    there, back = differences(scores, [(0, 1), (1, 2)]), differences(scores, [(1, 0), (2, 1)])
    assert np.allclose(there.value, -back.value)
    assert np.allclose(there.low, -back.high, equal_nan=True)
    assert (there.certain == back.certain).all()
    if few:
        assert np.isnan([there.low, there.high]).all()
        assert not certain_pairs(scores).any()
        assert np.isnan(intervals(scores)).all()
    else:
        assert (there.low <= there.value).all()
        assert (there.value <= there.high).all()


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
