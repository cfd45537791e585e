"""Whether one number a model says how battles end: expected against seen by pair, and circles of three."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from concours.kernels.rating.bradley_terry import differences
from concours.kernels.rating.ties import Ties
from concours.kernels.rating.votes import TIE, Boards

Floats = NDArray[np.float64]

ENOUGH = 10
"""Pairs with fewer battles are not looked at."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Expected and seen shares by pair, of one board.

    Attributes:
        pairs: (looked at,) places of the pairs in the board.
        seen, expected: (looked at,) shares of the first of the pair, a tie being half.
        z: (looked at,) their difference in standard errors.
        chi2, freedom, p: of all together; p small where the ratings do not describe the battles.
    """

    pairs: NDArray[np.int64]
    seen: Floats
    expected: Floats
    z: Floats
    chi2: float
    freedom: int
    p: float


def check(board: Boards, theta: Floats, eta: float, ties: Ties, *, enough: int = ENOUGH) -> Fit:
    """Looks at one board (its first) of models that are all rated, or NaN where a model is left out."""
    battles, weight, square = board.battles[0], board.weight[0], board.square[0]
    d = differences(board, theta[None])[0]
    looked = np.flatnonzero((battles.sum(axis=1) >= enough) & np.isfinite(d) & (weight.sum(axis=1) > 0))
    chances = ties.chances(d[None, looked], np.array([eta]))[0]
    expected = chances[:, 0] + chances[:, TIE] / 2
    total = weight[looked].sum(axis=1)
    seen = (weight[looked, 0] + weight[looked, TIE] / 2) / total
    values = np.array([1.0, 0.0, 0.5])
    if ties.parameters:
        scatter = (chances * (values - expected[:, None]) ** 2).sum(axis=1)
    else:  # the likelihood has no ties: how much they calm is taken from the data
        raw = (battles[looked] * (values - expected[:, None]) ** 2).sum()
        calm = raw / max((battles[looked].sum(axis=1) * expected * (1 - expected)).sum(), 1e-300)
        scatter = calm * expected * (1 - expected)
    error = np.sqrt(np.maximum(scatter * square[looked].sum(axis=1), 1e-300)) / total
    z = (seen - expected) / error
    models = np.unique(np.concatenate([board.first[looked], board.second[looked]]))
    freedom = max(len(looked) - max(len(models) - 1, 0), 0)
    value = float((z**2).sum())
    return Fit(looked, seen, expected, z, value, freedom, float(chi2.sf(value, freedom)) if freedom else 1.0)


def circles(board: Boards, *, level: float = 0.95, enough: int = ENOUGH) -> list[tuple[int, int, int, float]]:
    """Triples (a, b, c, z) where a beats b, b beats c and c beats a, each certainly; the surest first.

    z is the least of the three leads in standard errors; all pairs are tested together (Bonferroni) at `level`.
    """
    battles = board.battles[0]
    wins, losses = battles[:, 0], battles[:, 1]
    looked = wins + losses >= enough
    z = np.divide(wins - losses, np.sqrt(wins + losses), out=np.zeros(len(wins)), where=looked)
    bound = norm.isf((1 - level) / 2 / max(int(looked.sum()), 1))
    lead = np.zeros((board.models, board.models))
    lead[board.first, board.second] = z
    lead[board.second, board.first] = -z
    beats = lead > bound
    steps = beats.astype(np.float32)
    found = [
        (a, b, c, float(min(lead[a, b], lead[b, c], lead[c, a])))
        for a, b in np.argwhere(beats & (steps @ steps > 0).T).tolist()
        for c in np.flatnonzero(beats[b] & beats[:, a]).tolist()
        if a < b and a < c
    ]
    return sorted(found, key=lambda each: -each[3])
