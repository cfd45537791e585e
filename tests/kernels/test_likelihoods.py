"""Choosing by log-probabilities: published and worked values, and what must hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.kernels.scoring.likelihoods import MEASURES, distribution, turned_back


@pytest.mark.parametrize(("measure", "best"), [("sum", 0), ("characters", 1), ("bytes", 0)])
def test_what_counts_as_length_decides(measure: str, best: int) -> None:
    """Three characters, five bytes, against four of both."""
    scores = MEASURES[measure](np.array([-3.0, -3.3]), ["été", "four"], np.zeros(2))
    assert scores.argmax() == best


def test_pmi_takes_away_what_is_probable_anyway() -> None:
    """(−2, −3) − (−1, −4) prefers the second."""
    scores = MEASURES["pmi"](np.array([-2.0, -3.0]), ["a", "b"], np.array([-1.0, -4.0]))
    assert scores.tolist() == [-1.0, 1.0]


@given(st.lists(st.floats(-1e4, 0), min_size=1, max_size=8), st.floats(-100, 100))
def test_a_distribution_hangs_on_differences_alone(scores: list[float], more: float) -> None:
    """It adds up to one, and keeps the order."""
    found = distribution(np.array(scores))
    assert found.sum() == pytest.approx(1)
    assert found[np.argmax(scores)] == found.max()
    assert distribution(np.array(scores) + more) == pytest.approx(found, abs=1e-9)


def test_what_no_score_has_has_no_share() -> None:
    """Of all that is none there is no distribution."""
    assert distribution(np.array([-np.inf, 0.0, -np.inf])).tolist() == [0, 1, 0]
    assert not distribution(np.array([-np.inf, -np.inf])).any()


@given(st.integers(2, 6), st.integers(0, 5), st.integers(0, 10_000))
def test_rotations_are_turned_back(choices: int, first: int, seed: int) -> None:
    """Whichever is shown first, the same comes of it; who names one letter whatever is asked says nothing."""
    liked = np.random.default_rng(seed).dirichlet(np.ones(choices))
    shown = np.array([np.roll(liked, -by) for by in range(choices)])
    assert turned_back(shown) == pytest.approx(liked)
    assert turned_back(np.roll(shown, first, axis=0)) == pytest.approx(np.roll(liked, first))
    one_letter = np.zeros((choices, choices))
    one_letter[:, first % choices] = 1
    assert turned_back(one_letter) == pytest.approx(np.full(choices, 1 / choices))


def test_rotations_that_say_nothing_are_left_out() -> None:
    """Those that do count, and of none there is no answer."""
    assert turned_back(np.array([[0.25, 0.75], [0.0, 0.0]])).tolist() == [0.25, 0.75]
    assert not turned_back(np.zeros((3, 3))).any()
