"""Cascades: members are asked one after the other, and who is sure enough answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from concours.kernels.joining.routing import Point

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Sure = Callable[[tuple[int, ...]], Floats]
"""How sure the last of some members is of each row, (rows,) from 0 to 1, once they were asked in this order."""

BEYOND = 2.0
"""A threshold that no confidence reaches: whoever has it is asked, and heard by those behind, but does not answer."""

_STEPS = 20
"""Thresholds that are tried lie between so many equal parts of the rows, by a member's confidence."""

_MOST_MOVES = 50
_SAVING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Cascade:
    """Who is asked, and who answers.

    Attributes:
        asked: numbers of the members, in the order in which they are asked.
        thresholds: (asked,), the confidence from which each answers; 0 of the last, who always does.
        asks, answers: (asked,), the shares of the rows that each is asked about, and answers.
        cost: of a row, on average.
        loss: of what is answered.
    """

    asked: tuple[int, ...]
    thresholds: tuple[float, ...]
    asks: tuple[float, ...]
    answers: tuple[float, ...]
    cost: float
    loss: float


def answering(sure: Sequence[Floats], thresholds: Sequence[float]) -> Codes:
    """(rows,) the place of whoever answers: the first whose confidence is its threshold at least, else the last.

    Args:
        sure: (rows,) a member but the last, whom nobody asks how sure it is.

    Laws: thresholds of 0 leave all to the first, and `BEYOND` all to the last; who has a higher one answers no more
    rows, and nobody before it fewer.
    """
    enough = [each >= threshold for each, threshold in zip(sure, thresholds, strict=False)]
    last = np.ones_like(enough[0]) if enough else np.ones(0, dtype=np.bool_)
    return np.asarray(np.argmax([*enough, last], axis=0))


def ask_in_turn(sure: Callable[[int, Codes], Floats], thresholds: Sequence[float], rows: int) -> Codes:
    """(rows,) the place of whoever answers, where each is asked about those rows alone that are left to it.

    Args:
        sure: asks the member of a place about the rows of these numbers, and says how sure it is of them.

    Law: as `answering`, if how sure a member is of a row hangs on no other row. Raises ValueError where nobody can be
    asked.
    """
    if not thresholds:
        raise ValueError("a cascade needs a member")
    places, waiting = np.full(rows, len(thresholds) - 1), np.arange(rows)
    for place, threshold in enumerate(thresholds):
        if not len(waiting):
            break
        enough = sure(place, waiting) >= threshold
        if place < len(thresholds) - 1:
            places[waiting[enough]] = place
            waiting = waiting[~enough]
    return places


def cheapest_cascade(
    sure: Sure,
    costs: Sequence[float],
    loss: Callable[[Codes], float],
    *,
    most: Callable[[int], float],
    budget: float | None = None,
    hears: bool = False,
    of_rows: Floats | None = None,
) -> tuple[Cascade, Point, tuple[Point, ...]]:
    """The cascade that costs least of those that lose little more than the best member alone does.

    With a budget it is that which loses least of those that cost no more. A search: from members that are good enough,
    or cheap enough, alone, cheaper ones are put before the last, left out, and thresholds moved, each time what gains
    most, as long as anything does. Only those may answer that lose less than whoever costs less. A threshold lies on a
    grid of twentieths of the rows, by how sure a member is of them.

    Args:
        sure: of all rows, by what no member's fit has seen.
        costs: (members,) of asking about a row, 0 or more, in any unit.
        loss: of answers of these members, (rows,); lower is better. One that is not finite is more than any other:
            where no member has another, the cheapest answers alone.
        most: the loss that is good enough, by the number of the best member.
        budget: what a row may cost on average.
        hears: whether how sure a member is hangs on who was asked before, so that it may pay to ask somebody who never
            answers.
        of_rows: (rows,) weights of the rows, not all 0, which count for the cost too.

    Returns:
        The cascade, its point, and those from the cheapest member alone to the dearest alone of those who may answer,
        with the share of the rows that this one is asked about: between them what was tried that nothing else beats in
        both cost and loss, the cheapest first.

    Laws: without a budget the cost is never above that of the best member, and the loss never above `most`; with one
    the cost is never above it; what is asked first costs least, and of equal ones has the lower number. Raises
    ValueError where nobody is within the budget. Source: after Chen, Zaharia and Zou 2023, "FrugalGPT".
    """
    search = _Search(sure=sure, costs=costs, loss=loss, hears=hears, of_rows=of_rows)
    alone, front = search.alone, search.front
    if budget is None:
        best = min(range(len(alone)), key=lambda member: (alone[member].loss, costs[member], member))
        enough = max(alone[best].loss, most(best))
        starts = [alone[member] for member in front if alone[member].loss <= enough]
        aim = _Aim(value=lambda it: it.cost, allowed=lambda it: it.loss <= enough)
    else:
        cheap = [member for member in front if costs[member] <= budget]
        if not cheap:
            raise ValueError(f"a row may cost {budget:g}, and asking the cheapest costs {min(costs):g}")
        pairs = [(one, last) for one in cheap for last in front if costs[last] > costs[one]]
        starts = [*(alone[member] for member in cheap), *(search.made(pair, (0.0, 0.0)) for pair in pairs)]
        aim = _Aim(value=lambda it: it.loss, allowed=lambda it: it.cost <= budget * (1 + _SAVING))
    found = [_improved(start, search, aim) for start in starts]
    chosen = min(found, key=lambda it: (aim.value(it), it.cost, len(it.asked), it.asked))
    return chosen, search.point(chosen), search.curve()


