"""Calibration: probabilities made less sure, or surer, so that they mean what they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]

FLOOR = 1e-12
"""The least probability that is calibrated."""
_DOUBT = 10.0  # rows that say "no change"
_STEEPEST = 20.0
_MOST_MIXED = 0.5
_ENOUGH = 20_000  # rows, to find two numbers on


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """`((1 - mix) * p + mix * prior) ** (1 / temperature)`, scaled to sum to one.

    Attributes:
        temperature: above 1 makes probabilities less sure, below 1 surer.
        mix: how much of the prior is added, from 0 to a half; it takes back what was said with certainty.
        prior: of the classes, (classes,).
    """

    temperature: float
    mix: float
    prior: tuple[float, ...]

    def apply(self, p: Floats) -> Floats:
        """Calibrated probabilities (rows, classes) of probabilities (rows, classes).

        Laws: rows sum to one; with `mix` 0 the most probable class stays; permuting the classes permutes the result.
        """
        logs = np.log(_mixed(_floored(p), np.asarray(self.prior), self.mix)) / self.temperature
        return _softmax(logs)


def temperature(p: Floats, y: NDArray[np.int64], weights: Floats | None = None) -> Calibration:
    """The calibration with the least log loss on these rows, and on ten more that are as the probabilities say.

    These ten keep it near "no change" where there is little to learn from. Probabilities are floored at 1e-12, so that
    one false certainty does not decide everything. Of very many rows twenty thousand or so are used, spread evenly.

    Args:
        p: (rows, classes) probabilities, of a model that has not seen the rows.
        y: (rows,) codes of the true classes.
        weights: of the rows (`weighing.in_rows`), (rows,).

    Law: never a greater log loss on these rows than with no change. Source: Guo, Pleiss, Sun and Weinberger 2017, "On
    calibration of modern neural networks", ICML; the mix is ours.
    """
    p = _floored(p)
    rows, classes = p.shape
    each = np.ones(rows) if weights is None else weights
    prior = (np.bincount(y, weights=each, minlength=classes) + 1) / (each.sum() + classes)
    spread = slice(None, None, (rows - 1) // _ENOUGH + 1)
    used, codes = p[spread], y[spread]
    told = used * (_DOUBT / len(used))
    told[np.arange(len(used)), codes] += each[spread]
    found = minimize(
        _loss, (0.0, 0.01), args=(used, prior, told), jac=True, method="L-BFGS-B",
        bounds=[(-np.log(_STEEPEST), np.log(_STEEPEST)), (0.0, _MOST_MIXED)], options={"ftol": 1e-8},
    )  # fmt: skip
    sharpness, mix = found.x
    result = Calibration(temperature=float(np.exp(-sharpness)), mix=float(mix), prior=tuple(prior.tolist()))
    none = Calibration(temperature=1.0, mix=0.0, prior=result.prior)
    return result if _mean_loss(result.apply(p), y, each) < _mean_loss(p, y, each) else none


def _loss(x: Floats, p: Floats, prior: Floats, told: Floats) -> tuple[float, Floats]:
    """Cross entropy of what was told, (rows, classes), in nats a row, and its slopes.

    Args:
        x: logarithm of 1 / temperature, and the mix.
    """
    rows = len(p)
    sharpness, mix = float(np.exp(x[0])), x[1]
    mixed = _mixed(p, prior, mix)
    logs = np.log(mixed)
    scaled = sharpness * logs
    scaled -= scaled.max(axis=1, keepdims=True)
    powers = np.exp(scaled)
    totals = powers.sum(axis=1, keepdims=True)
    each = told.sum(axis=1, keepdims=True)
    loss = np.vdot(each, np.log(totals)) - np.vdot(told, scaled)
    surplus = np.multiply(powers, each / totals, out=powers)
    surplus -= told
    slope = sharpness * np.vdot(surplus, logs)
    slope_mix = sharpness * np.vdot(surplus, (prior - p) / mixed)
    return float(loss) / rows, np.array([slope, slope_mix]) / rows


def _mixed(p: Floats, prior: Floats, mix: float) -> Floats:
    return np.asarray((1 - mix) * p + mix * prior)


def _floored(p: Floats) -> Floats:
    floored = np.maximum(np.asarray(p, dtype=np.float64), FLOOR)
    return np.asarray(floored / floored.sum(axis=1, keepdims=True))


def _softmax(logs: Floats) -> Floats:
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _mean_loss(p: Floats, y: NDArray[np.int64], weights: Floats) -> float:
    return float(-np.average(np.log(p[np.arange(len(y)), y]), weights=weights))
