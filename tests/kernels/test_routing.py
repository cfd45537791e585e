"""Who a request goes to: odds against draws, bounds, and estimates without bias."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.routing.beliefs import Belief, updated
from concours.kernels.routing.gain import gain, value
from concours.kernels.routing.thompson import bounded, leader, odds

OFFERS = st.lists(st.tuples(st.floats(-2, 2), st.floats(0, 1)), min_size=1, max_size=5)


def drawn(means, sds, slack, draws=200_000):
    """The naive twin: qualities are drawn, and the first within the slack of the best is counted."""
    qualities = np.random.default_rng(0).normal(means, sds, (draws, len(means)))
    first = (qualities >= qualities.max(axis=1, keepdims=True) - slack).argmax(axis=1)
    return np.bincount(first, minlength=len(means)) / draws


@pytest.mark.parametrize("slack", [0.0, 0.03, 0.5])
@pytest.mark.parametrize(
    ("means", "sds"),
    [
        ([0.9, 0.91, 0.8], [0.02, 0.01, 0.1]),
        ([0.5, 0.5], [0.1, 0.1]),
        ([0.1, 0.9, 0.905, 0.89], [1e-4, 0.02, 1e-3, 0.3]),
        ([0.7], [0.1]),
    ],
)
def test_odds_are_those_of_draws(means, sds, slack):
    """The integral says what drawing says, for narrow beside wide beliefs too."""
    found = odds(np.array(means), np.array(sds), slack)
    assert np.abs(found - drawn(means, sds, slack)).max() < 0.005


@given(OFFERS, st.sampled_from([0.0, 0.1, 1.0]), st.sampled_from([0.0, 0.02, 0.3, 1.0]))
@settings(max_examples=60)
def test_exploration_is_bounded_and_reaches_everybody(offers, slack, share):
    """Probabilities sum to one, others than the leader have the share at most, and each its least."""
    means, sds = (np.array(each) for each in zip(*offers, strict=True))
    first = leader(means, slack)
    p = bounded(odds(means, sds, slack), first, share)
    assert p.sum() == pytest.approx(1)
    assert 1 - p[first] <= share + 1e-9
    assert (p >= share / 2 / len(p) - 1e-12).all()


def test_equal_offers_without_errors_share():
    """Qualities that are known exactly and equal are chosen alike, and a better one alone."""
    assert odds(np.array([0.5, 0.5]), np.zeros(2)) == pytest.approx([0.5, 0.5], abs=1e-3)
    assert odds(np.array([0.5, 0.6]), np.zeros(2)) == pytest.approx([0, 1])
    assert odds(np.array([0.5, 0.6]), np.zeros(2), 0.2) == pytest.approx([1, 0])


@given(OFFERS, st.lists(st.floats(-5, 5), min_size=5, max_size=5), st.floats(-3, 3), st.integers(0, 4))
@settings(max_examples=60)
def test_estimates_have_no_bias(offers, scores, middle, other):
    """Summed over all that could have been drawn, each with its probability, an estimate is the truth exactly."""
    means, sds = (np.array(each) for each in zip(*offers, strict=True))
    p = bounded(odds(means, sds), leader(means), 0.1)
    truth, other = np.array(scores[: len(p)]), other % len(p)
    chosen = np.arange(len(p))
    each = [
        (value(*row, middle).mean, gain(*row, middle).mean)
        for row in zip(truth[:, None], p[:, None], (chosen == other)[:, None].astype(float), strict=True)
    ]
    assert np.dot(p, [v for v, _ in each]) == pytest.approx(truth[other], abs=1e-9)
    assert np.dot(p, [g for _, g in each]) == pytest.approx(np.dot(p, truth) - truth[other], abs=1e-9)


def test_a_simulated_router_estimates_its_gain():
    """Over many requests the estimate lies within its own error of what the router truly gains on either offer."""
    rng = np.random.default_rng(7)
    p = bounded(odds(np.array([0.8, 0.7]), np.array([0.05, 0.05])), 0, 0.2)
    chosen = rng.choice(2, size=20_000, p=p)
    scores = (rng.random(20_000) < np.array([0.85, 0.6])[chosen]).astype(float)
    for other, truth in ((0, 0.85), (1, 0.6)):
        found = gain(scores, p[chosen], (chosen == other).astype(float), 0.7)
        assert abs(found.mean - (p @ [0.85, 0.6] - truth)) < 4 * found.stderr


@given(st.floats(-1, 1), st.floats(1e-3, 1), st.floats(1e-2, 2), st.lists(st.floats(0, 1), min_size=1, max_size=9))
@settings(max_examples=60)
def test_beliefs_learn_alike_one_by_one_and_together(mean, sd, noise, scores):
    """Scores may come in any portions; each makes the belief narrower."""
    start = Belief(mean=mean, sd=sd, noise=noise)
    step = start
    for score in scores:
        narrower = updated(step, 1, score)
        assert narrower.sd < step.sd
        step = narrower
    whole = updated(start, len(scores), sum(scores))
    assert (step.mean, step.sd) == pytest.approx((whole.mean, whole.sd))


def test_exact_beliefs_stay():
    """What is known exactly is not changed by scores, and scores without noise settle the rest."""
    exact = Belief(mean=0.5, sd=0.0, noise=0.1)
    assert updated(exact, 10, 10.0) == exact
    assert updated(Belief(mean=0.5, sd=0.1, noise=0.0), 2, 1.8) == Belief(mean=0.9, sd=0.0, noise=0.0)
