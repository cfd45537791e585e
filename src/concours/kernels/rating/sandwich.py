"""How much strengths vary from sample to sample: robust covariances from counts, and from sums within clusters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from concours.kernels.rating.bradley_terry import assembled, differences
from concours.kernels.rating.ties import Terms, Ties
from concours.kernels.rating.votes import Boards, Votes

Floats = NDArray[np.float64]

_PSEUDO = 5
_LEVERAGE = 0.9
"""No battle is taken to pull the fit to itself by more than this."""


def meat(boards: Boards, theta: Floats, eta: Floats, bread: Floats, ties: Ties) -> Floats:
    """(boards, models + e, models + e): the variance of the slope of the log likelihood, battles independent.

    All battles of a cell have the same score, so that counts are enough. Scores are divided by 1 - leverage (HC2,
    MacKinnon and White 1985). A pair's sum is shrunk by one battle towards what the fit expects of it, scaled by how
    scores scatter on the whole: few battles that happen to lie on the curve do not look certain.

    Args:
        theta, eta: where the fit ended, (boards, models) and (boards,).
        bread: (boards, models + e, models + e) the inverse of the information.
    """
    _, shrunk = _pieces(boards, theta, eta, bread, ties)
    return assembled(boards, shrunk, ties.parameters)[1]


def clustered_meat(
    boards: Boards,
    votes: Votes,
    clusters: Sequence[NDArray[np.int32]],
    theta: Floats,
    eta: Floats,
    bread: Floats,
    ties: Ties,
) -> Floats:
    """The same for one board, (1, models + e, models + e), where battles that share a cluster depend on one another.

    Args:
        boards: one board, with exactly the battles of `votes`.
        clusters: (rows,) codes, one array a way.
    """
    e, models = ties.parameters, boards.models
    left, right, rows = votes.left, votes.right, np.arange(len(votes))
    d = (theta[0, left] - theta[0, right])[None]
    by_d, by_eta = ties.scores(d, eta)
    one = ties.terms(d, eta, ties.chances(d, eta) if e else _one(d))
    spread = bread[0, left, left] + bread[0, right, right] - 2 * bread[0, left, right]
    weight = np.ones(len(votes)) if votes.weight is None else votes.weight
    score = by_d[0, rows, votes.outcome] * weight / np.sqrt(1 - np.clip(weight * one.curve[0] * spread, 0.0, _LEVERAGE))
    columns = np.stack([left, right, *[np.full(len(rows), models)] * e], axis=1)
    values = np.stack([score, -score, *[by_eta[0, rows, votes.outcome] * weight] * e], axis=1)
    slopes = csr_array(
        (values.ravel(), columns.ravel(), np.arange(0, values.size + 1, 2 + e)), shape=(len(rows), models + e)
    )
    own, shrunk = (assembled(boards, terms, e)[1][0] for terms in _pieces(boards, theta, eta, bread, ties))
    return np.asarray((clustered(slopes, clusters, own) + positive(shrunk - own))[None])


def clustered(slopes: csr_array, clusters: Sequence[NDArray[np.int32]], independent: Floats) -> Floats:
    """The variance of the sum of rows that depend on one another within clusters, fit to be used, (k, k).

    What `by_clusters` finds, without negative eigenvalues, and drawn by five clusters towards that of independent rows,
    scaled by how much clusters add on the whole (never less than nothing): few clusters say little of single models,
    and one alone says nothing, since slopes sum to zero where the fit ends.
    """
    found = positive(by_clusters(slopes, clusters))
    effect = max(float(np.trace(found) / max(np.trace(independent), 1e-300)), 1.0)
    many = min(len(np.unique(way)) for way in clusters)
    return np.asarray((many * found + _PSEUDO * effect * independent) / (many + _PSEUDO))


def by_clusters(slopes: csr_array, clusters: Sequence[NDArray[np.int32]]) -> Floats:
    """The variance of the sum of the rows of `slopes` (rows, k), which depend on one another within clusters, (k, k).

    Several ways of clustering are joined by inclusion and exclusion (Cameron, Gelbach and Miller 2011), so that the
    result may have negative eigenvalues. Each way is scaled by G / (G - 1) for its G clusters.
    """
    rows, size = slopes.shape
    total = np.zeros((size, size))
    for many in range(1, len(clusters) + 1):
        for ways in combinations(clusters, many):
            code = _joined(ways)
            of = int(code.max(initial=0)) + 1
            sums = csr_array((np.ones(rows), (code, np.arange(rows))), shape=(of, rows)) @ slopes
            total += (-1) ** (many + 1) * of / max(of - 1, 1) * (sums.T @ sums).toarray()
    return total


def positive(matrix: Floats) -> Floats:
    """The matrix without its negative eigenvalues."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T)


def _pieces(boards: Boards, theta: Floats, eta: Floats, bread: Floats, ties: Ties) -> tuple[Terms, Terms]:
    """Sums of squares of scores by pair: as they are, and shrunk."""
    d = differences(boards, theta)
    by_d, by_eta = ties.scores(d, eta)
    battles, square = boards.battles, boards.square
    many, mass = battles.sum(axis=-1), square.sum(axis=-1)
    size = np.maximum(many, 1.0)
    expected = ties.chances(d, eta) if ties.parameters else _one(d)
    one = ties.terms(d, eta, expected)  # the information of a single battle
    first, second = boards.first, boards.second
    spread = bread[:, first, first] + bread[:, second, second] - 2 * bread[:, first, second]
    mean = boards.weight.sum(axis=-1) / size
    grown = 1 / (1 - np.clip(mean * one.curve * spread, 0.0, _LEVERAGE))
    curve = (square * by_d**2).sum(axis=-1) * grown
    cross = (square * by_d * by_eta).sum(axis=-1) * np.sqrt(grown)
    curve_eta = (square * by_eta**2).sum(axis=-1)
    scatter = (curve.sum(axis=-1) / np.maximum((mass * one.curve).sum(axis=-1), 1e-300))[:, None]
    kept = many / (many + 1)
    none = np.zeros_like(d)
    added = scatter * mass / size * kept
    own = Terms(none, curve, cross, none[:, 0], curve_eta.sum(axis=-1))
    shrunk = Terms(none, kept * curve + added * one.curve, kept * cross, none[:, 0], curve_eta.sum(axis=-1))
    return own, shrunk


def _one(d: Floats) -> Floats:
    """The counts of one battle a pair; which outcome is all the same to the information where ties are half a win."""
    one = np.zeros((*np.atleast_2d(d).shape, 3))
    one[..., 0] = 1.0
    return one


def _joined(ways: Sequence[NDArray[np.int32]]) -> NDArray[np.int64]:
    """Codes of clusters that share all of some ways."""
    code = ways[0].astype(np.int64)
    for other in ways[1:]:
        code = np.unique(code * (int(other.max()) + 1) + other, return_inverse=True)[1]
    return np.unique(code, return_inverse=True)[1].astype(np.int64)
