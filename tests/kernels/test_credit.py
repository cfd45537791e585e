"""Credit: the laws of Shapley values and interactions, and what is drawn against what is counted."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from concours.kernels.credit.coalitions import Scored
from concours.kernels.credit.shares import (
    Credit,
    every_coalition,
    exact_credit,
    interactions,
    jackknife_stderr,
    passed_down,
    sample,
    sampled_credit,
    shapley,
)

FINITE = st.floats(-100, 100, width=32)


def games(most: int = 5) -> st.SearchStrategy:
    """Value functions of one to some members."""
    return st.integers(1, most).flatmap(lambda n: hnp.arrays(np.float64, 2**n, elements=FINITE))


def number(members) -> int:
    return sum(1 << member for member in members)


def credit_of(values: np.ndarray, without: np.ndarray, alone=None) -> Credit:
    """Credit of all coalitions, where members by themselves are what the alliance makes of each alone."""
    single = 1 << np.arange(len(values).bit_length() - 1)
    return exact_credit(values, without, alone or Scored(values[single], without[single]))


def by_the_textbook(values: np.ndarray) -> np.ndarray:
    """The mean, over all orders, of what a member adds when it joins."""
    n = len(values).bit_length() - 1
    total = np.zeros(n)
    for order in itertools.permutations(range(n)):
        for place, member in enumerate(order):
            total[member] += values[number(order[: place + 1])] - values[number(order[:place])]
    return total / math.factorial(n)


def interactions_by_the_textbook(values: np.ndarray) -> list[float]:
    """Grabisch and Roubens 1999, the formula as it is written there."""
    n = len(values).bit_length() - 1
    found = []
    for i, j in itertools.combinations(range(n), 2):
        others = [k for k in range(n) if k not in (i, j)]
        total = 0.0
        for size in range(n - 1):
            weight = math.factorial(n - size - 2) * math.factorial(size) / math.factorial(n - 1)
            for inside in itertools.combinations(others, size):
                s = number(inside)
                a, b = 1 << i, 1 << j
                total += weight * (values[s + a + b] - values[s + a] - values[s + b] + values[s])
        found.append(total)
    return found


@given(games())
def test_shapley_values_are_those_of_the_textbook(values):
    """The matrix of weights against the mean over all orders; and efficiency: the parts add up to the whole."""
    found = shapley(values)
    assert np.allclose(found, by_the_textbook(values), atol=1e-9)
    assert np.isclose(found.sum(), values[-1] - values[0], atol=1e-9)


@given(games())
def test_interactions_are_those_of_the_textbook(values):
    """The matrix of weights against the sum over coalitions of the others."""
    assert np.allclose(interactions(values), interactions_by_the_textbook(values), atol=1e-9)


@given(games(), st.randoms(use_true_random=False))
def test_a_name_earns_nothing(values, random):
    """Symmetry: numbering the members otherwise numbers their credit otherwise, and the interactions."""
    n = len(values).bit_length() - 1
    order = random.sample(range(n), n)
    inside = every_coalition(n)
    renamed = values[[number(order[i] for i in np.flatnonzero(row)) for row in inside]]
    assert np.allclose(shapley(renamed), shapley(values)[order], atol=1e-9)


@given(games(4), st.integers(0, 4))
def test_who_adds_nothing_gets_nothing(values, place):
    """Null player: it has no credit, interacts with nobody, and the others' credit is as without it."""
    n = len(values).bit_length() - 1
    null = min(place, n)
    numbers = np.arange(2 ** (n + 1))
    without = (numbers & (1 << null) - 1) | (numbers >> null + 1 << null)
    larger = values[without]
    assert np.isclose(shapley(larger)[null], 0, atol=1e-9)
    assert np.allclose(np.delete(shapley(larger), null), shapley(values), atol=1e-9)
    first, second = np.triu_indices(n + 1, 1)
    assert np.allclose(interactions(larger)[(first == null) | (second == null)], 0, atol=1e-9)


