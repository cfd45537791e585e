"""What games amount to, as arrays.

A result of an entrant is three numbers for each opponent and opening, means over both seats: points, the share of games
won, and of games drawn.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PARTS: Final = 3
POINTS, WON, DRAWN = range(PARTS)
_LOST, _EVEN, _BEST = 0.5 - 1e-9, 0.5, 0.5 + 1e-9


def results(points: Floats) -> Floats:
    """(openings, 3) of the points of one entrant against one opponent, (openings, seats)."""
    return np.stack([points.mean(axis=1), (points > _BEST).mean(axis=1), (points == _EVEN).mean(axis=1)], axis=1)


def turned(found: Floats) -> Floats:
    """The same as the opponent has them. Law: `turned(turned(found))` is `found`, but for rounding."""
    lost = 1.0 - found[:, WON] - found[:, DRAWN]
    return np.stack([1.0 - found[:, POINTS], lost, found[:, DRAWN]], axis=1)


def against_itself(rows: int) -> Floats:
    """(rows, 3) of who meets an equal: half the points, and, as nobody played, as many games won as lost."""
    return np.tile(np.array([0.5, 0.5, 0.0]), (rows, 1))


def by_opponent(p: Floats) -> Floats:
    """(rows, opponents, 3) of predictions (rows, opponents * 3)."""
    return p.reshape(len(p), -1, PARTS)


def points_a_row(y: Floats, p: Floats) -> Floats:
    """(rows,) mean points over opponents."""
    del y
    return np.asarray(by_opponent(p)[..., POINTS].mean(axis=1))


def won_a_row(y: Floats, p: Floats) -> Floats:
    """(rows,) the share of games that are won."""
    del y
    return np.asarray(by_opponent(p)[..., WON].mean(axis=1))


def drawn_a_row(y: Floats, p: Floats) -> Floats:
    """(rows,) the share of games that are drawn."""
    del y
    return np.asarray(by_opponent(p)[..., DRAWN].mean(axis=1))


def worst_opponent(means: Floats) -> Floats:
    """(...,) the least of mean points (..., opponents): against whom one does worst."""
    return np.asarray(means.min(axis=-1))
