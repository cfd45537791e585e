"""Several samples a question: published values, laws, and naive twins that try every way to draw."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.scoring.samples import majority_at, pass_all, pass_at, within
from concours.kernels.scoring.scores import row_means

SETTINGS = settings(max_examples=60)


@st.composite
def counted(draw):
    """Samples, how many are right, and how many are drawn."""
    n = draw(st.integers(1, 9))
    return n, draw(st.integers(0, n)), draw(st.integers(1, n))


def test_values_that_any_implementation_must_give():
    """Of Chen et al. 2021 and of pass^k, not those of 1 - (1 - c / n) ** k, which is .83193 for the second."""
    assert pass_at(5, np.array([2]), 2)[0] == pytest.approx(0.7)
    assert pass_at(10, np.array([3]), 5)[0] == pytest.approx(0.916667, abs=5e-7)
    assert pass_all(10, np.array([8]), 3)[0] == pytest.approx(0.466667, abs=5e-7)
    assert [majority_at([3, 2], [True, False], k) for k in range(1, 6)] == pytest.approx([0.6, 0.6, 0.7, 0.7, 1.0])


@SETTINGS
@given(counted())
def test_passing_is_counting_all_ways_to_draw(sample):
    """One of k is right, or all are: over every choice of k samples."""
    n, c, k = sample
    drawn = [sum(place < c for place in chosen) for chosen in combinations(range(n), k)]
    assert pass_at(n, np.array([c]), k)[0] == pytest.approx(np.mean([one > 0 for one in drawn]))
    assert pass_all(n, np.array([c]), k)[0] == pytest.approx(np.mean([one == k for one in drawn]))


@SETTINGS
@given(st.lists(st.integers(0, 3), min_size=1, max_size=7), st.data())
def test_a_majority_is_counting_all_ways_to_draw(answers, data):
    """Ties are shared by those that lead; answer 0 and answer 2 are right."""
    k = data.draw(st.integers(1, len(answers)))
    shares = []
    for chosen in combinations(answers, k):
        counts = [chosen.count(answer) for answer in range(4)]
        first = [answer for answer in range(4) if counts[answer] == max(counts)]
        shares.append(np.mean([answer in (0, 2) for answer in first]))
    votes = [answers.count(answer) for answer in range(4)]
    assert majority_at(votes, [True, False, True, False], k) == pytest.approx(np.mean(shares))


def test_an_error_counts_questions_and_samples():
    """The spread between questions' own means has both: it is that of the truth, and a sample's over so many."""
    rng = np.random.default_rng(0)
    means, errors, parts = [], [], []
    for _ in range(2000):
        right = rng.binomial(4, rng.beta(2, 1, size=30))
        found = row_means((right / 4)[:, None])
        means.append(found.means[0])
        errors.append(found.covariance[0, 0])
        parts.append(within(4, right))
    assert np.var(means) == pytest.approx(np.mean(errors), rel=0.08)
    assert np.mean(parts) == pytest.approx((2 / 3 - 0.5) / 4 / 30, rel=0.03)  # E p(1-p) = 1/6 of Beta(2, 1)


@pytest.mark.parametrize("k", [0, 6])
def test_more_than_there_are_cannot_be_drawn(k):
    """No number is given for what no sample tells."""
    with pytest.raises(ValueError, match="from 1 to the 5 samples"):
        pass_at(5, np.array([2]), k)
    with pytest.raises(ValueError, match="from 1 to the 5 samples"):
        majority_at([3, 2], [True, False], k)
