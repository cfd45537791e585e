"""Mixtures of samplers: each row has the sample of one member, and the weights are those of the nearest mixture.

The mean and the second moment of a mixture are the weighted ones of its members, so its Fréchet distance to real points
is a smooth function of the weights, and no sample is drawn to find them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from concours.kernels.scoring.frechet import Moments, distance_between, root_of

Floats = NDArray[np.float64]

_GOLDEN: Final = (5**0.5 - 1) / 2
_NEXT_TO_NOTHING: Final = 1e-3
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(29)


def mixed(members: Iterable[NDArray[Any]], weights: Floats) -> NDArray[Any]:
    """Samples (rows, …) of a mixture: of each row that of one member, as often as its weight says (`mixing`).

    Args:
        members: (rows, …) each, of one shape and type; who has no weight is not read.
        weights: (members,), or (members, rows) where a row has weights of its own.

    Raises:
        ValueError: nobody has a weight.
    """
    some = [(member, weight) for member, weight in zip(members, weights, strict=True) if np.any(weight)]
    if not some:
        raise ValueError("a mixture needs a member with a weight; all weights are zero")
    said, each = [member for member, _ in some], np.stack([weight for _, weight in some])
    drawn: NDArray[Any] = np.stack(said)[mixing(said)(each), np.arange(len(said[0]))]
    return drawn


def mixing(members: Sequence[NDArray[Any]]) -> Callable[[Floats], NDArray[np.int64]]:
    """Who of the members (rows, …) draws each row, (rows,), by weights as of `mixed`.

    That is no matter of chance: rows walk through [0, 1) by the golden ratio, which fills it evenly, and members have a
    stretch each as long as their weight. They lie there in an order that hangs on what they say alone.

    Laws: permuting members with their weights changes nothing; who has no weight draws nothing; of n rows a member has
    its share to within about log(n) of them.
    """
    order, rows = np.argsort([_mark(member) for member in members], kind="stable"), len(members[0])
    places = (np.arange(1, rows + 1) * _GOLDEN) % 1.0

    def whose(weights: Floats) -> NDArray[np.int64]:
        each = np.asarray(weights, dtype=np.float64)[order]
        ends = np.cumsum(np.broadcast_to(each.reshape(len(each), -1), (len(each), rows)), axis=0)
        return np.asarray(order[(places * ends[-1] >= ends).sum(axis=0)])

    return whose


def mixture_weights(members: Sequence[Floats], real: Floats, of_rows: Floats | None = None) -> Floats:
    """(members,) weights of the mixture whose Fréchet distance to real points is least.

    Found by sequential quadratic programming on the simplex with the exact gradient, from the even mixture and from
    each member alone; the best is taken. Weights below a thousandth are none.

    Laws: they are at least 0 and add up to 1; the mixture is at most as far as the nearest member.

    Args:
        members: features (rows, features) of what each drew.
        real: (rows, features).
        of_rows: (rows,) weights of rows.
    """
    goal, count = Moments.of(real, of_rows), len(members)
    each = [Moments.of(member, of_rows) for member in members]
    means = np.stack([one.mean for one in each])
    seconds = np.stack([one.covariance + np.outer(one.mean, one.mean) for one in each])
    root = root_of(goal.covariance)

    def mixture(weights: Floats) -> Moments:
        mean = weights @ means
        return Moments(mean=mean, covariance=np.tensordot(weights, seconds, axes=1) - np.outer(mean, mean))

    def distance(weights: Floats) -> float:
        return distance_between(goal, mixture(weights))

    def gradient(weights: Floats) -> Floats:
        now = mixture(weights)
        values, vectors = np.linalg.eigh(root @ now.covariance @ root)
        kept = values > 1e-12 * max(values.max(), 1e-300)
        inverse = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1.0)), 0.0)
        slope = np.eye(len(root)) - root @ (vectors * inverse) @ vectors.T @ root
        moved = seconds - np.einsum("kf,g->kfg", means, now.mean) - np.einsum("f,kg->kfg", now.mean, means)
        return np.asarray(2 * means @ (now.mean - goal.mean) + np.einsum("fg,kfg->k", slope, moved))

    sum_to_one = {"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones_like(w)}
    best = min(np.eye(count), key=distance)
    for start in (np.full(count, 1 / count), 0.9 * best + 0.1 / count):
        found = minimize(
            distance, start, jac=gradient, method="SLSQP", bounds=[(0.0, 1.0)] * count, constraints=[sum_to_one],
            options={"maxiter": 200, "ftol": 1e-10},
        )  # fmt: skip
        kept = np.where(found.x > _NEXT_TO_NOTHING, found.x, 0.0)
        if np.isfinite(kept).all() and kept.any():
            best = min(best, kept / kept.sum(), key=distance)
    return np.asarray(best)


def _mark(member: NDArray[Any]) -> int:
    """A number that hangs on what a member says alone."""
    content = np.ascontiguousarray(member)
    words = np.frombuffer(content.tobytes().ljust(-(-content.nbytes // 8) * 8, b"\0"), dtype=np.uint64)
    keys = (words ^ np.arange(len(words), dtype=np.uint64) * _ODD) * _ODD
    return int(np.bitwise_xor.reduce((keys ^ (keys >> _SHIFT)) * _ODD))
