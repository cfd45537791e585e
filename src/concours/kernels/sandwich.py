"""How much strengths vary from sample to sample: robust covariances from counts, and from sums within clusters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from concours.kernels.bradley_terry import assembled, differences
from concours.kernels.ties import Terms, Ties
from concours.kernels.votes import Boards, Votes

Floats = NDArray[np.float64]

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
    e = ties.parameters
    own, shrunk = _pieces(boards, theta, eta, bread, ties)
    del own
    _, matrix = assembled(boards, shrunk, e)
    return matrix


def clustered_meat(
    boards: Boards,
    board: int,
    votes: Votes,
    clusters: Sequence[NDArray[np.int32]],
    theta: Floats,
    eta: Floats,
    bread: Floats,
    ties: Ties,
) -> Floats:
    """The same for one board, (models + e, models + e), where battles that share a cluster depend on one another.

    Several ways of clustering are joined by inclusion and exclusion (Cameron, Gelbach and Miller 2011); what comes out
    negative is cut off. Each way is scaled by G / (G - 1) for its G clusters.

    Args:
        votes: the battles of this board, without those of a model with itself.
        clusters: (rows,) codes, one array a way.
        theta, eta, bread: of this board, with the first axis.
    """
    e, models = ties.parameters, boards.models
    d = theta[0, votes.left] - theta[0, votes.right]
    by_d, by_eta = ties.scores(d[None], eta)
    rows = np.arange(len(votes))
    info = ties.terms(d[None], eta, ties.chances(d[None], eta)) if e else ties.terms(d[None], eta, _one(d))
    spread = bread[0, votes.left, votes.left] + bread[0, votes.right, votes.right]
    spread = spread - 2 * bread[0, votes.left, votes.right]
    weight = np.ones(len(votes)) if votes.weight is None else votes.weight
    grown = weight / np.sqrt(1 - np.clip(weight * info.curve[0] * spread, 0.0, _LEVERAGE))
    score = by_d[0, rows, votes.outcome] * grown
    score_eta = by_eta[0, rows, votes.outcome] * weight
    total = np.zeros((models + e, models + e))
    for size in range(1, len(clusters) + 1):
        for ways in combinations(clusters, size):
            code = _joined(ways)
            many = int(code.max()) + 1
            place = np.concatenate([code] * (2 + e))
            column = np.concatenate([votes.left, votes.right, *[np.full(len(votes), models)] * e])
            value = np.concatenate([score, -score, *[score_eta] * e])
            sums = csr_array((value, (place, column)), shape=(many, models + e))
            total += (-1) ** (size + 1) * many / max(many - 1, 1) * (sums.T @ sums).toarray()
    own, shrunk = (assembled(boards, terms, e)[1][0] for terms in _pieces(boards, theta, eta, bread, ties))
    total += shrunk - own
    values, vectors = np.linalg.eigh((total + total.T) / 2)
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
