"""Weights of a stack: how much each member counts, found by making the loss of what they say together small.

For classes a logarithmic opinion pool (Genest and Zidek 1986; Heskes 1998): weights on the members' log probabilities.
For numbers a weighted sum (Breiman 1996, "Stacked regressions"). Both losses are convex. Weights are 0 or more and sum
to one, so that a member can be left out, but not bet against, and the pool is no surer than its members. A member that
says no more than one constant for all rows is left out: it could only add doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from concours.kernels.blending import log_probabilities

Floats = NDArray[np.float64]

_PULL = 10.0
"""How strongly weights are drawn to equal shares: as much as so many rows speak."""


def pool_weights(predictions: Sequence[Floats], y: NDArray[np.int64]) -> Floats:
    """(members,) weights of the logarithmic opinion pool with the least log loss, drawn a little to equal shares.

    Args:
        predictions: (rows, classes) probabilities a member.
        y: (rows,) codes of the true classes.

    Laws: weights sum to one; permuting members permutes weights; equal members have equal weights.
    """
    every = np.stack([log_probabilities(p) for p in predictions], axis=2)
    rows, shares = np.arange(len(every)), np.bincount(y) / len(y)
    able = able_members(-every[rows, y], -np.log(shares)[y])
    logs = every[:, :, able]
    true = logs[rows, y]

    def loss(weights: Floats) -> tuple[float, Floats]:
        pooled = log_softmax(logs @ weights, axis=1)
        expected = np.einsum("rk,rkm->rm", np.exp(pooled), logs, optimize=True)
        return -float(pooled[rows, y].mean()), (expected - true).mean(axis=0)

    return _least(loss, able, rows=len(y))


def sum_weights(predictions: Sequence[Floats], y: Floats) -> Floats:
    """(members,) weights of the sum of values (rows, 1) with the least squared error, drawn a little to equal shares.

    Errors are in units of the target's variance. Laws: as of `pool_weights`; moving or scaling targets and predictions
    alike changes nothing but rounding.
    """
    errors = np.concatenate(predictions, axis=1) - y[:, None]
    able = able_members(np.square(errors), np.square(y - y.mean()))
    gram = errors[:, able].T @ errors[:, able] / (len(y) * (float(np.var(y)) or 1.0))

    def loss(weights: Floats) -> tuple[float, Floats]:
        return float(weights @ gram @ weights), 2 * gram @ weights

    return _least(loss, able, rows=len(y))


def able_members(losses: Floats, constant: Floats) -> NDArray[np.bool_]:
    """Which members lose less than the best constant, by more than a standard error; all, if none does.

    Args:
        losses: (rows, members).
        constant: (rows,) losses of the constant.
    """
    gains = constant[:, None] - losses
    able = gains.mean(axis=0) > gains.std(axis=0) / np.sqrt(len(gains))
    return able if able.any() else np.ones_like(able)


def _least(loss: Callable[[Floats], tuple[float, Floats]], able: NDArray[np.bool_], *, rows: int) -> Floats:
    """Where a convex loss with its gradient, and the pull, are least on the simplex of the members that are able."""
    members = int(np.count_nonzero(able))
    even = np.full(members, 1 / members)

    def pulled(weights: Floats) -> tuple[float, Floats]:
        value, gradient = loss(weights)
        away = weights - even
        return value + _PULL / rows * float(away @ away), gradient + 2 * _PULL / rows * away

    sum_to_one = {"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones_like(w)}
    bounds, options = [(0.0, 1.0)] * members, {"maxiter": 500, "ftol": 1e-12}
    found = minimize(pulled, even, jac=True, method="SLSQP", bounds=bounds, constraints=[sum_to_one], options=options)
    weights = np.zeros(len(able))
    weights[able] = np.where(found.x > 1e-9, found.x, 0.0)
    return np.asarray(weights / weights.sum())
