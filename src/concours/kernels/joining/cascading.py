"""Cascades: members are asked one after the other, and who is sure enough answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Ask = Callable[[Codes], Floats]
"""What a member predicts (some rows, classes) for the rows of these numbers."""

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
        cost: of a row, on average.
        loss: of what is answered.
    """

    asked: tuple[int, ...]
    thresholds: tuple[float, ...]
    cost: float
    loss: float


def confidence(p: Floats) -> Floats:
    """(rows,): the probability of the most probable class, of probabilities (rows, classes)."""
    return np.asarray(p.max(axis=1))


def ask_in_turn(members: Sequence[Ask], thresholds: Sequence[float], rows: int) -> tuple[Floats, NDArray[np.bool_]]:
    """What a cascade answers (rows, classes), and whether each member was asked about each row (members, rows).

    A member answers those rows about which its confidence is its threshold at least; the next is asked about the others
    alone. The last answers whatever it is asked.

    Law: the same, whether members tell all rows at once or some, if what they tell of a row hangs on no other.
    """
    asked = np.zeros((len(members), rows), dtype=np.bool_)
    waiting = np.arange(rows)
    answers: Floats | None = None
    for place, (member, threshold) in enumerate(zip(members, thresholds, strict=True)):
        if not len(waiting):
            break
        told = member(waiting)
        asked[place, waiting] = True
        if answers is None:
            answers = np.array(told, dtype=np.float64)
        else:
            answers[waiting] = told
        waiting = waiting[confidence(told) < threshold]
    if answers is None:
        raise ValueError("a cascade needs a member and a row")
    return answers, asked


def cheapest_cascade(
    predictions: Sequence[Floats],
    costs: Sequence[float],
    loss: Callable[[Floats], float],
    *,
    most: Callable[[int], float],
    of_rows: Floats | None = None,
) -> Cascade:
    """The cascade that costs least of those that lose little more than the best member alone does.

    A search: from each member that is good enough to answer alone, cheaper ones are put before it, and thresholds
    moved, each time what saves the most, as long as anything does. Only those take part that lose less than whoever
    costs less. A threshold lies on a grid of twentieths of the rows, by how sure a member is of them.

    Args:
        predictions: (rows, classes) probabilities a member, that no member's fit has seen.
        costs: (members,) of asking about a row, 0 or more, in any unit.
        loss: of predictions of all rows; lower is better.
        most: the loss that is good enough, by the number of the best member.
        of_rows: (rows,) weights of the rows, not all 0, which count for the cost too.

    A loss that is not finite is more than any other: where no member has another, the cheapest answers alone.

    Laws: the cost is never above that of the best member, and the loss never above `most`; what is asked first costs
    least. Source: after Chen, Zaharia and Zou 2023, "FrugalGPT", with the confidence of a member as the score of its
    answers.
    """

    def lost(p: Floats) -> float:
        value = loss(p)
        return value if np.isfinite(value) else np.inf

    alone = [lost(p) for p in predictions]
    best = min(range(len(alone)), key=lambda member: (alone[member], costs[member], member))
    enough, sure = max(alone[best], most(best)), [confidence(p) for p in predictions]
    front = _front(costs, alone)
    grid = {member: _between(sure[member]) for member in front}

    def made(asked: tuple[int, ...], thresholds: tuple[float, ...]) -> Cascade:
        members = [predictions[member].__getitem__ for member in asked]
        answers, whom = ask_in_turn(members, thresholds, len(predictions[0]))
        shares = [np.average(row, weights=of_rows) for row in whom]
        cost = sum(share * costs[member] for share, member in zip(shares, asked, strict=True))
        return Cascade(asked=asked, thresholds=thresholds, cost=float(cost), loss=lost(answers))

    starts = [made((member,), (0.0,)) for member in front if alone[member] <= enough]
    found = [_improved(start, front, grid, made, enough) for start in starts]
    return min(found, key=lambda cascade: (cascade.cost, len(cascade.asked), cascade.asked))


def _improved(
    start: Cascade,
    front: Sequence[int],
    grid: dict[int, Floats],
    made: Callable[[tuple[int, ...], tuple[float, ...]], Cascade],
    enough: float,
) -> Cascade:
    """A cascade after all moves that save, the one that saves most first."""
    now = start
    for _ in range(_MOST_MOVES):
        moves = [made(*move) for move in _moves(now, front, grid)]
        good = [move for move in moves if move.loss <= enough and move.cost < now.cost * (1 - _SAVING)]
        if not good:
            break
        now = min(good, key=lambda move: (move.cost, move.asked, move.thresholds))
    return now


def _moves(
    now: Cascade, front: Sequence[int], grid: dict[int, Floats]
) -> list[tuple[tuple[int, ...], tuple[float, ...]]]:
    """Cascades with one more member, or another threshold of one."""
    known = dict(zip(now.asked, now.thresholds, strict=True))
    last = now.asked[-1]
    moves = []
    for member in front[: front.index(last)]:
        for threshold in grid[member].tolist():
            if known.get(member) != threshold:
                changed = {**known, member: threshold}
                asked = tuple(one for one in front if one in changed)
                moves.append((asked, tuple(changed[one] for one in asked)))
    return moves


def _front(costs: Sequence[float], alone: Sequence[float]) -> list[int]:
    """The members, the cheapest first, each of which loses less than all that cost no more."""
    front: list[int] = []
    for member in sorted(range(len(costs)), key=lambda number: (costs[number], alone[number], number)):
        if not front or alone[member] < alone[front[-1]]:
            front.append(member)
    return front


def _between(sure: Floats) -> Floats:
    """Thresholds halfway between values that there are, so that a last bit of a confidence decides nothing."""
    values = np.unique(sure)
    wanted = np.quantile(sure, np.arange(1, _STEPS) / _STEPS)
    places = np.unique(np.searchsorted(values, wanted).clip(1, None))
    places = places[places < len(values)]
    return np.asarray((values[places - 1] + values[places]) / 2)
