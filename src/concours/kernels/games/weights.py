"""By which weights agents are joined, of their points against one another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.games.nash import nash_average

Floats = NDArray[np.float64]

_SURE: Final = 0.99


def by_odds(points: Floats) -> Floats:
    """(members,) what each one's vote weighs: the logarithm of its odds against all, none where it loses more often.

    That is the best weight of voters who err apart from one another (Nitzan and Paroush 1982); where nobody has any,
    all have the same.

    Args:
        points: of each against each, (members, members).
    """
    share = np.minimum(points.mean(axis=1), _SURE)
    odds = np.maximum(np.log(share / (1 - share)), 0.0)
    return np.full(len(odds), 1 / len(odds)) if not odds.any() else np.asarray(odds / odds.sum())


RULES: Final[Mapping[str, Callable[[Floats], Floats]]] = {"nash": nash_average, "odds": by_odds}
