"""Which strengths the battles determine: who has won and lost, and whom a path of wins leads to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import NegativeCycleError, connected_components, johnson

from concours.kernels.rating.votes import TIE, Boards

FEW: Final = 5
"""With fewer battles than this a model is not established."""

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the battles of one board say about its models.

    Strengths are determined, up to a constant, within a set of models in which each has beaten each by a path of wins
    (Ford 1957). The established ones are the largest such set by battles, without the models that have few.

    Attributes:
        played: (models,) battles, those with itself left out.
        established: (models,).
        group: (models,) codes of the sets within which strengths are determined; -1 without battles. All established
            ones have the same; a model with few battles is a set of its own.
        island: (models,) codes of the sets that never met, not even by way of others; -1 without battles.
        unbeaten, winless: (models,) never lost (nor tied), never won (nor tied).
    """

    played: Codes
    established: NDArray[np.bool_]
    group: Codes
    island: Codes
    unbeaten: NDArray[np.bool_]
    winless: NDArray[np.bool_]


def standing(boards: Boards, board: int, *, few: int = FEW) -> Standing:
    """The standing of the models on one board. A tie counts as a win for both."""
    battles = boards.battles[board]
    met = np.flatnonzero(battles.sum(axis=1) > 0)
    wins = battles[met, 0] + battles[met, TIE] > 0
    losses = battles[met, 1] + battles[met, TIE] > 0
    first, second = boards.first[met], boards.second[met]
    winner = np.concatenate([first[wins], second[losses]])
    loser = np.concatenate([second[wins], first[losses]])
    played = np.bincount(np.concatenate([first, second]), np.tile(battles[met].sum(axis=1), 2), boards.models).astype(
        np.int64
    )
    some = played > 0
    enough = played >= few
    group = _largest_first(_components(winner, loser, enough), played)
    if np.count_nonzero(group == 0) < 2:  # nothing but models with few battles: they have to do
        enough = some
        group = _largest_first(_components(winner, loser, enough), played)
    established = (group == 0) & (np.count_nonzero(group == 0) > 1)
    alone = some & ~enough
    group[alone] = group.max(initial=0) + 1 + np.arange(np.count_nonzero(alone))
    won, lost = (np.bincount(side, minlength=boards.models) > 0 for side in (winner, loser))
    island = _largest_first(_components(winner, loser, some, strong=False), played)
    return Standing(played, established, group, island, some & ~lost, some & ~won)


def ties_determined(boards: Boards, weight: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(boards,): whether battles of these weights (boards, pairs, 3) determine how much ties are liked.

    Where they do not, strengths and ties can grow together without end, and every outcome seen becomes the likeliest.
    It takes a circle of models with more wins on its way than ties, a win being gone from winner to loser and a tie
    either way: then no strengths can lie twice a margin apart for every win and at most as far for every tie. Without
    any tie there is nothing to determine.
    """
    wins, losses, ties = (weight[..., outcome] > 0 for outcome in (0, 1, TIE))
    tied = ties.any(axis=1)
    found = np.asarray(tied & (wins & losses).any(axis=1))  # a circle of two
    unclear = np.flatnonzero(tied & ~found)
    if len(unclear):  # rounds of a bootstrap have one pattern, which is looked at once
        patterns, which = np.unique(np.stack([wins, losses, ties], axis=1)[unclear], axis=0, return_inverse=True)
        found[unclear] = np.array([_more_wins_than_ties(boards, *pattern) for pattern in patterns])[which.ravel()]
    return found


def _more_wins_than_ties(
    boards: Boards, wins: NDArray[np.bool_], losses: NDArray[np.bool_], ties: NDArray[np.bool_]
) -> bool:
    """Whether there is such a circle, where no pair has both won: a circle of negative length, a win being -1."""
    first, second = boards.first, boards.second
    ahead, back = ties & ~wins, ties & ~losses
    start = np.concatenate([first[wins], second[losses], first[ahead], second[back]])
    end = np.concatenate([second[wins], first[losses], second[ahead], first[back]])
    length = np.repeat([-1.0, 1.0], [wins.sum() + losses.sum(), ahead.sum() + back.sum()])
    try:
        johnson(csr_array((length, (start, end)), shape=(boards.models, boards.models)), indices=[0])
    except NegativeCycleError:
        return True
    return False


def _components(winner: Codes, loser: Codes, among: NDArray[np.bool_], *, strong: bool = True) -> Codes:
    """(models,) codes of connected sets among some models; -1 for the others."""
    kept = among[winner] & among[loser]
    size = len(among)
    edges = csr_array((np.ones(kept.sum()), (winner[kept], loser[kept])), shape=(size, size))
    _, label = connected_components(edges, directed=strong, connection="strong")
    return np.where(among, label, -1).astype(np.int64)


def _largest_first(label: Codes, played: Codes) -> Codes:
    """The codes anew: 0 for the set with the most models, of equal ones that with more battles, then the first."""
    inside = label >= 0
    if not inside.any():
        return label
    size = np.bincount(label[inside])
    battles = np.bincount(label[inside], played[inside])
    first = np.full(len(size), len(label))
    np.minimum.at(first, label[inside], np.flatnonzero(inside))
    order = np.lexsort((first, -battles, -size))
    rank = np.empty(len(size), dtype=np.int64)
    rank[order] = np.arange(len(size))
    return np.where(inside, rank[np.maximum(label, 0)], -1)
