"""Strengths beside what else sways a vote: logistic regression on the models and on features of the battle.

Features may be style (length, headings), after LMArena's style control, or a constant, which is the gain of the left
side. A tie is half a win. Rows may be single battles, or all battles of one sort together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import expit

from concours.kernels.rating.bradley_terry import gauge
from concours.kernels.rating.identifiability import Standing
from concours.kernels.rating.ratings import PRIOR, Rated, prior_penalty, put_in
from concours.kernels.rating.sandwich import clustered

Floats = NDArray[np.float64]
_STEPS = 100
_CLOSE = 1e-7


@dataclass(frozen=True, kw_only=True)
class Featured:
    """Battles with features.

    Attributes:
        models: how many.
        left, right: (rows,) codes.
        y: (rows,) 1 where the left one won, 0 where it lost, a half for a tie.
        weight, square: (rows,) the sum of the weights of a row's battles, and of their squares.
        features: (rows, k).
    """

    models: int
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    y: Floats
    weight: Floats
    square: Floats
    features: Floats

    def chosen(self, rows: NDArray[np.bool_]) -> Featured:
        """Some of the rows."""
        arrays = ("left", "right", "y", "weight", "square", "features")
        return replace(self, **{name: getattr(self, name)[rows] for name in arrays})


@dataclass(frozen=True, slots=True)
class Fitted:
    """Strengths and coefficients, (models + k,), in natural-log odds, and the inverse information, likewise.

    `score` is (rows,): the slope of a battle of this row; `leverage` how far it pulls the fit to itself.
    """

    values: Floats
    bread: Floats
    score: Floats
    leverage: Floats


def fit(battles: Featured, *, free: NDArray[np.bool_], penalty: Floats, start: Floats | None = None) -> Fitted:
    """The most likely values by Newton's method, damped as in `bradley_terry.maximise`.

    Args:
        free: (models + k,) what is sought; the rest stays at `start`.
        penalty: (models + k, models + k): half of values' penalty values is taken from the log likelihood.
    """
    values = np.zeros(len(free)) if start is None else start.copy()
    for _ in range(_STEPS):
        p = _chances(battles, values)
        gradient, hessian = _slopes(battles, p)
        gradient = np.where(free, gradient - penalty @ values, 0.0)
        hessian = np.where(free[:, None] & free[None, :], hessian + penalty, np.diag(np.where(free, 0.0, 1.0)))
        step = np.linalg.solve(hessian, gradient)
        moved = step[battles.left] - step[battles.right] + battles.features @ step[battles.models :]
        reach = float(np.abs(moved).max(initial=0.0))
        values += step * (np.log1p(reach) / reach if reach > _CLOSE else 1.0)
        if reach <= _CLOSE:
            bread: Floats = np.linalg.inv(hessian).astype(np.float64) * (free[:, None] & free[None, :])
            p = _chances(battles, values)
            return Fitted(values, bread, battles.y - p, _leverage(battles, p, bread))
    raise FloatingPointError(f"the regression did not settle within {_STEPS} steps")


def spread(battles: Featured, fitted: Fitted, clusters: Sequence[NDArray[np.int32]] = ()) -> Floats:
    """The robust covariance of the values (HC2), (models + k, models + k); battles depend on one another in clusters.

    With clusters each row is one battle.
    """
    meat = _outer(battles, battles.square * np.square(fitted.score) / (1 - fitted.leverage))
    if clusters:
        score = (battles.weight * fitted.score / np.sqrt(1 - fitted.leverage))[:, None]
        rows, k = battles.features.shape
        ones = np.ones((rows, 1))
        places = np.broadcast_to(battles.models + np.arange(k), (rows, k))
        columns = np.concatenate([battles.left[:, None], battles.right[:, None], places], axis=1)
        values = score * np.concatenate([ones, -ones, battles.features], axis=1)
        starts = np.arange(0, values.size + 1, 2 + k)
        slopes = csr_array((values.ravel(), columns.ravel(), starts), shape=(rows, battles.models + k))
        meat = clustered(slopes, clusters, meat)
    return np.asarray(fitted.bread @ meat @ fitted.bread)


@dataclass(frozen=True, slots=True)
class Controlled:
    """A board with its features' coefficients, in natural-log odds a unit of the feature."""

    rated: Rated
    coefficients: Floats
    stderr: Floats


