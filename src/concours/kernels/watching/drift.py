"""How far a stream has drifted from what models were fitted on, told by counts, and valid at every look.

The population stability index of shares p in training and q in the stream is the sum over bins of (q - p) ln(q / p),
the two Kullback-Leibler divergences of p and q together (Jeffreys 1946). Its usual interval and test hold for one look
at known p. Here both samples are finite, and one looks as often as one likes:

- what training tells of p is the e-value exp(m KL(p̂ ‖ p) / 2) / 2 ** (bins - 1), whose expectation is at most 1
  whatever p is (the moments of Agrawal 2020). Bins that are cut at quantiles of the same rows have shares as spacings
  have them, Dirichlet, of which the same expectation is smaller;
- what the stream tells of q is the ratio of a mixture of Dirichlet priors to the likelihood of q, a martingale (Robbins
  1970; for counts Lindon and Malek 2022). The priors are Jeffreys's, and some about the shares in training, of which
  those that hold on to it the most lose the least where nothing drifts.

Each leaves out values of its own shares at 2 / alpha, ever with a probability of alpha / 2 at most (Ville 1939). What
the index may be on the pairs that are left is its confidence sequence. Half the greater of the two, at the p = q where
that is least, is an e-process against p = q: where it reaches 1 / alpha, no shares are left that both might have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import gammaln, logsumexp, xlogy

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

CAP = np.log(1000.0)
"""Shares of a bin count as at most 1000 times one another: one that only one of the two has tells no more than that."""

_HALF = 0.5  # of what training tells: the moment of its divergence that is taken
_HOLDING = 10.0 ** np.arange(1, 6)  # rows that a prior about the shares in training is worth
_GRID = 129
_FARTHEST = 25.0  # of the logarithm of a ratio of shares


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """How far a stream is from training.

    Attributes:
        index: the population stability index of the shares that were counted; NaN before the first row.
        low, high: its confidence sequence; with a probability of 1 - alpha it holds that of the true shares at all
            looks.
        evidence: natural logarithm of an e-process against the same shares in both: ever ln(1 / a) or more with a
            probability of a at most, for all a, where nothing drifts.
    """

    index: float
    low: float
    high: float
    evidence: float


def stability_index(p: Floats, q: Floats) -> float:
    """The population stability index of shares (bins,) each; at least 0, and the same with the two exchanged."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.clip(np.log(q) - np.log(p), -CAP, CAP)
    return float(np.where(p == q, 0.0, (q - p) * ratio).sum())


def drift(trained: Counts, seen: Counts, *, alpha: float = 0.05) -> Drift:
    """How far the rows seen so far are from those that models were fitted on.

    Laws: `low` <= `index` <= `high`; `low` is above 0 only where evidence is ln(1 / alpha) at least; the order of the
    bins does not matter. Bins are chosen before the stream is seen: those that stay empty count too.

    Args:
        trained: (bins,) rows of the training part in each bin, one at least in all.
        seen: (bins,) rows of the stream so far.
    """
    a, n = np.asarray(trained, dtype=np.float64), np.asarray(seen, dtype=np.float64)
    costs = (len(a) - 1) * -np.log(1 - _HALF), _log_likelihood(n) - _log_mixture(n, a)
    evidence = _apart(_HALF * a, n, *costs) + np.log(0.5)
    rows = n.sum()
    if not rows:
        return Drift(index=np.nan, low=0.0, high=2 * CAP, evidence=evidence)
    index = stability_index(a / a.sum(), n / rows)
    radii = [np.log(2 / alpha) + cost for cost in costs]
    # The prices of the two radii where divergences are about quadratic; at any others the bounds hold as well.
    prices = 1 / np.sqrt([_HALF * a.sum() * radii[0], rows * radii[1]])
    sides, radius = _Sides(prices[0] * _HALF * a, prices[1] * n), float(prices @ radii)
    logs = sides.ratios(radius)
    low = sides.least(radius, logs) if evidence >= -np.log(alpha) else 0.0
    return Drift(
        index=index,
        low=min(max(0.0, low), index),
        high=max(min(2 * CAP, sides.most(radius, logs)), index),
        evidence=evidence,
    )


