"""Questions that tell two models apart: how many it takes, and published values of paired and clustered errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.ranking.mcnemar import mcnemar
from concours.kernels.ranking.questions import difference_of, questions_for
from concours.kernels.ranking.ranks import pair_chances, pair_differences
from concours.kernels.scoring.scores import row_means

FIRST, SECOND = "1111001101", "1101001001"


def marks(*texts: str) -> np.ndarray:
    return np.array([[int(mark) for mark in text] for text in texts], dtype=float).T


def test_millers_example():
    """A difference of three points, with variance 1/9 of differences, takes 969 questions (Miller 2024)."""
    assert questions_for(0.03) == 969
    assert questions_for(0.03, within=(1 / 6, 1 / 6), samples=(1, 1)) == 3876
    assert questions_for(0.03, within=(1 / 6, 1 / 6), samples=(10, 10)) == 1260


@settings(max_examples=60)
@given(st.integers(1, 100_000), st.floats(0.01, 1.0), st.integers(1, 20))
def test_one_is_the_inverse_of_the_other(count, apart, samples):
    """So many questions tell a difference that takes so many questions."""
    more = {"apart": apart, "within": (0.1, 0.2), "samples": (samples, 1)}
    assert questions_for(difference_of(count, **more), **more) == count


def test_intervals_are_clustered_by_passage():
    """Three passages 111|000|101: the plain error, and, for so few passages, that with the factor C / (C - 1)."""
    rows, passages = marks("111000101"), np.repeat([0, 1, 2], 3)
    assert row_means(rows).stderr[0] == pytest.approx(0.175682, abs=5e-7)
    clustered = row_means(rows, groups=passages).stderr[0]
    assert clustered == pytest.approx(0.293972, abs=5e-7)
    assert clustered / (3 / 2) ** 0.5 == pytest.approx(0.240027, abs=5e-7)


def test_differences_are_paired():
    """The error of a difference is that of the rows' differences; one exact test, and one that is less careful."""
    scores, one, other = row_means(marks(FIRST, SECOND)), np.array([0]), np.array([1])
    found = pair_differences(scores, one, other)
    assert found.value[0] == pytest.approx(0.2)
    assert found.stderr[0] == pytest.approx(0.133333, abs=5e-7)
    assert mcnemar(2, 0) == mcnemar(0, 2) == pytest.approx(0.5)
    assert mcnemar(0, 0) == 1.0
    assert 0.05 < pair_chances(scores, one, other)[0] < 0.5


@pytest.mark.parametrize(("rows", "share"), [(10, 0.3), (24, 0.2), (100, 0.1)])
def test_paired_t_tests_of_right_and_wrong_hold_for_few_rows(rows, share):
    """Why ranks need no exact test: equals that differ on few rows are called apart by 5% at most."""
    rng, wrong = np.random.default_rng(0), 0
    for _ in range(1000):
        apart = rng.random(rows)
        both = rng.integers(0, 2, rows)
        first = np.where(apart < share / 2, 1, np.where(apart < share, 0, both))
        second = np.where(apart < share / 2, 0, np.where(apart < share, 1, both))
        scores = row_means(np.stack([first, second], axis=1).astype(float))
        wrong += pair_chances(scores, np.array([0]), np.array([1]))[0] <= 0.05
    assert wrong <= 62  # of 1000, with what luck adds
