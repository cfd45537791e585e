"""How few votes carry the first place: which, if they were left out, would put another model first.

The search goes by influences, after Broderick, Giordano and Meager (2020): the votes that hold up the lead most are
left out first, and the ratings are solved again on the way. What it finds is a set that does it; a smaller one may be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from concours.kernels.rating.bradley_terry import differences, gauge, maximise
from concours.kernels.rating.ratings import PRIOR, Rated, among
from concours.kernels.rating.ties import TIES
from concours.kernels.rating.votes import Boards

Floats = NDArray[np.float64]
_ROUNDS = 40


@dataclass(frozen=True, slots=True)
class Flip:
    """The fewest votes found. `removed` is (pairs, 3): how many of each sort are left out."""

    leader: int
    challenger: int
    votes: int
    share: float
    removed: Floats


def fewest(board: Boards, rated: Rated, *, challengers: int = 8) -> Flip | None:
    """The fewest votes found whose removal takes the first place from the leader, a tie being half a win.

    Args:
        board: one board; established models only are looked at.
        challengers: so many behind the first are tried.
    """
    known = rated.standing.established
    order = [int(code) for code in np.argsort(-np.where(known, np.nan_to_num(rated.theta), -np.inf)) if known[code]]
    inner = among(board, known[None])
    total = inner.battles.sum()
    best: Flip | None = None
    for challenger in order[1 : 1 + challengers]:
        removed = _search(inner, known, order[0], challenger, best.votes if best else int(total))
        if removed is not None and (best is None or removed.sum() < best.votes):
            best = Flip(order[0], challenger, int(removed.sum()), float(removed.sum() / total), removed)
    return best


def _search(board: Boards, known: NDArray[np.bool_], leader: int, challenger: int, most: int) -> Floats | None:
    removed = np.zeros(board.battles.shape[1:])
    for _ in range(_ROUNDS):
        gap, hold = _gap(board, removed, known, leader, challenger)
        if gap < 0:
            return removed
        left = board.battles[0] - removed
        order = np.argsort(-hold, axis=None)
        order = order[(hold.ravel()[order] > 1e-12) & (left.ravel()[order] > 0)]
        each, available = hold.ravel()[order], left.ravel()[order]
        falls = np.cumsum(each * available)
        needed = int(np.searchsorted(falls, gap))
        before = float(falls[needed - 1]) if needed else 0.0
        votes = available[:needed].sum()
        votes += np.ceil((gap - before) / each[needed]) if needed < len(order) else 0
        if not len(order) or removed.sum() + 1 > most:
            return None
        step = max(1, int(np.ceil(votes / 3)) if votes > 12 else int(votes) if votes > 3 else 1)
        ends = np.minimum(np.cumsum(available), step)
        removed.ravel()[order] += np.diff(ends, prepend=0.0)
    return None


def _gap(
    board: Boards, removed: Floats, known: NDArray[np.bool_], leader: int, challenger: int
) -> tuple[float, Floats]:
    """The lead without some votes, and by how much one more vote left out of each sort lowers it, (pairs, 3)."""
    share = np.divide(removed, board.battles[0], out=np.zeros_like(removed), where=board.battles[0] > 0)
    rest = replace(board, weight=board.weight * (1 - share))
    scale = rest.weight.sum(axis=(1, 2))
    light = 1e-3 / PRIOR**2 * np.eye(board.models)  # should a model lose its last win, it does not run away
    penalty = gauge(known[None], scale) + light
    found = maximise(rest, rest.weight, TIES["half"], free=known[None], penalty=penalty)
    gap = float(found.theta[0, leader] - found.theta[0, challenger])
    bread = np.linalg.inv(found.information[0])
    pull = bread[leader] - bread[challenger]
    scores, _ = TIES["half"].scores(differences(board, found.theta), found.eta)
    first, second = board.first, board.second
    d = differences(board, found.theta)
    curve = TIES["half"].scores(d, found.eta)[0][0, :, 0] * -TIES["half"].scores(d, found.eta)[0][0, :, 1]
    mean = np.divide(board.weight[0], board.battles[0], out=np.zeros_like(removed), where=board.battles[0] > 0)
    spread = bread[first, first] + bread[second, second] - 2 * bread[first, second]
    grown = mean / (1 - np.clip(mean * (curve * spread)[:, None], 0.0, 0.9))
    return gap, (pull[first] - pull[second])[:, None] * scores[0] * grown