def _apart(a: Floats, n: Floats, cost_a: float, cost_n: float) -> float:
    """The least over shares of the greater of two divergences from counts, less their costs, by duality."""

    def bound(share: float) -> float:
        return -_Sides(share * a, (1 - share) * n).pooled + share * cost_a + (1 - share) * cost_n

    inner = _least(bound, 0.0, 1.0)
    return -min(inner, cost_a, cost_n)


class _Sides:
    """The divergence of shares from those counted on two sides, and what the index may be within a radius of it.

    For a bin with shares p and r p the divergence is a ln(p̂ / p) - a_i + a p on the one side, and alike on the other;
    the index is p φ(r). Of both together, λ times the one and the other, the best p for a ratio r is found in closed
    form; so bounds are by duality over one λ, with a search over r a bin.
    """

    def __init__(self, a: Floats, n: Floats) -> None:
        self.a, self.n, self.both = a[:, None], n[:, None], (a + n)[:, None]
        self.sums = float(a.sum()), float(n.sum())
        with np.errstate(divide="ignore", invalid="ignore"):
            self.own = (xlogy(a, a / self.sums[0]) + (xlogy(n, n / self.sums[1]) if self.sums[1] else 0.0))[:, None]

    @property
    def pooled(self) -> float:
        """The least divergence of shares that are the same on both sides."""
        return float((self.own - xlogy(self.both, self.both / self.both.sum())).sum())

    def told(self, logs: Floats, shift: Floats | float = 0.0) -> Floats:
        """(bins, ratios) the least divergence at such logarithms of ratios; `shift` is what a share costs besides."""
        a, n = self.sums
        weight = a + n * np.exp(logs) + shift
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self.own - xlogy(self.both, self.both / weight) - self.n * logs
        return np.where(weight > 0, found, -np.inf)

    def ratios(self, radius: float) -> Floats:
        """(bins, _GRID) logarithms of the ratios that lie within the radius."""
        a, n = self.sums
        with np.errstate(divide="ignore", invalid="ignore"):
            middle = np.nan_to_num(np.log(self.n / n) - np.log(self.a / a)).clip(-_FARTHEST, _FARTHEST)
        ends = []
        for far in (-_FARTHEST, _FARTHEST):
            inside, outside = middle.copy(), np.full_like(middle, far)
            for _ in range(30):
                half = (inside + outside) / 2
                within = self.told(half) <= radius
                inside, outside = np.where(within, half, inside), np.where(within, outside, half)
            ends.append(outside)
        return np.asarray(ends[0] + (ends[1] - ends[0]) * np.linspace(0.0, 1.0, _GRID))

    def most(self, radius: float, logs: Floats) -> float:
        """An upper bound of the index within the radius."""
        worth = np.expm1(logs) * np.clip(logs, -CAP, CAP)
        a, n = self.sums
        floor = np.log((worth / (a + n * np.exp(logs))).max())

        def bound(log: float) -> float:
            price = np.exp(log)
            return float(price * (radius - self.told(logs, -worth / price).min(axis=1).sum()))

        return _least(bound, floor + 1e-6, floor + 15)

    def least(self, radius: float, logs: Floats) -> float:
        """A lower bound of the same."""
        worth = np.expm1(logs) * np.clip(logs, -CAP, CAP)

        def bound(log: float) -> float:
            price = np.exp(log)
            return float(price * (radius - self.told(logs, worth / price).min(axis=1).sum()))

        middle = -np.log(sum(self.sums))
        return -_least(bound, middle - 10, middle + 15)


def _least(of: Callable[[float], float], low: float, high: float) -> float:
    return float(minimize_scalar(of, bounds=(low, high), method="bounded", options={"xatol": 1e-4}).fun)


def _log_likelihood(counts: Floats) -> float:
    """Of counts in their own order, by the shares that suit them best."""
    return float(xlogy(counts, counts / max(counts.sum(), 1.0)).sum())


def _log_mixture(seen: Floats, trained: Floats) -> float:
    """Of counts in their order, by a mixture of Dirichlet priors, even weights."""
    shares = (trained + 0.5) / (trained + 0.5).sum()
    priors = np.vstack([np.full(len(seen), 0.5), _HOLDING[:, None] * shares])
    whole = priors.sum(axis=1)
    each = gammaln(whole) - gammaln(whole + seen.sum()) + (gammaln(priors + seen) - gammaln(priors)).sum(axis=1)
    return float(logsumexp(each) - np.log(len(priors)))
