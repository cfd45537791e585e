"""Ratings of all models on several boards at once, with what is known of how sure they are.

The established models are rated by likelihood alone, from the battles between them. All others are rated afterwards,
with these held where they are, and with a prior: the mean of each further set of models (see `identifiability`) is
normal around the mean of the established ones. So nothing that enters later can move an established model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from concours.kernels.rating.bradley_terry import Strengths, assembled, differences, gauge, maximise
from concours.kernels.rating.identifiability import FEW, Standing, standing
from concours.kernels.rating.sandwich import meat
from concours.kernels.rating.ties import Ties
from concours.kernels.rating.votes import OUTCOMES, TIE, Boards, Votes

Floats = NDArray[np.float64]
Spread = Callable[[Boards, Strengths, Floats, NDArray[np.bool_]], Floats]
"""(boards, found, bread, established) to the covariance of what was found, (boards, models + e, models + e).

The boards hold the battles between established models only; `bread` is the inverse of the information.
"""

ELO: Final = 400 / log(10)
"""Points of the Elo scale in one unit of natural-log strength."""
PRIOR: Final = 350 / ELO
"""Standard deviation of the prior, in natural-log strength: what Glickman (1999) begins with."""

_CELLS = 8_000_000
"""So many numbers are held at a time."""


@dataclass(frozen=True, slots=True)
class Rated:
    """One board.

    Attributes:
        standing: who is established, and why the others are not.
        theta: (models,) natural-log strengths; the mean of the established ones is 0; NaN without battles.
        covariance: (models, models) of theta, the mean of the established ones being held at 0.
        eta, eta_stderr: the parameter of ties, where there is one; the error is NaN where the battles do not determine
            it.
        ties_lean: whether one battle between equals was added to find the parameter of ties (`bradley_terry.EQUALS`).
    """

    standing: Standing
    theta: Floats
    covariance: Floats
    eta: float
    eta_stderr: float
    ties_lean: bool = False


def sandwich(ties: Ties) -> Spread:
    """The covariance that does not rest on the fit being right (Huber 1967, White 1982), battles independent."""

    def spread(boards: Boards, found: Strengths, bread: Floats, _: NDArray[np.bool_]) -> Floats:
        return np.asarray(bread @ meat(boards, found.theta, found.eta, bread, ties) @ bread)

    return spread


def fisher(_: Boards, __: Strengths, bread: Floats, ___: NDArray[np.bool_]) -> Floats:
    """The covariance if the fit is right: the inverse of the information."""
    return bread


def rate(
    boards: Boards, ties: Ties, *, spread: Spread | None = None, prior: float = PRIOR, few: int = FEW
) -> list[Rated]:
    """Rates each board.

    Args:
        spread: how the covariance of the established ones is found; `sandwich` by default.
        prior: standard deviation of the mean of a set of models that are not established, in natural-log strength.
        few: with fewer battles a model is not established.
    """
    size = max(boards.models**2, 6 * len(boards.first), 1)
    step = max(1, _CELLS // size)
    rated: list[Rated] = []
    for start in range(0, len(boards.weight), step):
        rated += _rate(boards.block(slice(start, start + step)), ties, spread or sandwich(ties), prior, few)
    return rated


def _rate(boards: Boards, ties: Ties, spread: Spread, prior: float, few: int) -> list[Rated]:
    standings = [standing(boards, board, few=few) for board in range(len(boards.weight))]
    established = np.stack([each.established for each in standings])
    inner = among(boards, established)
    found, bread = solve(inner, established, ties)
    covariance = spread(inner, found, bread, established)
    return [
        _completed(boards.block([board]), found, covariance[board], each, ties, prior, board)
        for board, each in enumerate(standings)
    ]


def among(boards: Boards, chosen: NDArray[np.bool_]) -> Boards:
    """The counts without the battles of models that are not chosen, (boards, models)."""
    if chosen.all():
        return boards
    both = (chosen[:, boards.first] & chosen[:, boards.second])[:, :, None]
    return Boards(
        models=boards.models,
        first=boards.first,
        second=boards.second,
        battles=boards.battles * both,
        weight=boards.weight * both,
        square=boards.square * both,
    )


def solve(boards: Boards, established: NDArray[np.bool_], ties: Ties) -> tuple[Strengths, Floats]:
    """The strengths of the established models, mean 0, and the inverse of the information, (boards, m + e, m + e)."""
    scale = np.maximum(boards.weight.sum(axis=(1, 2)), 1e-300)
    start = _first_guess(boards, established)
    found = maximise(boards, boards.weight, ties, free=established, penalty=gauge(established, scale), theta=start)
    of_ties = np.broadcast_to(found.eta_sought[:, None], (len(established), ties.parameters))
    sought = np.concatenate([established, of_ties], axis=1)
    bread = np.linalg.inv(found.information) * (sought[:, :, None] & sought[:, None, :])
    models = boards.models
    bread[:, :models, :models] -= (established[:, :, None] & established[:, None, :]) / scale[:, None, None]
    return found, bread


def _first_guess(boards: Boards, established: NDArray[np.bool_]) -> Floats:
    """Log odds of all that a model won, mean 0: what it would be if all opponents were alike."""
    first, second = boards.incidence.maximum(0), -boards.incidence.minimum(0)
    halves = boards.weight[..., TIE].T / 2
    wins, losses = boards.weight[..., 0].T + halves, boards.weight[..., 1].T + halves
    won, lost = first.T @ wins + second.T @ losses, first.T @ losses + second.T @ wins
    guess = np.where(established, np.log((won.T + 1e-3) / (lost.T + 1e-3)), 0.0)
    mean = guess.sum(axis=1, keepdims=True) / np.maximum(established.sum(axis=1, keepdims=True), 1)
    return np.asarray(np.where(established, guess - mean, 0.0))


def prior_penalty(known: Standing, prior: float) -> Floats:
    """(models, models): the mean of each set of models that are not established is normal around 0."""
    others = (known.played > 0) & ~known.established
    penalty = np.zeros((len(others), len(others)))
    for group in np.unique(known.group[others]):
        share = (known.group == group) & others
        penalty += np.outer(share, share) / (share.sum() * prior) ** 2
    return penalty


def put_in(whole: Floats, hessian: Floats, penalty: Floats, known: Standing) -> Floats:
    """The covariance (models, models) of the established ones, with that of the others, whose fit leant on theirs.

    Args:
        hessian: (models, models) minus that of the log likelihood of the others' battles.
    """
    others = (known.played > 0) & ~known.established
    own, across = np.ix_(others, others), np.ix_(others, known.established)
    inverse = np.linalg.inv(hessian[own] + penalty[own])
    follows = -inverse @ hessian[across]
    with_established = follows @ whole[np.ix_(known.established, known.established)]
    joined = whole.copy()
    joined[across] = with_established
    joined[np.ix_(known.established, others)] = with_established.T
    joined[own] = inverse + with_established @ follows.T
    return joined


def _completed(
    one: Boards, found: Strengths, covariance: Floats, known: Standing, ties: Ties, prior: float, board: int
) -> Rated:
    """The models that are not established are put in."""
    models = one.models
    theta, eta = found.theta[[board]].copy(), found.eta[[board]]
    leans = bool(found.eta_leans[board])
    known_ties = bool(ties.parameters and found.eta_sought[board] and not leans)
    stderr = float(np.sqrt(max(covariance[models, models], 0.0))) if known_ties else float("nan")
    whole = covariance[:models, :models]
    others = (known.played > 0) & ~known.established
    if others.any():
        penalty = prior_penalty(known, prior)
        outer = ~(known.established[one.first] & known.established[one.second])
        weight = one.weight * outer[None, :, None]
        placed = maximise(
            one, weight, ties, free=others[None], penalty=penalty[None], theta=theta, eta=eta, eta_free=False
        )
        theta = placed.theta
        _, hessian = assembled(one, ties.terms(differences(one, theta), eta, weight), ties.parameters)
        whole = put_in(whole, hessian[0, :models, :models], penalty, known)
    return Rated(known, np.where(known.played > 0, theta[0], np.nan), whole, float(eta[0]), stderr, leans)


Draws = Callable[[int], Floats]
"""How many rounds to weights of the cells of one board in each, (rounds, pairs, 3)."""


def cell_draws(board: Boards, rng: np.random.Generator) -> Draws:
    """The Bayesian bootstrap (Rubin 1981) from counts: each battle weighs Exp(1), hence a cell of n battles Gamma(n).

    No cell vanishes, so that what is determined stays determined in every round. Weighted cells have the mean and the
    variance that the sum of their battles' weights would have.
    """
    weight, square = board.weight[0], board.square[0]
    some = weight > 0
    shape, scale = np.square(weight[some]) / square[some], square[some] / weight[some]

    def draw(rounds: int) -> Floats:
        each = np.zeros((rounds, *weight.shape))
        each[:, some] = rng.standard_gamma(shape, size=(rounds, len(shape))) * scale
        return each

    return draw


def cluster_draws(board: Boards, votes: Votes, cluster: NDArray[np.int32], rng: np.random.Generator) -> Draws:
    """The same where all battles of a cluster share one weight, Exp(1).

    Args:
        votes: the battles of the board.
        cluster: (rows,) codes.
    """
    first, second = np.minimum(votes.left, votes.right), np.maximum(votes.left, votes.right)
    pair = np.searchsorted(board.first * board.models + board.second, first.astype(np.int64) * board.models + second)
    turned = (votes.left > votes.right) & (votes.outcome != TIE)
    cell = pair * OUTCOMES + np.where(turned, 1 - votes.outcome, votes.outcome)
    many = int(cluster.max(initial=0)) + 1
    weight = np.ones(len(votes)) if votes.weight is None else votes.weight
    table = csr_array((weight, (cell, cluster)), shape=(board.weight[0].size, many))

    def draw(rounds: int) -> Floats:
        return np.asarray((table @ rng.standard_exponential((many, rounds))).T.reshape(rounds, -1, OUTCOMES))

    return draw


def replicates(
    board: Boards, found: Strengths, established: NDArray[np.bool_], ties: Ties, *, draws: Draws, rounds: int
) -> Floats:
    """Strengths, and the parameter of ties, in many bootstrap rounds, (rounds, models + e); strengths have mean 0.

    Args:
        board: one board, with the battles between its established models.
        found, established: its solution, where each round begins, (1, models).
    """
    step = max(1, _CELLS // (8 * max(board.models**2, board.weight.size)))
    solved = []
    for start in range(0, rounds, step):
        weight = draws(min(step, rounds - start))
        shape = len(weight), board.models
        each = maximise(
            board,
            weight,
            ties,
            free=np.broadcast_to(established, shape),
            penalty=gauge(established, board.weight.sum(axis=(1, 2))),
            theta=np.broadcast_to(found.theta, shape),
            eta=np.full(len(weight), found.eta[0]),
        )
        solved.append(np.concatenate([each.theta, each.eta[:, None]], axis=1)[:, : board.models + ties.parameters])
    return np.concatenate(solved)
