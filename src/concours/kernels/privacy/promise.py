"""What differential privacy promises of any attack, in the terms in which attacks are told."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_CERTAIN: Final = 500.0
"""An ε that promises nothing, whose exponential is a number."""


def most_found(false_alarms: Floats | float, epsilon: float, delta: float) -> Floats:
    """The greatest share of members that any attack finds, at a share of false alarms (...,), given ε at δ.

    Laws: with ε 0 and δ 0 no more than the false alarms, as by guessing; grows with each of the three; at most 1.
    Source: Kairouz, Oh and Viswanath 2015, "The composition theorem for differential privacy", theorem 2.1.
    """
    alarms = np.asarray(false_alarms, dtype=np.float64)
    by_alarms = np.exp(min(epsilon, _CERTAIN)) * alarms + delta
    by_misses = 1 - np.exp(-epsilon) * np.maximum(1 - delta - alarms, 0.0)
    return np.asarray(np.clip(np.minimum(by_alarms, by_misses), 0.0, 1.0))


def greatest_area(epsilon: float, delta: float) -> float:
    """The greatest area under its ROC curve that any attack has, given ε at δ.

    Law: 1/2 with ε 0 and δ 0, as by guessing; at most 1. The curve is of two straight lines, between which it bends
    where false alarms are `(1 - delta) / (1 + exp(epsilon))`.
    """
    bend = (1 - delta) / (1 + np.exp(min(epsilon, _CERTAIN)))
    ends = np.array([0.0, bend, min(1.0, 1 - delta), 1.0])
    return float(np.trapezoid(most_found(ends, epsilon, delta), ends))
