"""Cascades: who is asked and who answers, by naive twins, and what the search for the cheapest promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.joining.cascading import ask_in_turn, cheapest_cascade, confidence
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


def one_by_one(told: list[np.ndarray], thresholds: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Each row by itself."""
    answers, asked = np.zeros_like(told[0]), np.zeros((len(told), len(told[0])), dtype=bool)
    for row in range(len(told[0])):
        for place, member in enumerate(told):
            asked[place, row] = True
            if max(member[row]) >= thresholds[place] or place == len(told) - 1:
                answers[row] = member[row]
                break
    return answers, asked


@given(seed=st.integers(0, 10**6), thresholds=st.lists(st.floats(0, 1.1), min_size=1, max_size=4))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_who_is_sure_answers(seed: int, thresholds: list[float]) -> None:
    """As row by row, and no member is asked about a row that another has answered."""
    told, _ = members(seed, len(thresholds))
    got: list[list[int]] = [[] for _ in told]

    def asking(place: int):
        def ask(rows: np.ndarray) -> np.ndarray:
            got[place] += rows.tolist()
            return told[place][rows]

        return ask

    answers, asked = ask_in_turn([asking(place) for place in range(len(told))], thresholds, len(told[0]))
    expected, whom = one_by_one(told, thresholds)
    assert np.array_equal(answers, expected)
    assert np.array_equal(asked, whom)
    assert got == [np.flatnonzero(row).tolist() for row in whom]


@pytest.mark.parametrize("metric", [log_losses, hits])
@given(seed=st.integers(0, 10**6), count=st.integers(1, 4), slack=st.floats(0, 0.3), weighed=st.booleans())
@settings(derandomize=True, deadline=None, max_examples=40)
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
    found = cheapest_cascade(told, costs, loss, most=lambda i: alone[i] + slack, of_rows=weights)
    answers, asked = ask_in_turn([told[i].__getitem__ for i in found.asked], found.thresholds, len(y))
    shares = np.average(asked, axis=1, weights=weights)
    assert found.loss == pytest.approx(loss(answers))
    assert found.cost == pytest.approx(float(shares @ np.array([costs[i] for i in found.asked])))
    assert found.loss <= min(alone) + slack + 1e-12
    assert found.cost <= costs[best] + 1e-12
    assert [costs[i] for i in found.asked] == sorted({costs[i] for i in found.asked})
    assert found.thresholds[-1] == 0


@pytest.mark.parametrize("seed", range(12))
def test_of_two_members_no_threshold_on_the_grid_is_cheaper(seed: int) -> None:
    """The naive twin tries one threshold for each twentieth of the rows."""
    told, y = members(seed, 2, rows=200)
    alone = [float(log_losses(y, p).mean()) for p in told]
    slack = 0.05
    found = cheapest_cascade(
        told, [1.0, 10.0], lambda p: float(log_losses(y, p).mean()), most=lambda i: alone[i] + slack
    )
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
    found = cheapest_cascade(
        [*told, worst], [1.0, 2.0, 4.0, 30.0], lambda p: float(log_losses(y, p).mean()), most=lambda _: 0.2
    )
    assert 3 not in found.asked


def test_thresholds_do_not_hang_on_a_last_bit() -> None:
    """They lie between confidences that there are, half and half, so that predicting a part of the rows is the same."""
    told, y = members(5, 2, rows=150)
    found = cheapest_cascade(told, [1.0, 9.0], lambda p: float(log_losses(y, p).mean()), most=lambda _: 1.0)
    for member, threshold in zip(found.asked[:-1], found.thresholds, strict=False):
        assert np.abs(confidence(told[member]) - threshold).min() > 1e-12


def test_nobody_is_no_cascade() -> None:
    """It needs a member."""
    with pytest.raises(ValueError, match="needs a member"):
        ask_in_turn([], [], 3)


@pytest.mark.parametrize("lost", [(np.nan,) * 3, (0.5, np.nan, 0.2), (np.nan, np.nan, 0.2), (np.inf, 0.3, np.nan)])
def test_what_is_not_finite_is_more_than_any_other_loss(lost: tuple[float, ...]) -> None:
    """Where a metric is undefined for a member it is not asked first; where it is for all, the cheapest answers alone."""
    told, _ = members(7, 3)
    known = {p.tobytes(): loss for p, loss in zip(told, lost, strict=True)}
    found = cheapest_cascade(
        told, [1.0, 2.0, 3.0], lambda p: known.get(p.tobytes(), np.nan), most=lambda i: lost[i] + np.nan
    )
    able = [i for i in range(3) if np.isfinite(lost[i])]
    assert found.asked == ((min(able, key=lambda i: lost[i]) if able else 0),)
    assert found.thresholds == (0.0,)