def rate(
    battles: Featured,
    known: Standing,
    *,
    ridge: float = 1.0,
    prior: float = PRIOR,
    clusters: Sequence[NDArray[np.int32]] = (),
) -> Controlled:
    """Rates one board as `ratings.rate` does, beside its features.

    Args:
        known: the standing of the models on this board.
        ridge: of the coefficients: half of ridge × coefficient² is taken from the log likelihood.
        clusters: (rows,) codes, one array a way.
    """
    models, k = battles.models, battles.features.shape[1]
    inside = known.established[battles.left] & known.established[battles.right]
    inner = battles.chosen(inside)
    scale = max(float(inner.weight.sum()), 1e-300)
    penalty = np.zeros((models + k, models + k))
    penalty[:models, :models] = gauge(known.established[None], np.array([scale]))[0]
    penalty[models:, models:] = ridge * np.eye(k)
    fitted = fit(inner, free=np.concatenate([known.established, np.ones(k, dtype=np.bool_)]), penalty=penalty)
    bread = fitted.bread.copy()
    bread[:models, :models] -= np.outer(known.established, known.established) / scale
    fitted = replace(fitted, bread=bread)
    covariance = spread(inner, fitted, [way[inside] for way in clusters])
    values, whole = fitted.values, covariance[:models, :models]
    others = (known.played > 0) & ~known.established
    if others.any():
        outer = battles.chosen(~inside)
        penalty = np.zeros_like(penalty)
        penalty[:models, :models] = prior_penalty(known, prior)
        free = np.concatenate([others, np.zeros(k, dtype=np.bool_)])
        placed = fit(outer, free=free, penalty=penalty, start=values)
        values = placed.values
        p = _chances(outer, values)
        hessian = _outer(outer, outer.weight * p * (1 - p))[:models, :models]
        whole = put_in(whole, hessian, penalty[:models, :models], known)
    theta = np.where(known.played > 0, values[:models], np.nan)
    stderr = np.sqrt(np.maximum(np.diag(covariance)[models:], 0.0))
    return Controlled(Rated(known, theta, whole, 0.0, 0.0), values[models:], stderr)


def _chances(battles: Featured, values: Floats) -> Floats:
    linear = values[battles.left] - values[battles.right] + battles.features @ values[battles.models :]
    return np.asarray(expit(linear))


def _slopes(battles: Featured, p: Floats) -> tuple[Floats, Floats]:
    models = battles.models
    residual = battles.weight * (battles.y - p)
    gradient = np.empty(models + battles.features.shape[1])
    gradient[:models] = np.bincount(battles.left, residual, models) - np.bincount(battles.right, residual, models)
    gradient[models:] = residual @ battles.features
    return gradient, _outer(battles, battles.weight * p * (1 - p))


def _outer(battles: Featured, weight: Floats) -> Floats:
    """The sum over rows of weight × (e_left - e_right, features) with itself."""
    models, features = battles.models, battles.features
    key = battles.left.astype(np.int64) * models + battles.right
    met = np.bincount(key, weight, models * models).reshape(models, models)
    met = met + met.T
    whole = np.zeros((models + features.shape[1],) * 2)
    whole[:models, :models] = np.diag(met.sum(axis=1)) - met
    weighted = weight[:, None] * features
    for place, column in enumerate(weighted.T):
        cross = np.bincount(battles.left, column, models) - np.bincount(battles.right, column, models)
        whole[models + place, :models] = whole[:models, models + place] = cross
    whole[models:, models:] = features.T @ weighted
    return whole


def _leverage(battles: Featured, p: Floats, bread: Floats) -> Floats:
    models, left, right, x = battles.models, battles.left, battles.right, battles.features
    spread = bread[left, left] + bread[right, right] - 2 * bread[left, right]
    spread += 2 * ((bread[left, models:] - bread[right, models:]) * x).sum(axis=1)
    spread += ((x @ bread[models:, models:]) * x).sum(axis=1)
    mean = np.divide(battles.square, battles.weight, out=np.zeros_like(p), where=battles.weight > 0)
    return np.asarray(np.clip(mean * p * (1 - p) * spread, 0.0, 0.9))
