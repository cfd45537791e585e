"""Routes: who is asked about which row, by naive twins, and what the search for the cheapest promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.joining.routing import (
    cheapest_route,
    chosen,
    curve_of_two,
    gap_recovered,
    score_against_cost,
    trades,
)

SEEDS = st.integers(0, 10**6)


def drawn(seed: int, members: int, rows: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is expected of members on rows, what they score, and costs, some of them the same."""
    random = np.random.default_rng(seed)
    scores = (random.random((rows, members)) < random.uniform(0.3, 0.9, members)).astype(float)
    expected = scores + random.normal(scale=random.uniform(0.1, 2), size=scores.shape)
    return expected, scores, random.choice([0.5, 1.0, 4.0, 20.0], members)


@given(seed=SEEDS, members=st.integers(1, 4), trade=st.floats(0, 5))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_a_row_goes_where_most_is_left_after_its_cost(seed: int, members: int, trade: float) -> None:
    """As row by row; without a trade to the best expected, at an endless one to the cheapest."""
    expected, _, costs = drawn(seed, members)
    naive = [max(range(members), key=lambda m, row=row: (row[m] - trade * costs[m], -m)) for row in expected]
    assert chosen(expected, trade * costs).tolist() == naive
    assert np.array_equal(chosen(expected, 0.0 * costs), expected.argmax(axis=1))
    assert (costs[chosen(expected, 1e9 * costs)] == costs.min()).all()


@given(seed=SEEDS, members=st.integers(1, 4), slack=st.floats(0, 0.2), weighed=st.booleans())
@settings(derandomize=True, deadline=None, max_examples=60)
def test_the_cheapest_that_is_good_enough(seed: int, members: int, slack: float, weighed: bool) -> None:
    """Never dearer than the best member, never worse than is allowed; what is told of it is so."""
    expected, scores, costs = drawn(seed, members)
    weights = np.random.default_rng(seed).uniform(0.1, 2, len(scores)) if weighed else None

    def loss(whom: np.ndarray) -> float:
        return -float(np.average(scores[np.arange(len(whom)), whom], weights=weights))

    alone = [loss(np.full(len(scores), member)) for member in range(members)]
    found = cheapest_route(expected, costs.tolist(), loss, most=lambda best: alone[best] + slack, of_rows=weights)
    best = min(range(members), key=lambda m: (alone[m], costs[m]))
    assert found.point.cost <= costs[best] * (1 + 1e-9)
    assert found.point.loss <= alone[best] + slack
    whom = np.asarray(found.asked)[chosen(expected[:, found.asked], found.handicaps)]
    assert loss(whom) == pytest.approx(found.point.loss)
    assert np.average(costs[whom], weights=weights) == pytest.approx(found.point.cost)
    shares = [np.average(whom == member, weights=weights) for member in found.asked]
    assert found.shares == pytest.approx(shares)
    assert min(found.handicaps) == 0


def test_members_that_are_equal_are_one() -> None:
    """Of those that score and cost the same the first is asked; a loss that is not finite is not good."""
    expected = np.zeros((5, 3))
    found = cheapest_route(expected, [1, 1, 1], lambda _: 0.5, most=lambda _: 0.5)
    assert (found.asked, found.handicaps, found.shares) == ((0,), (0.0,), (1.0,))
    found = cheapest_route(expected, [1, 2, 3], lambda whom: 0.1 if whom[0] == 2 else math.nan, most=lambda _: 0.1)
    assert found.asked == (2,)


@given(seed=SEEDS, members=st.integers(1, 4))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_the_curve_goes_from_the_cheapest_to_the_dearest(seed: int, members: int) -> None:
    """Costs rise with the share of the dearest where there are two; ends are members alone."""
    expected, scores, costs = drawn(seed, members)
    points = score_against_cost(expected, costs, lambda whom: -float(scores[np.arange(len(whom)), whom].mean()))
    assert points[0].cost == pytest.approx(costs.min())
    assert (points[-1].cost, points[-1].share) == pytest.approx((costs.max(), 1))
    if members == 2:
        assert np.all(np.diff([point.cost for point in points]) >= -1e-12)


@given(seed=SEEDS)
@settings(derandomize=True, deadline=None, max_examples=40)
def test_a_trade_lies_between_rows(seed: int) -> None:
    """A last bit of what is expected changes no choice."""
    expected, _, _ = drawn(seed, 2)
    costs, bits = np.array([1.0, 3.0]), np.random.default_rng(seed).choice([-1e-13, 1e-13], expected.shape)
    for trade in trades(expected, costs):
        assert np.array_equal(chosen(expected, trade * costs), chosen(expected + bits, trade * costs))


@given(seed=SEEDS, rows=st.integers(2, 40), levels=st.integers(1, 5))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_a_curve_of_two_is_the_mean_over_orders_of_equal_rows(seed: int, rows: int, levels: int) -> None:
    """At each share the mean of what all orders score that break ties by chance."""
    random = np.random.default_rng(seed)
    weak, strong, gains = random.random(rows), random.random(rows), random.integers(levels, size=rows).astype(float)
    shares, scores = curve_of_two(weak, strong, gains)
    for sent in range(rows + 1):
        above = np.sort(gains)[::-1][:sent]
        level = above[-1] if sent else np.inf
        tied = gains == level
        part = (sent - (gains > level).sum()) / max(tied.sum(), 1)
        expected = weak.sum() + (strong - weak)[gains > level].sum() + part * (strong - weak)[tied].sum()
        assert np.interp(sent / rows, shares, scores) == pytest.approx(expected / rows)


def test_what_chance_and_an_oracle_recover() -> None:
    """On recorded answers' shares: MMLU by two models (both right, one alone, none), as published beside the data."""
    counts = {(1, 1): 4140, (0, 1): 1187, (1, 0): 428, (0, 0): 1168}
    weak, strong = np.repeat(np.asarray(list(counts), dtype=float), list(counts.values()), axis=0).T
    assert (weak.mean(), strong.mean()) == pytest.approx((0.660, 0.769), abs=5e-4)
    assert gap_recovered(*curve_of_two(weak, strong, np.zeros(len(weak)))) == pytest.approx(0.5)
    shares, scores = curve_of_two(weak, strong, strong - weak)
    stopping = np.maximum.accumulate(scores)  # sends no more from where on nothing is gained
    closed = (stopping - weak.mean()) / (strong.mean() - weak.mean())
    assert float(np.sum(np.diff(shares) * (closed[1:] + closed[:-1]) / 2)) == pytest.approx(1.43, abs=0.005)
    assert gap_recovered(*curve_of_two(weak, strong, weak - strong)) < 0
    assert gap_recovered(*curve_of_two(3 * weak, 3 * strong, strong - weak)) == pytest.approx(
        gap_recovered(shares, scores)
    )
