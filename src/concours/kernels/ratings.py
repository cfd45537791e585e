"""Ratings of all models on several boards at once, with what is known of how sure they are.

The established models are rated by likelihood alone, from the battles between them. All others are rated afterwards,
with these held where they are, and with a prior: the mean of each further set of models (see `identifiability`) is
normal around the mean of the established ones. So nothing that enters later can move an established model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import log
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from concours.kernels.bradley_terry import Strengths, assembled, differences, gauge, maximise
from concours.kernels.identifiability import Standing, standing
from concours.kernels.sandwich import meat
from concours.kernels.ties import Ties
from concours.kernels.votes import Boards

Floats = NDArray[np.float64]
Meat = Callable[[Boards, Floats, Floats, Floats], Floats]
"""(boards, theta, eta, bread) to the variance of the slope, (boards, models + e, models + e)."""

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
        eta, eta_stderr: the parameter of ties, where there is one.
    """

    standing: Standing
    theta: Floats
    covariance: Floats
    eta: float
    eta_stderr: float


def rate(
    boards: Boards,
    ties: Ties,
    *,
    spread: Literal["sandwich", "fisher"] | Meat = "sandwich",
    prior: float = PRIOR,
    few: int | None = None,
) -> list[Rated]:
    """Rates each board.

    Args:
        spread: how the covariance of the established ones is found: robust to a fit that is not quite right, or from
            the information alone, or by a variance of the slope of your own.
        prior: standard deviation of the mean of a set of models that are not established, in natural-log strength.
        few: with fewer battles a model is not established; `identifiability.FEW` by default.
    """
    size = max(boards.models**2, 6 * len(boards.first), 1)
    step = max(1, _CELLS // size)
    rated: list[Rated] = []
    for start in range(0, len(boards.weight), step):
        rated += _rate(boards.block(slice(start, start + step)), ties, spread, prior, few)
    return rated


def _rate(
    boards: Boards, ties: Ties, spread: Literal["sandwich", "fisher"] | Meat, prior: float, few: int | None
) -> list[Rated]:
    options = {} if few is None else {"few": few}
    standings = [standing(boards, board, **options) for board in range(len(boards.weight))]
    established = np.stack([each.established for each in standings])
    inner = among(boards, established)
    found, bread = solve(inner, established, ties)
    covariance = bread
    if spread == "sandwich":
        covariance = bread @ meat(inner, found.theta, found.eta, bread, ties) @ bread
    elif callable(spread):
        covariance = bread @ spread(inner, found.theta, found.eta, bread) @ bread
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


def solve(
    boards: Boards, established: NDArray[np.bool_], ties: Ties, start: Strengths | None = None
) -> tuple[Strengths, Floats]:
    """The strengths of the established models, mean 0, and the inverse of the information, (boards, m + e, m + e)."""
    scale = np.maximum(boards.weight.sum(axis=(1, 2)), 1e-300)
    found = maximise(
        boards,
        boards.weight,
        ties,
        free=established,
        penalty=gauge(established, scale),
        theta=start and start.theta,
        eta=start and start.eta,
    )
    sought = np.concatenate([established, np.ones((len(established), ties.parameters), dtype=np.bool_)], axis=1)
    bread = np.linalg.inv(found.information) * (sought[:, :, None] & sought[:, None, :])
    models = boards.models
    bread[:, :models, :models] -= (established[:, :, None] & established[:, None, :]) / scale[:, None, None]
    return found, bread


def _completed(
    one: Boards, found: Strengths, covariance: Floats, known: Standing, ties: Ties, prior: float, board: int
) -> Rated:
    """The models that are not established are put in."""
    models = one.models
    theta, eta = found.theta[[board]].copy(), found.eta[[board]]
    stderr = float(np.sqrt(max(covariance[models, models], 0.0))) if ties.parameters else 0.0
    whole = covariance[:models, :models].copy()
    others = (known.played > 0) & ~known.established
    if others.any():
        penalty = np.zeros((models, models))
        for group in np.unique(known.group[others]):
            share = (known.group == group) & others
            penalty += np.outer(share, share) / (share.sum() * prior) ** 2
        outer = ~(known.established[one.first] & known.established[one.second])
        weight = one.weight * outer[None, :, None]
        free = others[None]
        placed = maximise(one, weight, ties, free=free, penalty=penalty[None], theta=theta, eta=eta, eta_free=False)
        theta = placed.theta
        terms = ties.terms(differences(one, theta), eta, weight)
        _, hessian = assembled(one, terms, ties.parameters)
        own = np.ix_(others, others)
        across = np.ix_(others, known.established)
        inverse = np.linalg.inv(hessian[0, :models, :models][own] + penalty[own])
        follows = -inverse @ hessian[0, :models, :models][across]
        with_established = follows @ whole[np.ix_(known.established, known.established)]
        whole[across] = with_established
        whole[np.ix_(known.established, others)] = with_established.T
        whole[own] = inverse + with_established @ follows.T
    values = np.where(known.played > 0, theta[0], np.nan)
    return Rated(known, values, whole, float(eta[0]), stderr)


def replicates(boards: Boards, rated: Rated, ties: Ties, *, rounds: int, rng: np.random.Generator) -> Floats:
    """Strengths of the established models of one board in many bootstrap rounds, (rounds, models), mean 0.

    The Bayesian bootstrap (Rubin 1981), from counts: each battle weighs Exp(1), hence a cell of n battles Gamma(n).
    No cell vanishes, so that what is determined stays determined in every round. Weighted cells have the mean and the
    variance that the sum of their battles' weights would have.

    Args:
        boards: one board.
    """
    established = rated.standing.established[None]
    inner = among(boards, established)
    theta = np.where(established, np.nan_to_num(rated.theta), 0.0)
    drawn = [_round(inner, weight, established, theta, rated.eta, ties) for weight in _drawn(inner, rounds, rng)]
    return np.concatenate(drawn)


def _drawn(boards: Boards, rounds: int, rng: np.random.Generator) -> Iterator[Floats]:
    """(some rounds, pairs, 3) at a time."""
    weight, square = boards.weight[0], boards.square[0]
    some = weight > 0
    shape = np.divide(weight**2, square, out=np.zeros_like(weight), where=some)[some]
    scale = np.divide(square, weight, out=np.zeros_like(weight), where=some)[some]
    step = max(1, _CELLS // (8 * max(boards.models**2, weight.size)))
    for start in range(0, rounds, step):
        many = min(step, rounds - start)
        each = np.zeros((many, *weight.shape))
        each[:, some] = rng.standard_gamma(shape, size=(many, len(shape))) * scale
        yield each


def _round(
    boards: Boards, weight: Floats, established: NDArray[np.bool_], theta: Floats, eta: float, ties: Ties
) -> Floats:
    many = len(weight)
    chosen = np.broadcast_to(established, (many, boards.models))
    found = maximise(
        boards,
        weight,
        ties,
        free=chosen,
        penalty=gauge(established, weight[:1].sum(axis=(1, 2))),
        theta=np.broadcast_to(theta, (many, boards.models)),
        eta=np.full(many, eta),
    )
    return found.theta
