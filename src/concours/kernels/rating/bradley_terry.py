"""Strengths from counts by Newton's method, for many boards at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.rating.identifiability import ties_determined
from concours.kernels.rating.ties import Terms, Ties
from concours.kernels.rating.votes import TIE, Boards

Floats = NDArray[np.float64]

_STEPS = 200
_CLOSE = 1e-7
"""In natural-log strength. Newton's error after a step is about the square of the step before."""

EQUALS: Final = np.array([0.25, 0.25, 0.5])
"""One battle between equals, half decisive and half a tie: what is assumed of ties where battles do not tell."""


@dataclass(frozen=True, slots=True)
class Strengths:
    """Solutions, one a board.

    Attributes:
        theta: (boards, models) natural logarithms of strengths; where `free` was false, what was given.
        eta: (boards,) the parameter of ties.
        eta_sought: (boards,) whether eta was sought; else it is what was given, or what the share of ties suggests.
        eta_leans: (boards,) whether eta was sought and the battles do not determine it, so that it leans on `EQUALS`.
        information: (boards, models + e, models + e) minus the Hessian at the solution, penalty included, where e is
            the number of parameters of ties; rows and columns of what was not free are those of the unit matrix.
    """

    theta: Floats
    eta: Floats
    eta_sought: NDArray[np.bool_]
    eta_leans: NDArray[np.bool_]
    information: Floats


def maximise(
    boards: Boards,
    weight: Floats,
    ties: Ties,
    *,
    free: NDArray[np.bool_],
    penalty: Floats,
    theta: Floats | None = None,
    eta: Floats | None = None,
    eta_free: bool = True,
) -> Strengths:
    """The most likely strengths: Newton's method with exact derivatives.

    The step is damped by log(1 + D) / D, where D is the greatest change of a pair's difference: the logistic likelihood
    then never falls (Sun and Tran-Dinh 2019, for generalised self-concordant functions), and steps become whole.

    Args:
        boards: for its pairs only.
        weight: (boards, pairs, 3) counts.
        free: (boards, models) which strengths are sought.
        penalty: (boards, models, models) or broadcast to it: half of theta' penalty theta is taken from the likelihood.
            It has to make the problem solvable: see `gauge` for what is determined up to a constant.
        theta, eta: where to start; zero, and what the share of ties suggests.
        eta_free: whether eta is sought too; without any tie it never is. Where the battles do not determine it (see
            `ties_determined`), one battle between equals is added that speaks of eta alone, `EQUALS`.
    """
    models = boards.models
    theta = np.zeros(free.shape) if theta is None else theta.copy()
    eta = ties.start(weight) if eta is None else eta.copy()
    e = ties.parameters
    eta_sought = np.asarray((weight[..., TIE] > 0).any(axis=1) & bool(e and eta_free))
    eta_leans = eta_sought & ~ties_determined(boards, weight) if eta_sought.any() else eta_sought
    sought = np.concatenate([free, np.broadcast_to(eta_sought[:, None], (len(free), e))], axis=1)
    active = np.arange(len(theta))
    information = np.empty((len(theta), models + e, models + e))
    for _ in range(_STEPS):
        some = len(active) < len(theta)
        counts = weight[active] if some else weight
        pull = np.broadcast_to(penalty, (len(theta), models, models))[active] if some else penalty
        terms = ties.terms(differences(boards, theta[active]), eta[active], counts)
        if eta_leans.any():
            terms = _leaning(terms, ties, eta[active], eta_leans[active])
        gradient, hessian = assembled(boards, terms, e)
        gradient[:, :models] -= (pull @ theta[active][..., None])[..., 0]
        hessian[:, :models, :models] += pull
        _hold(gradient, hessian, sought[active])
        information[active] = hessian
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        reach = np.ptp(step[:, :models], axis=1) + np.abs(step[:, models:]).sum(axis=1)
        step *= np.divide(np.log1p(reach), reach, out=np.ones_like(reach), where=reach > _CLOSE)[:, None]
        theta[active] += step[:, :models]
        if e:
            moved = eta[active] + step[:, models]
            eta[active] = np.where(moved > ties.low, moved, eta[active] / 4)
        active = active[reach > _CLOSE]
        if not len(active):
            return Strengths(theta, eta, eta_sought, eta_leans, information)
    raise FloatingPointError(f"{len(active)} boards did not settle within {_STEPS} steps")


def _leaning(terms: Terms, ties: Ties, eta: Floats, leans: NDArray[np.bool_]) -> Terms:
    """With a battle between equals more, by eta alone, on those boards (boards,) that lean on it."""
    more = ties.terms(np.zeros((len(eta), 1)), eta, leans[:, None, None] * EQUALS)
    return replace(terms, slope_eta=terms.slope_eta + more.slope_eta, curve_eta=terms.curve_eta + more.curve_eta)


def differences(boards: Boards, theta: Floats) -> Floats:
    """(boards, pairs) from strengths (boards, models)."""
    return theta[:, boards.first] - theta[:, boards.second]


def assembled(boards: Boards, terms: Terms, e: int) -> tuple[Floats, Floats]:
    """The gradient (boards, models + e), and minus the Hessian as a matrix for each board."""
    models, many = boards.models, len(terms.slope)
    gradient = np.empty((many, models + e))
    gradient[:, :models] = (boards.incidence.T @ terms.slope.T).T
    hessian = np.zeros((many, models + e, models + e))
    hessian[:, boards.first, boards.second] = -terms.curve
    hessian[:, boards.second, boards.first] = -terms.curve
    each = np.arange(models)
    hessian[:, each, each] = (abs(boards.incidence).T @ terms.curve.T).T
    if e:
        gradient[:, models] = terms.slope_eta
        cross = (boards.incidence.T @ terms.cross.T).T
        hessian[:, models, :models] = hessian[:, :models, models] = cross
        hessian[:, models, models] = terms.curve_eta
    return gradient, hessian


def gauge(among: NDArray[np.bool_], scale: Floats) -> Floats:
    """(boards, models, models): a penalty that keeps the mean of some strengths at 0 and changes no difference.

    Args:
        among: (boards, models).
        scale: (boards,) positive, of the size of the information, for a good condition.
    """
    shares = among / np.maximum(among.sum(axis=1, keepdims=True), 1)
    return np.asarray(scale[:, None, None] * shares[:, :, None] * shares[:, None, :])


def _hold(gradient: Floats, hessian: Floats, sought: NDArray[np.bool_]) -> None:
    if sought.all():
        return
    gradient[~sought] = 0.0
    hessian *= sought[:, :, None] & sought[:, None, :]
    board, place = np.nonzero(~sought)
    hessian[board, place, place] = 1.0
