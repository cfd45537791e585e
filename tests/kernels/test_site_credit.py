"""Credit of sites from the updates of rounds: by a naive twin, and its laws."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.credit.rounds import MOST_COUNTED, Effort, site_credit

SETTINGS = settings(max_examples=30)


class Model:
    """A federation of three numbers that should come to a target: rows that judge are targets with noise."""

    def __init__(self, seed: int, sites: int, rounds: Sequence[Sequence[int]], batches: int = 6) -> None:
        self.rng = np.random.default_rng(seed)
        self.updates = [{site: self.rng.normal(0.3, 1, size=3) for site in members} for members in rounds]
        self.rows = self.rng.normal(1.0, 1.0, size=(batches, 3))
        self.asked = 0

    def at(self, number: int, coalition: Sequence[int]) -> np.ndarray:
        """The mean of the coalition's updates on what all made before."""
        before = np.zeros(3)
        for earlier in self.updates[:number]:
            before = before + np.mean(list(earlier.values()), axis=0) if earlier else before
        own = [self.updates[number][site] for site in coalition]
        return before + np.mean(own, axis=0) if own else before

    def value(self, number: int, coalition: tuple[int, ...]) -> np.ndarray:
        self.asked += 1
        scores = -np.square(self.rows - self.at(number, coalition)).mean(axis=1)
        return np.concatenate([[scores.mean()], (scores.sum() - scores) / (len(scores) - 1)])


def by_the_textbook(model: Model, number: int, members: Sequence[int]) -> dict[int, float]:
    """The mean, over all orders of a round's sites, of what each adds when it joins."""
    total = dict.fromkeys(members, 0.0)
    for order in itertools.permutations(members):
        for place, site in enumerate(order):
            after = model.value(number, tuple(sorted(order[: place + 1])))[0]
            total[site] += after - model.value(number, tuple(sorted(order[:place])))[0]
    return {site: value / math.factorial(len(members)) for site, value in total.items()}


@SETTINGS
@given(seed=st.integers(0, 10**6), sites=st.integers(1, 5), rounds=st.integers(1, 4))
def test_with_no_tolerance_it_is_the_sum_of_the_rounds_shapley_values(seed: int, sites: int, rounds: int) -> None:
    """Few sites: every coalition is looked at; sites that sit a round out get nothing of it."""
    rng = np.random.default_rng(seed)
    who = [sorted(rng.choice(sites, rng.integers(1, sites + 1), replace=False).tolist()) for _ in range(rounds)]
    model = Model(seed, sites, who)
    found = site_credit(who, sites, model.value, Effort(tolerance=0.0))
    expected = np.zeros(sites)
    for number, members in enumerate(who):
        for site, value in by_the_textbook(model, number, members).items():
            expected[site] += value
    assert np.allclose(found.shapley, expected, atol=1e-9)
    assert found.shapley.sum() == pytest.approx(found.last - found.first)
    alone = [
        model.value(n, tuple(m))[0] - model.value(n, tuple(s for s in m if s != 0))[0]
        for n, m in enumerate(who)
        if 0 in m
    ]
    assert found.lost[0] == pytest.approx(sum(alone))


@SETTINGS
@given(seed=st.integers(0, 10**6), tolerance=st.sampled_from([0.0, 0.01, 0.5, 100.0]), sites=st.integers(2, 9))
def test_shares_add_up_to_the_gain_whatever_is_cut(seed: int, tolerance: float, sites: int) -> None:
    """Efficiency: of counted rounds, of rounds of orders drawn and cut short, of rounds that were passed over."""
    who = [list(range(sites)), list(range(0, sites, 2)), []]
    model = Model(seed, sites, who)
    found = site_credit(who, sites, model.value, Effort(tolerance=tolerance, passes=3, seed=seed))
    assert found.shapley.sum() == pytest.approx(found.last - found.first, abs=1e-9)
    assert found.last == model.value(1, tuple(who[1]))[0]
    assert (found.stderr >= 0).all()
    assert tolerance < 100 or found.passed == 2


