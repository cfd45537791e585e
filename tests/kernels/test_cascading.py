"""Cascades: who is asked and who answers, by naive twins, and what the search for the cheapest promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.joining.cascading import BEYOND, answering, ask_in_turn, cheapest_cascade
from concours.kernels.scoring.scores import hits, log_losses


def members(seed: int, count: int, rows: int = 60, classes: int = 3) -> tuple[list[np.ndarray], np.ndarray]:
    """Members from bad to good, some of them too sure of themselves."""
    random = np.random.default_rng(seed)
    y = random.integers(classes, size=rows)
    told = []
    for number in range(count):
        noise = random.normal(size=(rows, classes)) * random.uniform(0.5, 2)
        powers = np.exp(random.uniform(1, 3) * (noise + (number + 1) * np.eye(classes)[y]))
        told.append(powers / powers.sum(axis=1, keepdims=True))
    return told, y


def confidence(p: np.ndarray) -> np.ndarray:
    return p.max(axis=1)


def own(told: list[np.ndarray]) -> Any:
    """Each says itself how sure it is, whoever was asked before."""
    return lambda asked: confidence(told[asked[-1]])


def of_members(told: list[np.ndarray], loss: Callable[[np.ndarray], float]) -> Callable[[np.ndarray], float]:
    """The loss of what these members say."""
    return lambda whom: loss(np.stack(told)[whom, np.arange(len(whom))])


def asked_by(places: np.ndarray, count: int) -> np.ndarray:
    """Who was asked about each row, (members, rows)."""
    return places >= np.arange(count)[:, None]


def one_by_one(sure: list[np.ndarray], thresholds: list[float]) -> list[int]:
    """Each row by itself."""
    found = []
    for row in range(len(sure[0])):
        place = 0
        while place < len(sure) - 1 and sure[place][row] < thresholds[place]:
            place += 1
        found.append(place)
    return found


@given(seed=st.integers(0, 10**6), thresholds=st.lists(st.floats(0, 1.1), min_size=1, max_size=4))
@settings(max_examples=60)
def test_who_is_sure_answers(seed: int, thresholds: list[float]) -> None:
    """As row by row, and no member is asked about a row that another has answered."""
    sure = [confidence(p) for p in members(seed, len(thresholds))[0]]
    got: list[list[int]] = [[] for _ in sure]

    def ask(place: int, rows: np.ndarray) -> np.ndarray:
        got[place] += rows.tolist()
        return sure[place][rows]

    places = ask_in_turn(ask, thresholds, len(sure[0]))
    assert (
        places.tolist()
        == answering(sure[:-1] or [np.zeros(60)], [*thresholds[:-1], 0.0] if sure[:-1] else [0.0]).tolist()
    )
    assert places.tolist() == one_by_one(sure, thresholds)
    assert got == [np.flatnonzero(row).tolist() for row in asked_by(places, len(sure))]


@given(seed=st.integers(0, 10**6), count=st.integers(2, 4), place=st.integers(0, 2), step=st.floats(0, 0.5))
@settings(max_examples=60)
def test_a_threshold_is_a_knob(seed: int, count: int, place: int, step: float) -> None:
    """At 0 the first answers all, beyond all the last; a higher one never costs less."""
    sure = [confidence(p) for p in members(seed, count)[0]][:-1]
    thresholds = np.random.default_rng(seed).uniform(0, 1, size=count - 1)
    assert not answering(sure, [0.0] * count).any()
    assert (answering(sure, [BEYOND] * count) == count - 1).all()
    higher = thresholds + step * (np.arange(count - 1) == place % (count - 1))
    assert (answering(sure, [*higher, 0.0]) >= answering(sure, [*thresholds, 0.0])).all()


@pytest.mark.parametrize(("threshold", "score", "cost"), [(0.85, 0.75, 8.5), (0.5, 0.75, 3.5)])
def test_a_cheap_and_a_strong_one(threshold: float, score: float, cost: float) -> None:
    """By hand: who accepts from which confidence on is right, and costs, so much."""
    right, sure = np.array([[1, 0, 1, 0], [1, 1, 0, 1]]), np.array([0.9, 0.8, 0.6, 0.2])
    places = answering([sure], [threshold, 0.0])
    assert right[places, np.arange(4)].mean() == score
    assert asked_by(places, 2).mean(axis=1) @ [1, 10] == cost


@pytest.mark.parametrize("metric", [log_losses, hits])
@given(seed=st.integers(0, 10**6), count=st.integers(1, 4), slack=st.floats(0, 0.3), weighed=st.booleans())
@settings(max_examples=40)
def test_it_costs_no_more_and_loses_little_more_than_the_best(metric, seed, count, slack, weighed) -> None:  # type: ignore[no-untyped-def]
    """What is asked first costs least; cost and loss are those of what is answered; the last answers whatever it is."""
    told, y = members(seed, count)
    random = np.random.default_rng(seed)
    costs = random.choice([1.0, 2.0, 5.0, 5.0, 20.0], size=count).tolist()
    weights = random.uniform(0.5, 2, size=len(y)) if weighed else None
    sign = 1 if metric is log_losses else -1

    def loss(p: np.ndarray) -> float:
        return sign * float(np.average(metric(y, p), weights=weights))

    alone = [loss(p) for p in told]
    best = min(range(count), key=lambda i: (alone[i], costs[i]))
    found, point, points = cheapest_cascade(
        own(told), costs, of_members(told, loss), most=lambda i: alone[i] + slack, of_rows=weights
    )
    places = ask_in_turn(lambda at, rows: confidence(told[found.asked[at]][rows]), found.thresholds, len(y))
    shares = np.average(asked_by(places, len(found.asked)), axis=1, weights=weights)
    assert found.loss == pytest.approx(of_members(told, loss)(np.asarray(found.asked)[places]))
    assert found.asks == pytest.approx(shares)
    assert found.cost == pytest.approx(float(shares @ np.array([costs[i] for i in found.asked])))
    assert found.loss <= min(alone) + slack + 1e-12
    assert found.cost <= costs[best] + 1e-12
    assert [costs[i] for i in found.asked] == sorted({costs[i] for i in found.asked})
    assert found.thresholds[-1] == 0
    assert (point.cost, point.loss) == (found.cost, found.loss)
    assert [each.cost for each in points] == sorted(each.cost for each in points)
    assert points[0].loss == pytest.approx(min(alone[i] for i in range(count) if costs[i] == min(costs)))
    assert (points[-1].loss, points[-1].share) == pytest.approx((min(alone), 1.0))


@given(seed=st.integers(0, 10**6), count=st.integers(1, 4), budget=st.floats(1, 25), hears=st.booleans())
@settings(max_examples=40)
def test_a_budget_is_kept(seed: int, count: int, budget: float, hears: bool) -> None:
    """And with it nobody who is within it alone loses less."""
    told, y = members(seed, count)
    costs = [1.0, *np.random.default_rng(seed).choice([1.0, 2.0, 5.0, 20.0], size=count - 1)]

    def loss(p: np.ndarray) -> float:
        return float(log_losses(y, p).mean())

    found, *_ = cheapest_cascade(
        own(told), costs, of_members(told, loss), most=lambda _: 0.0, budget=budget, hears=hears
    )
    assert found.cost <= budget + 1e-9
    assert found.loss <= min(loss(p) for p, cost in zip(told, costs, strict=True) if cost <= budget)
    with pytest.raises(ValueError, match=r"a row may cost 0.5, and asking the cheapest costs 1$"):
        cheapest_cascade(own(told), costs, of_members(told, loss), most=lambda _: 0.0, budget=0.5)


def test_who_never_answers_is_heard() -> None:
    """Where two cheap ones agree they are right: the first is asked for its voice alone."""
    random = np.random.default_rng(0)
    right = np.stack([random.random(400) < share for share in (0.4, 0.6, 0.95)])
    said = np.where(right, 0, random.integers(1, 50, size=right.shape))

    def sure(asked: tuple[int, ...]) -> np.ndarray:
        return np.mean([said[one] == said[asked[-1]] for one in asked], axis=0)

    found, *_ = cheapest_cascade(
        sure,
        [1.0, 1.5, 20.0],
        lambda whom: float(1 - right[whom, np.arange(400)].mean()),
        most=lambda _: 0.06,
        hears=True,
    )
    assert found.asked == (0, 1, 2)
    assert found.thresholds[0] == BEYOND
    assert found.answers[0] == 0
    assert found.cost < 0.95 * 20


@pytest.mark.parametrize("seed", range(12))
def test_of_two_members_no_threshold_on_the_grid_is_cheaper(seed: int) -> None:
    """The naive twin tries one threshold for each twentieth of the rows."""
    told, y = members(seed, 2, rows=200)
    alone = [float(log_losses(y, p).mean()) for p in told]
    slack = 0.05
    lost = of_members(told, lambda p: float(log_losses(y, p).mean()))
    found, *_ = cheapest_cascade(own(told), [1.0, 10.0], lost, most=lambda i: alone[i] + slack)
    sure, cost = np.sort(confidence(told[0])), [10.0] if alone[1] <= min(alone) + slack else []
    cost += [1.0] if alone[0] <= min(alone) + slack else []
    for part in range(1, 20):
        place = int(np.searchsorted(sure, np.quantile(sure, part / 20)))
        answered = confidence(told[0]) >= sure[place]
        joined = np.where(answered[:, None], told[0], told[1])
        if log_losses(y, joined).mean() <= min(alone) + slack:
            cost.append(1.0 + 10.0 * float(np.mean(~answered)))
    assert found.cost == pytest.approx(min(cost))


def test_a_member_that_loses_more_and_costs_more_is_not_asked() -> None:
    """Whatever else there is."""
    told, y = members(3, 3)
    worst = np.full_like(told[0], 1 / 3)
    every = [*told, worst]
    lost = of_members(every, lambda p: float(log_losses(y, p).mean()))
    found, *_ = cheapest_cascade(own(every), [1.0, 2.0, 4.0, 30.0], lost, most=lambda _: 0.2)
    assert 3 not in found.asked


def test_thresholds_do_not_hang_on_a_last_bit() -> None:
    """They lie between confidences that there are, half and half, so that predicting a part of the rows is the same."""
    told, y = members(5, 2, rows=150)
    lost = of_members(told, lambda p: float(log_losses(y, p).mean()))
    found, *_ = cheapest_cascade(own(told), [1.0, 9.0], lost, most=lambda _: 1.0)
    for member, threshold in zip(found.asked[:-1], found.thresholds, strict=False):
        assert np.abs(confidence(told[member]) - threshold).min() > 1e-12


def test_nobody_is_no_cascade() -> None:
    """It needs a member."""
    with pytest.raises(ValueError, match="needs a member"):
        ask_in_turn(lambda _, rows: np.ones(len(rows)), [], 3)


@pytest.mark.parametrize("lost", [(np.nan,) * 3, (0.5, np.nan, 0.2), (np.nan, np.nan, 0.2), (np.inf, 0.3, np.nan)])
def test_what_is_not_finite_is_more_than_any_other_loss(lost: tuple[float, ...]) -> None:
    """Where a metric is undefined for a member it is not asked first; where it is for all, the cheapest answers alone."""
    told, _ = members(7, 3)

    def loss(whom: np.ndarray) -> float:
        return lost[whom[0]] if (whom == whom[0]).all() else np.nan

    found, *_ = cheapest_cascade(own(told), [1.0, 2.0, 3.0], loss, most=lambda i: lost[i] + np.nan)
    able = [i for i in range(3) if np.isfinite(lost[i])]
    assert found.asked == ((min(able, key=lambda i: lost[i]) if able else 0),)
    assert found.thresholds == (0.0,)
