"""Knockouts: on which shares of the rows candidates meet, how many a rung keeps, and who is worse than the best.

The ladder is that of successive halving (Jamieson and Talwalkar 2016): each rung has `eta` times the rows of the one
before. What differs is who leaves: a candidate that the rows of a rung cannot tell from the best of it stays, as long
as the rung has room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from concours.kernels.ranking.ranks import certainly_better
from concours.kernels.scoring.intervals import LEVEL
from concours.kernels.scoring.scores import Means

FEWEST_ROWS = 100
"""The rows that a rung has at least, where it is not told how many rungs there are."""

MOST_RUNGS = 4
"""The rungs that there are at most, where it is not told how many."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many a rung keeps: the best `least` of it whatever the test says, and `most` in all."""

    least: int
    most: int


def ladder(rows: int, eta: int, rungs: int | None = None) -> tuple[float, ...]:
    """The shares of the rows of the rungs, rising; the last is 1 / eta, as all rows are the final's.

    Args:
        rows: that a full fit has.
        rungs: how many; by default as many as leave the first one `FEWEST_ROWS`, and one at least.
    """
    if rungs is None:
        rungs = 1
        while rungs < MOST_RUNGS and rows / eta ** (rungs + 1) >= FEWEST_ROWS:
            rungs += 1
    return tuple(eta**-power for power in range(rungs, 0, -1))


def room(entrants: int, eta: int, finalists: int, *, last: bool) -> Room:
    """How many a rung of so many keeps.

    At least one in `eta`, since curves of learning cross and worse on few rows need not be worse on all; at most one
    in √eta, so that the fits of a rung cost at most √eta times those of the rung before. Never fewer than are to come
    to the final. The last rung keeps two at least and `finalists` at most. Law: 1 <= least <= most for any entrants.
    """
    if last:
        return Room(min(2, finalists), finalists)
    return Room(max(ceil(entrants / eta), finalists), max(ceil(entrants / sqrt(eta)), finalists))


def spend(entrants: int, shares: Sequence[float], eta: int, finalists: int) -> float:
    """The most that the rungs of so many cost, in full fits."""
    spent = 0.0
    for number, share in enumerate(shares):
        spent += entrants * share
        entrants = min(entrants, room(entrants, eta, finalists, last=number == len(shares) - 1).most)
    return spent


def worse_than_best(
    scores: Means, *, greater_is_better: bool, level: float = LEVEL, looks: int = MOST_RUNGS
) -> NDArray[np.bool_]:
    """Whether each is certainly worse than the one with the best mean, (k,).

    Certain over all pairs together, as on a board (`ranks.certainly_better`): which one is the best is chosen by the
    same rows, so that a correction for the k - 1 comparisons with it alone would not hold. And over all looks of a
    knockout, among which what may go wrong is divided evenly (Bonferroni): whoever is as good as the best of a rung is
    called worse on none of them, with probability `level`.

    Laws: the best never is; one whose scores are those of the best, row by row, never is; none is where nothing tells
    how the scores vary; with more looks no more are.

    Args:
        looks: how often a knockout compares those who are in it: its rungs.
    """
    best = int(np.argmax(scores.means if greater_is_better else -scores.means))
    certain = certainly_better(scores, greater_is_better=greater_is_better, level=1 - (1 - level) / looks)
    return np.asarray(certain[best])


def kept(worse: Sequence[bool], space: Room, *, early: Sequence[bool] = ()) -> list[bool]:
    """Who of a rung stays, candidates in the order of their scores, the best first.

    Who has gone on `early` stays, at most `least` of them. Of the others the first `least` stay, and those that are not
    certainly worse than the best, as long as no more than `most` stay in all. Laws: at most `most` stay; where nobody
    went on early, the first stays, and who leaves does not stand before one who stays by the test.
    """
    early = early or [False] * len(worse)
    count, stays = sum(early), list(early)
    for place, certainly in enumerate(worse):
        if not stays[place] and count < space.most and (place < space.least or not certainly):
            stays[place] = True
            count += 1
    return stays
