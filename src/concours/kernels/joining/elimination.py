"""Backward elimination: an alliance without the members that add nothing to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def eliminated(weights: Sequence[float], loss: Callable[[Floats], float]) -> list[int]:
    """Numbers of the members that stay, in their order: one at least of those that have a weight.

    As long as that makes the whole no worse than it was with all, that member leaves without whom the rest, with their
    weights scaled to sum to one, lose least; of equal ones the one of less weight, then the first.

    Args:
        loss: of the members joined by (members,) weights.

    Laws: the loss of who stays is at most that of all; without any of them it would be more than that, unless one alone
    is left.
    """
    given = np.asarray(weights, dtype=np.float64)
    stay = np.flatnonzero(given).tolist()
    most = loss(_scaled(given, stay))
    while len(stay) > 1:
        each = [([other for other in stay if other != member], member) for member in stay]
        tried = [(loss(_scaled(given, rest)), given[member], member) for rest, member in each]
        least, _, member = min(tried)
        if not least <= most:
            break
        stay.remove(member)
    return stay


def _scaled(weights: Floats, stay: Sequence[int]) -> Floats:
    kept = np.zeros_like(weights)
    kept[stay] = weights[stay]
    return np.asarray(kept / kept.sum())
