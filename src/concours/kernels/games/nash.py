"""Nash averaging: whom to draw for a match so that no opponent can gain by knowing it (Balduzzi et al. 2018).

The points of all against all, less one half, are a game of its own: antisymmetric and of zero sum. Its Nash equilibrium
is a mixture that nobody in it beats on average. Of several equilibria the one of maximum entropy is taken, which does
not change when somebody is entered twice but for how the copies share their weight.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog, minimize

Floats = NDArray[np.float64]

_SLACK = 1e-9
_LEAST = 1e-4


def nash_average(points: Floats) -> Floats:
    """(members,) weights, which sum to 1, of the maximum-entropy equilibrium of points (members, members).

    `points[i, j]` are those of i against j, and `points[j, i]` the rest of 1; where they do not add up to 1, by half
    the difference each. Weights below a ten-thousandth become 0.

    Law: a mixture by these weights has at least one half against everybody, but for rounding; whoever beats all others
    has all of the weight.
    """
    gain = (points - points.T) / 2
    size = len(gain)
    if size == 1:
        return np.ones(1)
    best = linprog(
        np.r_[np.zeros(size), -1.0],
        A_ub=np.c_[-gain.T, np.ones(size)],
        b_ub=np.zeros(size),
        A_eq=np.r_[np.ones(size), 0.0][None],
        b_eq=[1.0],
        bounds=[*[(0.0, 1.0)] * size, (None, None)],
    )
    begin = np.clip(best.x[:size], 0.0, None)
    found = minimize(
        lambda w: float(np.sum(w * np.log(np.maximum(w, 1e-12)))),
        begin / begin.sum(),
        jac=lambda w: np.log(np.maximum(w, 1e-12)) + 1.0,
        bounds=[(0.0, 1.0)] * size,
        constraints=[
            {"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": lambda w: np.ones(size)},
            {"type": "ineq", "fun": lambda w: gain.T @ w + _SLACK, "jac": lambda w: gain.T},
        ],
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    weights = found.x if found.success and (gain.T @ found.x).min() > -1e-6 else begin
    weights = np.where(weights < _LEAST, 0.0, weights)
    return np.asarray(weights / weights.sum())
