"""Predictions joined by weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from concours.core.errors import nearest

Floats = NDArray[np.float64]

FLOOR = 1e-6
"""The least probability that counts where logarithms are added: no member alone can rule a class out."""


def blend(predictions: Iterable[Floats], weights: NDArray[np.float64], *, rule: str = "mean") -> Floats:
    """Members' predictions joined by a rule, (rows, outputs), one member in memory at a time.

    Args:
        predictions: (rows, outputs) each.
        weights: (members,), or (members, rows) where a row has weights of its own. A member whose weights are all zero
            is not read.
        rule: `mean`, the weighted sum, and `mixture`, the same of probabilities of what came; `vote`, where each
            member's row counts as one for its most probable class, and one vote more is spread evenly over the classes,
            so that none has probability zero; `pool`, the logarithmic opinion pool: the weighted sum of log
            probabilities, made a distribution. Values that are no distribution (one output) are added up by every rule.

    Law: rows of distributions stay distributions (by `mean` if the weights sum to one); permuting members with their
    weights changes nothing but rounding.
    """
    if rule not in RULES:
        raise ValueError(f"unknown rule {rule!r}; {nearest(rule, RULES)}")
    before, after = RULES[rule]
    total: Floats | None = None
    for member, weight in zip(predictions, weights, strict=True):
        if not np.any(weight):
            continue
        prediction = np.asarray(member, dtype=np.float64)
        part = before(prediction) if prediction.shape[1] > 1 else prediction
        scaled = part * np.reshape(weight, (-1, 1))
        total = scaled if total is None else total + scaled
    if total is None:
        raise ValueError("a blend needs a member with a weight; all weights are zero")
    return after(total, len(weights)) if total.shape[1] > 1 else total


def log_probabilities(p: Floats) -> Floats:
    """Logarithms of probabilities (rows, classes), none below that of a millionth."""
    return np.asarray(np.log(np.maximum(p, FLOOR)))


def _votes(p: Floats) -> Floats:
    return np.asarray(np.eye(p.shape[1])[p.argmax(axis=1)])


def _with_even_vote(shares: Floats, members: int) -> Floats:
    return np.asarray((shares * members + 1 / shares.shape[1]) / (members + 1))


RULES: dict[str, tuple[Callable[[Floats], Floats], Callable[[Floats, int], Floats]]] = {
    "mean": (lambda p: p, lambda total, members: total),
    "mixture": (lambda p: p, lambda total, members: total),
    "vote": (_votes, _with_even_vote),
    "pool": (log_probabilities, lambda total, members: np.asarray(softmax(total, axis=1))),
}
"""By name: what is done with each member before the sum, and with the sum."""
