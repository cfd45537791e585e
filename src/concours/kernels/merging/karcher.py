"""The Karcher mean: the middle of models on the sphere of their directions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.merging.gram import Gram, gram
from concours.kernels.merging.parts import Array, Whole, Within, combined

_NOTHING: Final = 1e-12


def karcher(
    tensors: Sequence[Array],
    *,
    weights: Sequence[float] | None = None,
    max_iter: Annotated[int, Within(1, 1e6)] = 10,
    tol: Annotated[float, Within(0, 4, closed=False)] = 1e-5,
    known: Gram | None = None,
) -> Array:
    """The point of the sphere from which squared angles to the tensors' directions are least, times their mean length.

    It lies in the span of the tensors, so it is sought by their inner products alone, one step along the mean of the
    arcs after another, from their mean on.

    Args:
        tensors: one a model, all of one shape, floating, 32 bits or more; those that are 0 have no direction.
        weights: (models,), 0 or more; by default all count alike.
        max_iter: steps at most, 1 or more.
        tol: above 0: it stops where a step is shorter, in radians.
        known: what `gram` found of whole tensors, where these are a part of them.

    Laws: of one model it is that model, and of two that are no further than a right angle apart, SLERP's middle, where
    these are of one length. Source: Karcher 1977, "Riemannian center of mass and mollifier smoothing".
    """
    products = gram(Whole.of(tensors)) if known is None else known
    shares = np.ones(len(tensors)) if weights is None else np.asarray(weights, dtype=np.float64)
    if len(shares) != len(tensors) or (shares < 0).any() or not shares.sum():
        raise ValueError("karcher takes a weight of 0 or more for each model, of which one is above 0")
    return combined(tensors, _middle(products, shares / shares.sum(), max_iter, tol).tolist())


def _middle(products: Gram, shares: NDArray[np.float64], max_iter: int, tol: float) -> NDArray[np.float64]:
    """The coefficients of the tensors."""
    lengths = np.sqrt(np.diag(products))
    there = (lengths > 0) & (shares > 0)
    if there.sum() < 2:
        return np.where(there, shares, 0.0)
    between = products[np.ix_(there, there)] / np.outer(lengths[there], lengths[there])
    own = shares[there] / shares[there].sum()
    at = _unit(own, between, instead=np.eye(len(own))[0])
    for _ in range(max_iter):
        step = _towards(at, own, between)
        if (length := math.sqrt(max(0.0, float(step @ between @ step)))) < tol:
            break
        at = _unit(math.cos(length) * at + math.sin(length) / length * step, between, instead=at)
    found = np.zeros(len(shares))
    found[there] = at / lengths[there] * (shares @ lengths)
    return found


def _towards(at: NDArray[np.float64], own: NDArray[np.float64], between: Gram) -> NDArray[np.float64]:
    """The mean of the arcs from a point to all directions, as coefficients of these."""
    cosines = np.clip(between @ at, -1, 1)
    angles = np.arccos(cosines)
    sines = np.sin(angles)
    pull = own * np.where(sines > _NOTHING, angles / np.where(sines > _NOTHING, sines, 1), 1)
    return np.asarray(pull - (pull @ cosines) * at)


def _unit(at: NDArray[np.float64], between: Gram, *, instead: NDArray[np.float64]) -> NDArray[np.float64]:
    length = math.sqrt(max(0.0, float(at @ between @ at)))
    return at / length if length > _NOTHING else instead