@dataclass(frozen=True, kw_only=True)
class _Aim:
    """What is to be little, and what is allowed at all."""

    value: Callable[[Cascade], float]
    allowed: Callable[[Cascade], bool]

    def gained(self, now: Cascade, move: Cascade) -> bool:
        before, after = self.value(now), self.value(move)
        return after < before if before == np.inf else after < before - abs(before) * _SAVING


@dataclass(frozen=True, kw_only=True)
class _Search:
    """What is tried, each once."""

    sure: Sure
    costs: Sequence[float]
    loss: Callable[[Codes], float]
    hears: bool
    of_rows: Floats | None
    _sure: dict[tuple[int, ...], Floats] = field(default_factory=dict)
    _made: dict[tuple[tuple[int, ...], tuple[float, ...]], Cascade] = field(default_factory=dict)

    @cached_property
    def rows(self) -> int:
        return len(self.sure_of((0,)))

    @cached_property
    def alone(self) -> list[Cascade]:
        return [self.made((member,), (0.0,)) for member in range(len(self.costs))]

    @cached_property
    def order(self) -> list[int]:
        """The members, the cheapest first, whatever they lose, so that all folds have one order."""
        return sorted(range(len(self.costs)), key=lambda member: (self.costs[member], member))

    @cached_property
    def front(self) -> list[int]:
        """Those who may answer, the cheapest first, each of which loses less than all that cost no more."""
        front: list[int] = []
        for member in sorted(self.order, key=lambda member: (self.costs[member], self.alone[member].loss)):
            if not front or self.alone[member].loss < self.alone[front[-1]].loss:
                front.append(member)
        return front

    def sure_of(self, asked: tuple[int, ...]) -> Floats:
        if asked not in self._sure:
            self._sure[asked] = self.sure(asked)
        return self._sure[asked]

    def made(self, asked: tuple[int, ...], thresholds: tuple[float, ...]) -> Cascade:
        if (asked, thresholds) not in self._made:
            self._made[asked, thresholds] = self._tried(asked, thresholds)
        return self._made[asked, thresholds]

    def _tried(self, asked: tuple[int, ...], thresholds: tuple[float, ...]) -> Cascade:
        sure = [self.sure_of(asked[: place + 1]) for place in range(len(asked) - 1)]
        places = answering(sure, thresholds) if sure else np.zeros(self.rows, dtype=np.int64)
        answers = np.bincount(places, weights=self.of_rows, minlength=len(asked)) / (
            self.rows if self.of_rows is None else self.of_rows.sum()
        )
        asks = np.cumsum(answers[::-1])[::-1].clip(0, 1)
        lost = self.loss(np.asarray(asked)[places])
        return Cascade(
            asked=asked,
            thresholds=thresholds,
            asks=tuple(asks.tolist()),
            answers=tuple(answers.tolist()),
            cost=float(asks @ np.array([self.costs[member] for member in asked])),
            loss=lost if np.isfinite(lost) else np.inf,
        )

    def point(self, of: Cascade) -> Point:
        share = dict(zip(of.asked, of.asks, strict=True)).get(self.front[-1], 0.0)
        return Point(share=share, cost=of.cost, loss=of.loss)

    def curve(self) -> tuple[Point, ...]:
        """From the cheapest alone to the dearest alone, between them all that nothing beats."""
        first, last = self.alone[self.front[0]], self.alone[self.front[-1]]
        found = [first]
        for one in sorted(self._made.values(), key=lambda it: (it.cost, it.loss)):
            if first.cost < one.cost < last.cost and one.loss < found[-1].loss:
                found.append(one)
        return tuple(self.point(one) for one in [*found, *([last] if last is not first else [])])


def _improved(start: Cascade, search: _Search, aim: _Aim) -> Cascade:
    """A cascade after all moves that gain, the one that gains most first."""
    now = start
    for _ in range(_MOST_MOVES):
        moves = [search.made(*move) for move in _moves(now, search)]
        good = [move for move in moves if aim.allowed(move) and aim.gained(now, move)]
        if not good:
            break
        now = min(good, key=lambda move: (aim.value(move), move.cost, move.asked, move.thresholds))
    return now


def _moves(now: Cascade, search: _Search) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
    """Cascades with one member less, or one more who answers, or another threshold of one; or one more who is heard."""
    known = dict(zip(now.asked, now.thresholds, strict=True))
    last = now.asked[-1]
    for member in now.asked[:-1]:
        yield _in_order({one: threshold for one, threshold in known.items() if one != member}, search)
    for member in search.front[: search.front.index(last)]:
        before = search.order[: search.order.index(member)] if search.hears else []
        for heard in [{}, *({one: BEYOND} for one in before if one not in known)]:
            asked, _ = _in_order({**known, **heard, member: 0.0}, search)
            grid = _between(search.sure_of(asked[: asked.index(member) + 1])).tolist()
            for threshold in [*grid, BEYOND] if search.hears else grid:
                if heard or known.get(member) != threshold:
                    yield _in_order({**known, **heard, member: threshold}, search)


def _in_order(thresholds: dict[int, float], search: _Search) -> tuple[tuple[int, ...], tuple[float, ...]]:
    asked = tuple(member for member in search.order if member in thresholds)
    return asked, tuple(thresholds[member] for member in asked)


def _between(sure: Floats) -> Floats:
    """Thresholds halfway between values that there are, so that a last bit of a confidence decides nothing."""
    values = np.unique(sure)
    wanted = np.quantile(sure, np.arange(1, _STEPS) / _STEPS)
    places = np.unique(np.searchsorted(values, wanted).clip(1, None))
    places = places[places < len(values)]
    return np.asarray((values[places - 1] + values[places]) / 2)
