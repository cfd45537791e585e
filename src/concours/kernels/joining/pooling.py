"""Weights of a stack: how much each member counts, found by making the loss of what they say together small.

For classes a logarithmic opinion pool (Genest and Zidek 1986; Heskes 1998): weights on the members' log probabilities.
For numbers a weighted sum (Breiman 1996, "Stacked regressions"). Both losses are convex. Weights are 0 or more and sum
to one, so that a member can be left out, but not bet against, and the pool is no surer than its members. A member that
says no more than one constant for all rows is left out: it could only add doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from concours.kernels.joining.blending import log_probabilities

Floats = NDArray[np.float64]

_PULL = 10.0
"""How strongly weights are drawn to equal shares: as much as so many rows speak."""


def pool_weights(predictions: Sequence[Floats], y: NDArray[np.int64], of_rows: Floats | None = None) -> Floats:
    """(members,) weights of the logarithmic opinion pool with the least log loss, drawn a little to equal shares.

    Args:
        predictions: (rows, classes) probabilities a member.
        y: (rows,) codes of the true classes.
        of_rows: (rows,) weights of the rows (`weighing.in_rows`).

    Laws: weights sum to one; permuting members permutes weights; equal members have equal weights.
    """
    every = np.stack([log_probabilities(p) for p in predictions], axis=2)
    each = np.ones(len(y)) if of_rows is None else of_rows
    rows, total = np.arange(len(every)), float(each.sum())
    shares = np.bincount(y, weights=each) / total
    able = able_members(-every[rows, y], -np.log(np.maximum(shares, np.finfo(np.float64).tiny))[y], of_rows)
    logs = every[:, :, able]
    true = logs[rows, y]

    def loss(weights: Floats) -> tuple[float, Floats]:
        pooled = log_softmax(logs @ weights, axis=1)
        expected = np.einsum("rk,rkm->rm", np.exp(pooled), logs, optimize=True)
        return -float(each @ pooled[rows, y]) / total, each @ (expected - true) / total

    return _least(loss, able, rows=total)


def sum_weights(predictions: Sequence[Floats], y: Floats, of_rows: Floats | None = None) -> Floats:
    """(members,) weights of the sum of values (rows, 1) with the least squared error, drawn a little to equal shares.

    Errors are in units of the target's variance. Laws: as of `pool_weights`; moving or scaling targets and predictions
    alike changes nothing but rounding.
    """
    each = np.ones(len(y)) if of_rows is None else of_rows
    errors = np.concatenate(predictions, axis=1) - y[:, None]
    away = np.square(y - np.average(y, weights=each))
    able = able_members(np.square(errors), away, of_rows)
    weighed = np.sqrt(each)[:, None] * errors[:, able]
    gram = weighed.T @ weighed / (float(each @ away) or float(each.sum()))

    def loss(weights: Floats) -> tuple[float, Floats]:
        return float(weights @ gram @ weights), 2 * gram @ weights

    return _least(loss, able, rows=float(each.sum()))


def mixture_weights(predictions: Sequence[Floats], y: NDArray[np.uint8], of_rows: Floats | None = None) -> Floats:
    """(members,) weights of the mixture with the least surprise by bytes, drawn a little to equal shares.

    What a mixture holds of a byte is the weighted sum of what its members hold of it (Jelinek and Mercer 1980).

    Args:
        predictions: (rows, most) probabilities of the bytes of passages, a member.
        y: (rows, most) these bytes, 0 where there is none.
        of_rows: (rows,) weights of the rows.

    Laws: as of `pool_weights`.
    """
    there = y > 0
    each = np.repeat(np.ones(len(y)) if of_rows is None else of_rows, there.sum(axis=1))
    p = np.stack([np.maximum(member[there], np.finfo(np.float32).tiny) for member in predictions], axis=1)
    shares = np.bincount(y[there], weights=each) / each.sum()
    able = able_members(-np.log(p), -np.log(np.maximum(shares, np.finfo(np.float64).tiny))[y[there]], each)
    own = p[:, able]

    def loss(weights: Floats) -> tuple[float, Floats]:
        mixed = own @ weights
        return -float(each @ np.log(mixed)) / each.sum(), -(each / mixed) @ own / each.sum()

    return _least(loss, able, rows=float(each.sum()))


def able_members(losses: Floats, constant: Floats, of_rows: Floats | None = None) -> NDArray[np.bool_]:
    """Which members lose less than the best constant, by more than a standard error; all, if none does.

    Args:
        losses: (rows, members).
        constant: (rows,) losses of the constant.
        of_rows: (rows,) weights of the rows.
    """
    gains = constant[:, None] - losses
    each = np.ones(len(gains)) if of_rows is None else of_rows
    mean = np.average(gains, axis=0, weights=each)
    able = mean > np.sqrt(np.square(each[:, None] * (gains - mean)).sum(axis=0)) / each.sum()
    return able if able.any() else np.ones_like(able)


def _least(loss: Callable[[Floats], tuple[float, Floats]], able: NDArray[np.bool_], *, rows: float) -> Floats:
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


WEIGHING: Final[Mapping[str, Callable[..., Floats]]] = {
    "pool": pool_weights,
    "mean": sum_weights,
    "mixture": mixture_weights,
}
"""How weights are found, by the rule that predictions are then joined by (`OutputKind.joins`)."""
