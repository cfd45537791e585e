"""Arithmetic of explanations: what groups tell of values, contrasts with a base, orders whose beginnings nest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scoring.scores import Means

Floats = NDArray[np.float64]


def explained_share(groups: NDArray[np.integer[Any]], values: Floats) -> float:
    """The share of the variance of values that groups of rows explain, adjusted for their number (Kelley 1935).

    Epsilon squared: at most 1, about 0 (also a little below) for groups made by chance however many there are, and 0
    where nothing varies or every row is a group of its own.

    Args:
        groups: (rows,) the group of each row, from 0.
        values: (rows, outputs); their variances are added.
    """
    counts = np.bincount(groups)
    rows, free = len(groups), np.count_nonzero(counts) - 1
    centred = values - values.mean(axis=0)
    total = float(np.square(centred).sum())
    if total <= 0 or rows - free <= 1:
        return 0.0
    sums = np.stack([np.bincount(groups, weights=column) for column in centred.T])
    between = float((np.square(sums) / np.maximum(counts, 1)).sum())
    within = max(total - between, 0.0) / (rows - free - 1)
    return (between - free * within) / total


def contrasts(means: Means, repeats: int) -> tuple[Floats, Floats]:
    """How far estimates lie from the first one, and the standard errors of that: (k,) both.

    Args:
        means: of 1 + k * repeats estimates on the same rows: the base, then `repeats` of each of k things, whose mean
            counts.

    Law: exactly 0 for what is as the base.
    """
    weights = np.kron(np.eye((len(means.means) - 1) // repeats), np.full(repeats, 1 / repeats))
    weights = np.concatenate([np.full((len(weights), 1), -1.0), weights], axis=1)
    variances = np.einsum("ki,ij,kj->k", weights, means.covariance, weights)
    away = (means.means[1:] - means.means[0]).reshape(-1, repeats).mean(axis=1)
    return away, np.sqrt(np.maximum(variances, 0.0))


def nested_order(codes: NDArray[np.integer[Any]] | None, rows: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """An order of the rows (rows,) in which every beginning is a random sample, so that a smaller one is in a bigger.

    With class codes (rows,) every beginning is stratified: it has of each class, to within a row, its share, and each
    class comes once before any comes twice.
    """
    shuffled = rng.permutation(rows)
    if codes is None:
        return shuffled
    of_class = codes[shuffled]
    grouped = np.argsort(of_class, kind="stable")
    counts = np.bincount(of_class)
    within = np.empty(rows)
    within[grouped] = np.arange(rows) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.asarray(shuffled[np.argsort(within / counts[of_class], kind="stable")])


def nested_share(codes: NDArray[np.integer[Any]] | None, rows: int, share: float, seed: int) -> NDArray[np.int64]:
    """Numbers of a random share of the rows, at least one, in their order (`nested_order`).

    Law: with one seed, the rows of a smaller share are among those of a bigger one.
    """
    count = min(max(round(share * rows), 1), rows)
    return np.sort(nested_order(codes, rows, np.random.default_rng(seed))[:count])
