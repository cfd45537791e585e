"""Predictions joined by weights."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def blend(predictions: Iterable[Floats], weights: NDArray[np.float64], *, vote: bool = False) -> Floats:
    """The weighted sum of members' predictions, (rows, outputs), one member in memory at a time.

    Args:
        predictions: (rows, outputs) each.
        weights: (members,), or (members, rows) where a row has weights of its own. A member whose weights are all zero
            is not read.
        vote: each member's row counts as one for its most probable class and nothing for the others. One vote more is
            spread evenly over the classes, so that none has probability zero.

    Law: with weights that sum to one, rows of distributions stay distributions; permuting members with their weights
    changes nothing but rounding.
    """
    total: Floats | None = None
    for member, weight in zip(predictions, weights, strict=True):
        if not np.any(weight):
            continue
        part = _votes(member) if vote else np.asarray(member, dtype=np.float64)
        scaled = part * np.reshape(weight, (-1, 1))
        total = scaled if total is None else total + scaled
    if total is None:
        raise ValueError("a blend needs a member with a weight; all weights are zero")
    return _with_even_vote(total, len(weights)) if vote and total.shape[1] > 1 else total


def _votes(member: Floats) -> Floats:
    if member.shape[1] == 1:
        return np.asarray(member, dtype=np.float64)
    return np.asarray(np.eye(member.shape[1])[member.argmax(axis=1)])


def _with_even_vote(shares: Floats, members: int) -> Floats:
    return np.asarray((shares * members + 1 / shares.shape[1]) / (members + 1))
