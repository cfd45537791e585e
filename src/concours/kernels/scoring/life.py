"""Losses of remaining lives: targets (rows,) and predictions (rows, 1), in the unit of time, such as cycles."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EARLY: Final = 13.0
LATE: Final = 10.0
_FARTHEST: Final = 300.0
"""Of an exponent: what is later than 3,000 cycles is as bad as that, so that means stay finite."""


def capped_squares(y: Floats, p: Floats, cap: float) -> Floats:
    """(rows,) squared errors, lives above the cap counting as the cap, of targets and predictions both."""
    return np.asarray(np.square(np.minimum(y, cap) - np.minimum(p[:, 0], cap)))


def phm08(y: Floats, p: Floats) -> Floats:
    """(rows,) the score of the PHM08 challenge: exp(d / 10) - 1 of a prediction that is d too late, exp(d / 13) - 1 of
    one that is d too early (Saxena et al. 2008, "Damage propagation modeling for aircraft engine run-to-failure
    simulation", equation 11). To say that a unit lives longer than it does is worse than the other way round.
    """
    late = p[:, 0] - y
    return np.expm1(np.minimum(np.where(late < 0, -late / EARLY, late / LATE), _FARTHEST))


def by_life(y: Floats, p: Floats, cap: float, parts: int = 5) -> list[dict[str, float]]:
    """How far predictions are off by how much life is left: `parts` bands of equal width up to the cap, and one above.

    Each with `low`, `high` (none of the last), `rows`, `bias`, the mean of what is predicted less what is true, and
    `rmse`, both of lives that are capped. Bands without a row are left out.
    """
    off = np.minimum(p[:, 0], cap) - np.minimum(y, cap)
    edges = np.linspace(0, cap, parts + 1)
    band = np.minimum(np.searchsorted(edges[1:], y, side="left"), parts)
    found = []
    for place in range(parts + 1):
        own = off[band == place]
        if len(own):
            found.append(
                {
                    "low": float(edges[place]),
                    "high": float(edges[place + 1]) if place < parts else float("inf"),
                    "rows": len(own),
                    "bias": float(own.mean()),
                    "rmse": float(np.sqrt(np.square(own).mean())),
                }
            )
    return found