def test_orders_drawn_come_to_the_counted_ones_within_their_errors() -> None:
    """Seven sites, more than are counted: against all coalitions; the errors that come of drawing say how far off."""
    assert MOST_COUNTED < 7
    off = []
    for seed in range(12):
        who = [list(range(7))]
        model = Model(seed, 7, who, batches=40)
        model.rows[:] = model.rows[0]  # rows that are all alike: what error there is comes of the orders
        found = site_credit(who, 7, model.value, Effort(tolerance=1e-12, passes=6, seed=seed))
        exact = np.array(list(by_all_coalitions(model, 7)))
        off.append((found.shapley - exact) / np.maximum(found.stderr, 1e-12))
    assert np.abs(off).mean() < 1.6
    assert np.sqrt(np.square(off).mean()) < 2.5


def by_all_coalitions(model: Model, sites: int) -> list[float]:
    """The formula of Shapley 1953, coalition by coalition."""
    worth = {c: model.value(0, c)[0] for k in range(sites + 1) for c in itertools.combinations(range(sites), k)}
    found = []
    for site in range(sites):
        total = 0.0
        for coalition, value in worth.items():
            if site not in coalition:
                size = len(coalition)
                weight = math.factorial(size) * math.factorial(sites - size - 1) / math.factorial(sites)
                total += weight * (worth[tuple(sorted((*coalition, site)))] - value)
        found.append(total)
    return found


def test_a_site_that_changes_nothing_gets_nothing() -> None:
    """The null player: its update is what the others' mean is, so that it moves no model."""

    class Idle(Model):
        def at(self, number: int, coalition: Sequence[int]) -> np.ndarray:
            return super().at(number, [site for site in coalition if site != 2])

    who = [[0, 1, 2, 3]] * 2
    found = site_credit(who, 4, Idle(3, 4, who).value, Effort(tolerance=0.0))
    assert found.shapley[2] == pytest.approx(0, abs=1e-12)
    assert found.lost[2] == pytest.approx(0, abs=1e-12)


def test_what_gains_nothing_is_not_looked_into() -> None:
    """Truncation: a tolerance saves most of the models, and says how many rounds it passed over."""
    who = [list(range(9))] * 3
    close, rough = (Model(0, 9, who) for _ in range(2))
    looked = site_credit(who, 9, close.value, Effort(tolerance=0.0, passes=4)).looked
    found = site_credit(who, 9, rough.value, Effort(tolerance=1e9, passes=4))
    assert found.passed == 3
    assert found.looked < looked / 4
    assert np.ptp(found.shapley) == pytest.approx(0, abs=1e-12)


def test_the_same_seed_draws_the_same_orders_and_errors_follow_the_rows() -> None:
    """To the byte; and the standard error of what a site added is the jackknife's over the rows that judge."""
    who = [list(range(7))] * 2
    model = Model(1, 7, who)
    one, two = (site_credit(who, 7, model.value, Effort(tolerance=1e-3, seed=4)) for _ in range(2))
    assert np.array_equal(one.shapley, two.shapley)
    few = [[0, 1]]
    model = Model(2, 2, few, batches=5)
    found = site_credit(few, 2, model.value, Effort(tolerance=0.0))
    scores = {c: -np.square(model.rows - model.at(0, c)).mean(axis=1) for c in ((), (0,), (1,), (0, 1))}
    each = (scores[0, 1] - scores[1,] + scores[0,] - scores[()]) / 2
    assert found.stderr[0] == pytest.approx(each.std(ddof=1) / np.sqrt(5))


@pytest.mark.parametrize(("tolerance", "passes"), [(-1.0, 3), (0.0, 1)])
def test_effort_that_is_none_is_refused(tolerance: float, passes: int) -> None:
    """One line."""
    with pytest.raises(ValueError, match="tolerance of 0 or more and two passes"):
        Effort(tolerance=tolerance, passes=passes)


def test_no_round_has_no_credit() -> None:
    """One line, where no site ever sent an update."""
    with pytest.raises(ValueError, match="a round in which a site sent an update"):
        site_credit([[], []], 3, lambda number, coalition: np.zeros(2), Effort(tolerance=0.0))
