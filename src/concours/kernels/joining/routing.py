"""Routing: from what is known of a row before anybody is asked, to the one member that is asked about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_STEPS = 40
"""Trades that are tried lie between so many equal parts of all that there are, by pairs of members and rows."""

_SAVING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Point:
    """One trade of score for cost.

    Attributes:
        share: of the rows that go to the dearest member, the last of equally dear ones.
        cost: of a row, on average.
        loss: of what is answered.
    """

    share: float
    cost: float
    loss: float


@dataclass(frozen=True, kw_only=True)
class Route:
    """Who may be asked, and what speaks against each.

    Attributes:
        asked: numbers of the members that are asked about some row, in their order.
        handicaps: (asked,) by how much more than another each must be expected to score.
        shares: (asked,) of the rows that each is asked about.
        point: what it trades.
    """

    asked: tuple[int, ...]
    handicaps: tuple[float, ...]
    shares: tuple[float, ...]
    point: Point


def chosen(expected: Floats, handicaps: Sequence[float] | Floats) -> Codes:
    """(rows,) the member from which most is expected, less its handicap; the first of equal ones.

    Args:
        expected: (rows, members) scores, higher is better.
        handicaps: (members,).

    Laws: without handicaps whoever is expected to score best; with handicaps that are costs times a number beyond all
    that scores differ by, whoever costs least.
    """
    return np.asarray(np.argmax(expected - np.asarray(handicaps, dtype=np.float64), axis=1))


def trades(expected: Floats, costs: Sequence[float]) -> Floats:
    """What a unit of cost may be worth, (trades,), rising, such that another choice follows from each.

    Halfway between values at which two members are worth the same on a row, so that a last bit of what is expected
    decides nothing; of very many, those between forty equal parts. Below 0 dearer members are preferred.
    """
    pairs = [(one, other) for one in range(len(costs)) for other in range(len(costs)) if costs[one] > costs[other]]
    if not pairs:
        return np.zeros(1)
    even = np.concatenate([(expected[:, i] - expected[:, j]) / (costs[i] - costs[j]) for i, j in pairs])
    values = np.unique(even)
    wanted = np.quantile(even, np.arange(1, _STEPS) / _STEPS)
    places = np.unique(np.searchsorted(values, wanted).clip(1, None))
    places = places[places < len(values)]
    return np.asarray((values[places - 1] + values[places]) / 2)


def cheapest_route(
    expected: Floats,
    costs: Sequence[float],
    loss: Callable[[Codes], float],
    *,
    most: Callable[[int], float],
    budget: float | None = None,
    of_rows: Floats | None = None,
) -> Route:
    """The route that costs least of those that lose little more than the best member alone does.

    With a budget it is that which loses least of those that cost no more.

    A member is asked where what is expected of it, less what it costs at one trade of score for cost, is most. Tried
    are a grid of trades (`trades`) and each member alone.

    Args:
        expected: (rows, members) scores that are expected of them, higher is better, of rows from which that was not
            learned.
        costs: (members,) of asking about a row, 0 or more, in any unit; of equal members the first is asked.
        loss: of asking these members, (rows,), lower is better; one that is not finite is more than any other.
        most: the loss that is good enough, by the number of the best member.
        budget: what a row may cost on average.
        of_rows: (rows,) weights of the rows, not all 0, which count for cost and shares too.

    Laws: without a budget the cost is never above that of the best member, and the loss never above `most`; with one
    the cost is never above it. Raises ValueError where nobody is within the budget. Source: Hu et al. 2024,
    "RouterBench", for score less cost times a number; Ong et al. 2024, "RouteLLM".
    """
    rows, prices = len(expected), np.asarray(costs, dtype=np.float64)

    def made(whom: Codes, handicaps: Floats) -> Route:
        some = np.unique(whom)
        return Route(
            asked=tuple(some.tolist()),
            handicaps=tuple((handicaps[some] - handicaps[some].min()).tolist()),
            shares=tuple(float(np.average(whom == member, weights=of_rows)) for member in some),
            point=_point(whom, prices, loss, of_rows),
        )

    alone = [made(np.full(rows, member), np.zeros(len(prices))) for member in range(len(prices))]
    best = min(range(len(alone)), key=lambda member: (alone[member].point.loss, prices[member], member))
    enough = max(alone[best].point.loss, most(best))
    grid = trades(expected, costs)
    mixed = [made(chosen(expected, prices * trade), prices * trade) for trade in [0.0, *grid[grid > 0].tolist()]]
    if budget is not None:
        within = [route for route in [*alone, *mixed] if route.point.cost <= budget * (1 + _SAVING)]
        if not within:
            raise ValueError(f"a row may cost {budget:g}, and asking the cheapest costs {min(costs):g}")
        return min(within, key=lambda route: (route.point.loss, route.point.cost, len(route.asked), route.asked))
    good = [route for route in [*alone, *mixed] if route.point.loss <= enough]
    cheapest = min(route.point.cost for route in good)
    near = [route for route in good if route.point.cost <= cheapest * (1 + _SAVING)]
    return min(near, key=lambda route: (len(route.asked), route.point.loss, route.asked))


def score_against_cost(
    expected: Floats, costs: Sequence[float], loss: Callable[[Codes], float], of_rows: Floats | None = None
) -> list[Point]:
    """The whole curve: from the cheapest member alone over all trades (`trades`) to the dearest alone.

    Arguments as of `cheapest_route`.
    """
    prices = np.asarray(costs, dtype=np.float64)
    first, last = int(np.argmin(prices)), _dearest(prices)
    between = [chosen(expected, prices * trade) for trade in trades(expected, costs)[::-1].tolist()]
    ways = [np.full(len(expected), first), *between, np.full(len(expected), last)]
    return [_point(whom, prices, loss, of_rows) for whom in ways]


def _point(whom: Codes, prices: Floats, loss: Callable[[Codes], float], of_rows: Floats | None) -> Point:
    value = loss(whom)
    return Point(
        share=float(np.average(whom == _dearest(prices), weights=of_rows)),
        cost=float(np.average(prices[whom], weights=of_rows)),
        loss=value if np.isfinite(value) else np.inf,
    )


def _dearest(prices: Floats) -> int:
    return len(prices) - 1 - int(np.argmax(prices[::-1]))


def curve_of_two(weak: Floats, strong: Floats, gains: Floats) -> tuple[Floats, Floats]:
    """The mean score at each share of the rows that goes to the strong member, those first of which more is expected.

    Rows of which the same is expected come in a random order: the curve is straight between them.

    Args:
        weak, strong: (rows,) scores.
        gains: (rows,) by how much the strong member is expected to be ahead, in any unit.

    Returns:
        Shares (points,), from 0 to 1, and scores (points,).
    """
    order = np.argsort(-gains, kind="stable")
    after = np.append(np.flatnonzero(np.diff(gains[order])) + 1, len(gains))
    gained = np.cumsum((strong - weak)[order])[after - 1]
    return np.append(0.0, after / len(gains)), weak.mean() + np.append(0.0, gained) / len(gains)


def gap_recovered(shares: Floats, scores: Floats) -> float:
    """APGR: how much of the gap from the first to the last score is closed, on average over shares from 0 to 1.

    Laws: 0.5 of a random choice; the same in any unit of the scores. Source: Ong et al. 2024, "RouteLLM", section 3.
    """
    closed = (scores - scores[0]) / (scores[-1] - scores[0])
    return float(np.sum(np.diff(shares) * (closed[1:] + closed[:-1]) / 2))