@given(hnp.arrays(np.float64, (8, 2), elements=FINITE), FINITE, FINITE)
def test_credit_is_linear(values, a, b):
    """The credit of a mixture of games is the mixture of the credits; further axes are games of their own."""
    mixed = values @ [a, b]
    for kernel in (shapley, interactions):
        assert np.allclose(kernel(mixed), kernel(values) @ [a, b], atol=1e-6)


@given(games(4), st.integers(2, 6), st.integers(0, 9))
def test_orders_drawn_are_orders(values, pairs, seed):
    """Whatever is drawn, credit adds up to the whole; orders come with their reverses; equal seeds draw the same."""
    n = len(values).bit_length() - 1
    drawn = sample(n, pairs=pairs, seed=seed)
    table = values[drawn.coalitions @ (1 << np.arange(n))]
    assert np.isclose(drawn.shapley(table).sum(), values[-1] - values[0], atol=1e-9)
    assert (drawn.orders[::2] == drawn.orders[1::2, ::-1]).all()
    assert len({row.tobytes() for row in drawn.coalitions}) == len(drawn.coalitions)
    assert (sample(n, pairs=pairs, seed=seed).places == drawn.places).all()


def test_drawn_agrees_with_counted():
    """On a game of seven members estimates lie around the truth as far as their standard errors say."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=2**7) + every_coalition(7) @ rng.random(7)
    true, apart = shapley(values), []
    for seed in range(200):
        drawn = sample(7, pairs=40, seed=seed)
        table = values[drawn.coalitions @ (1 << np.arange(7))]
        apart.append((drawn.shapley(table) - true) / drawn.stderr(table))
    z = np.ravel(apart)
    assert abs(z.mean()) < 0.1
    assert 0.9 < np.sqrt(np.mean(z**2)) < 1.15


def test_opposite_orders_vary_less():
    """Of members that stand for one another, orders with their reverses estimate better than as many of their own."""
    values = np.sqrt(every_coalition(8) @ np.arange(1.0, 9.0))

    def error(orders_of) -> float:
        found = [orders_of(seed) for seed in range(60)]
        return float(np.mean((np.array(found) - shapley(values)) ** 2))

    def paired(seed):
        drawn = sample(8, pairs=5, seed=seed)
        return drawn.shapley(values[drawn.coalitions @ (1 << np.arange(8))])

    def single(seed):
        rng = np.random.default_rng(seed)
        total = np.zeros(8)
        for _ in range(10):
            order = rng.permutation(8)
            sums = np.sqrt(np.concatenate([[0.0], np.cumsum(order + 1.0)]))
            total[order] += np.diff(sums)
        return total / 10

    assert error(paired) < 0.7 * error(single)


def test_the_jackknife_of_a_mean_is_its_standard_error():
    """With each row a group; on values of coalitions it goes through credit, as that is linear."""
    rows = np.random.default_rng(0).normal(size=(8, 50))
    without = (rows.sum(axis=1, keepdims=True) - rows) / 49
    assert np.allclose(jackknife_stderr(without), rows.std(axis=1, ddof=1) / np.sqrt(50))
    found = credit_of(rows.mean(axis=1), without)
    assert np.allclose(found.stderr, shapley(rows).std(axis=1, ddof=1) / np.sqrt(50))
    gains = rows[-1] - rows[0]
    assert np.isclose(found.gain_stderr, gains.std(ddof=1) / np.sqrt(50))
    assert found.pairs.tolist() == [[0, 1], [0, 2], [1, 2]]


def test_shares_only_of_a_gain():
    """Shares add up to one; where the gain does not exceed twice its standard error there are none."""
    values = np.array([0.0, 1.0, 0.5, 2.0])
    little = 1e-3 * every_coalition(2).sum(axis=1)
    sure = credit_of(values, np.stack([values - little, values + little], axis=1))
    assert sure.shares is not None
    assert np.isclose(sure.shares.sum(), 1)
    unsure = credit_of(values, np.stack([values - [5, 0, 0, 0], values], axis=1))
    assert unsure.shares is None
    worse = credit_of(-values, np.stack([values - little, values + little], axis=1))
    assert worse.shares is None
    assert credit_of(values, values[:, None]).shares is None, "rows of one group do not tell how sure it is"


@pytest.mark.parametrize("harm", [0.05, 0.4, 0.9, 1.4, 3.0])
def test_no_share_beyond_the_whole(harm):
    """Of two members that help and harm by more than both gain together no share is told: 296% says nothing of either."""
    values = np.array([0.0, 1.0 + harm, -harm, 1.0])
    little = 1e-3 * every_coalition(2).sum(axis=1)
    found = credit_of(values, np.stack([values - little, values + little], axis=1))
    if (np.abs(found.shapley) > 1.0).any():
        assert found.shares is None
    else:
        assert np.allclose(found.shares, found.shapley)


def test_a_gain_between_one_and_two_errors_is_not_shared():
    """A gain of one and a half standard errors may be nothing."""
    values = np.array([0.0, 1.0, 0.5, 1.5])
    found = credit_of(values, np.array([values - [1, 0, 0, 0], values + [1, 0, 0, 0]]).T)
    assert found.gain_stderr < 1.5 < 2 * found.gain_stderr
    assert found.shares is None


def test_what_was_drawn_has_both_errors():
    """Credit of drawn orders: the error of the rows and of the draw add up as squares; no interactions."""
    drawn = sample(3, pairs=2, seed=0)
    values = np.random.default_rng(1).normal(size=len(drawn.coalitions))
    without = np.stack([values - 0.1, values + 0.1 * drawn.coalitions.sum(axis=1)], axis=1)
    found = sampled_credit(drawn, values, without, Scored(np.zeros(3), np.zeros((3, 2))))
    assert np.allclose(found.stderr, np.hypot(drawn.stderr(values), jackknife_stderr(drawn.shapley(without))))
    assert np.isclose(found.shapley.sum(), found.value - found.prior)
    assert len(found.pairs) == len(found.interactions) == 0


def joining_by_the_textbook(values: np.ndarray) -> np.ndarray:
    """Shapley values of what exceeds the best member alone."""
    n = len(values).bit_length() - 1
    best = max(values[1 << member] for member in range(n))
    return by_the_textbook(np.array([0.0, *(max(value - best, 0.0) for value in values[1:])]))


@given(games())
def test_what_is_lost_without_each_and_who_made_more_than_the_best(values):
    """As their words say; what joining gained adds up; somebody who is never missed loses nothing to the alliance."""
    n = len(values).bit_length() - 1
    found = credit_of(values, np.stack([values, values], axis=1))
    everybody = 2**n - 1
    assert np.allclose(found.lost, [values[everybody] - values[everybody - (1 << member)] for member in range(n)])
    alone = [values[1 << member] for member in range(n)]
    assert alone[found.best] == max(alone)
    assert np.isclose(found.ahead, values[everybody] - max(alone))
    assert np.allclose(found.joining, joining_by_the_textbook(values), atol=1e-6)
    assert np.isclose(found.joining.sum(), max(found.ahead, 0.0), atol=1e-6)


@given(games(4), st.integers(2, 6), st.integers(0, 9))
def test_drawn_orders_know_what_is_lost_without_each(values, pairs, seed):
    """What is lost, the best member, and how far all are ahead of it are exact whatever orders were drawn."""
    n = len(values).bit_length() - 1
    drawn = sample(n, pairs=pairs, seed=seed)
    table = values[drawn.coalitions @ (1 << np.arange(n))]
    alone = values[1 << np.arange(n)]
    found = sampled_credit(
        drawn, table, np.stack([table, table], axis=1), Scored(alone, np.stack([alone, alone], axis=1))
    )
    true = credit_of(values, np.stack([values, values], axis=1))
    assert (found.lost == true.lost).all()
    assert (found.best, found.ahead) == (true.best, true.ahead)
    assert np.isclose(found.joining.sum(), max(found.ahead, 0.0), atol=1e-6)


def test_shares_over_the_best_tell_apart_whom_shares_over_nothing_do_not():
    """Three good models, of which two are the same: over nothing a third each, over the best one has two thirds."""
    inside = every_coalition(3)
    values = 1.0 * inside.any(axis=1) + 0.06 * (inside[:, 0] & inside[:, 1:].any(axis=1))
    noise = 1e-3 * np.random.default_rng(0).normal(size=(8, 20))
    found = credit_of(values, values[:, None] + noise)
    assert np.ptp(found.shares) < 0.04
    assert np.allclose(found.joining_shares, [2 / 3, 1 / 6, 1 / 6])
    assert np.allclose(found.lost, [0.06, 0.0, 0.0])
    assert (np.abs(found.lost_stderr) > 0).all()


def test_the_best_member_is_the_best_as_it_stands():
    """A rule that makes less of a member alone than it is does not make the alliance seem ahead of it."""
    noise = 1e-3 * np.random.default_rng(0).normal(size=(4, 20))
    values = np.array([0.0, 0.3, 0.2, 0.5])
    alone = np.array([0.6, 0.1])
    found = credit_of(values, values[:, None] + noise, Scored(alone, alone[:, None] + noise[:2]))
    assert (found.best, found.ahead) == (0, pytest.approx(-0.1))
    assert found.joining_shares is None and not found.joining.any()


@pytest.mark.parametrize("lead", [-0.1, 0.0, 0.001])
def test_what_is_hardly_ahead_of_the_best_is_not_shared_out(lead):
    """Behind it, level with it, or within two standard errors."""
    values = np.array([0.0, 1.0, 0.9, 1.0 + lead])
    noise = 1e-3 * np.random.default_rng(0).normal(size=(4, 20))
    found = credit_of(values, values[:, None] + noise)
    assert found.shares is not None
    assert found.joining_shares is None


@settings(max_examples=30)
@given(hnp.arrays(np.float64, 3, elements=FINITE), st.integers(0, 99))
def test_credit_goes_down_through_alliances(credit, seed):
    """It multiplies, keeps its sum, and going down twice is going down by the product; a single model keeps its own."""
    rng = np.random.default_rng(seed)
    first, second = rng.dirichlet(np.ones(4), size=3), rng.dirichlet(np.ones(2), size=4)
    down = passed_down(credit, first)
    assert np.isclose(down.sum(), credit.sum(), atol=1e-6)
    assert np.allclose(passed_down(down, second), passed_down(credit, first @ second), atol=1e-6)
    assert (passed_down(credit, np.eye(3)) == credit).all()


def test_what_is_not_defined_passes_down_to_those_below_it_alone():
    """A member without credit leaves its models without, a model without a part is without; nobody else is."""
    parts = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    assert np.isnan(passed_down(np.array([np.nan, 0.4]), parts)).tolist() == [True, True, False]
    assert passed_down(np.array([np.nan, 0.4]), parts)[2] == 0.4
    unknown = np.array([[np.nan, np.nan, 0.0], [0.0, 0.25, 0.75]])
    found = passed_down(np.array([0.6, 0.4]), unknown)
    assert np.isnan(found).tolist() == [True, True, False]
    assert np.isclose(found[2], 0.3)


def test_what_does_not_fit_is_refused():
    """A table that is not of all coalitions, a draw of nothing, parts that do not add up."""
    with pytest.raises(ValueError, match=r"2\*\*n coalitions, got 3"):
        shapley(np.zeros(3))
    with pytest.raises(ValueError, match="two pairs of orders, got 3 and 1"):
        sample(3, pairs=1, seed=0)
    with pytest.raises(ValueError, match="must add up to one"):
        passed_down(np.ones(1), np.array([[0.5, 0.4]]))
