"""How far judges agree with people on the same pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scoring.intervals import intervals
from concours.kernels.scoring.scores import row_means
from concours.kernels.scoring.verdicts import kappa

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far two agree on pairs.

    Attributes:
        pairs: on which both say something.
        share: on which they say the same, ties among it, with `low` and `high` of its interval of 95%.
        decided: the same of the pairs on which neither says a tie; none where there are no such.
        decided_pairs: how many these are.
        kappa: how much more than by chance (`kernels.scoring.verdicts.kappa`).
    """

    pairs: int
    share: float
    low: float
    high: float
    decided_pairs: int
    decided: float | None
    kappa: float | None


def agreement(one: Floats, other: Floats, questions: Codes) -> Agreement:
    """How far two agree: (pairs,) 1 where the first of the two is better, -1 where the second is, 0 for a tie.

    Args:
        questions: (pairs,) codes from 0; pairs on one question are one observation.

    Raises:
        ValueError: there are no pairs.
    """
    if not len(one):
        raise ValueError("no pair is judged by both")
    same = (one == other).astype(np.float64)
    found = row_means(same[:, None], groups=questions)
    ((low, high),) = intervals(found, low=0.0, high=1.0)
    both = (one != 0) & (other != 0)
    return Agreement(
        pairs=len(one),
        share=float(same.mean()),
        low=float(low),
        high=float(high),
        decided_pairs=int(both.sum()),
        decided=float(same[both].mean()) if both.any() else None,
        kappa=kappa(one, other),
    )
