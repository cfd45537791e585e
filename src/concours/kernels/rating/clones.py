"""Models that play so much alike that they may be one and the same under two names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from concours.kernels.rating.ratings import ELO
from concours.kernels.rating.votes import TIE, Boards

Floats = NDArray[np.float64]

_ENOUGH = 10


@dataclass(frozen=True, slots=True)
class Alike:
    """A pair that cannot differ by more than the margin.

    Attributes:
        low, high: ends of the interval of the difference, in Elo points.
        common: opponents that both met often enough; p: how likely profiles against them differ so by chance.
        battles, ties: between the two, and the share that ended in a tie; None without battles.
    """

    first: int
    second: int
    low: float
    high: float
    common: int
    p: float
    battles: int
    ties: float | None


def clones(
    board: Boards, theta: Floats, covariance: Floats, among: NDArray[np.int64], *, margin: float, level: float = 0.95
) -> list[Alike]:
    """Pairs whose interval of the difference lies within the margin, and whose profiles do not differ.

    Two one-sided tests at `level`, all pairs together (Bonferroni), and a chi-squared test of the win shares against
    common opponents, which a clone passes.

    Args:
        board: one board.
        among: codes of the models to look at.
        margin: Elo points.
    """
    first, second = (among[side] for side in np.triu_indices(len(among), 1))
    own = np.diag(covariance)
    error = np.sqrt(np.maximum(own[first] + own[second] - 2 * covariance[first, second], 0.0)) * ELO
    gap = (theta[first] - theta[second]) * ELO
    reach = norm.isf((1 - level) / max(len(first), 1)) * error
    alike = (gap - reach > -margin) & (gap + reach < margin)
    shares, met, calm, ties = _profiles(board)
    half = norm.isf((1 - level) / 2) * error
    found = []
    for place in np.flatnonzero(alike).tolist():
        a, b = int(first[place]), int(second[place])
        both = (met[a] >= _ENOUGH) & (met[b] >= _ENOUGH)
        both[[a, b]] = False
        mean = (shares[a, both] * met[a, both] + shares[b, both] * met[b, both]) / (met[a, both] + met[b, both])
        variance = calm * np.maximum(mean * (1 - mean), 1e-9) * (1 / met[a, both] + 1 / met[b, both])
        value = float(((shares[a, both] - shares[b, both]) ** 2 / variance).sum())
        common = int(both.sum())
        p = float(chi2.sf(value, common)) if common else 1.0
        if common >= 2 and p > 1 - level:
            each = int(met[a, b])
            found.append(
                Alike(a, b, float(gap[place] - half[place]), float(gap[place] + half[place]), common, p, each,
                      float(ties[a, b] / each) if each else None)
            )  # fmt: skip
    return sorted(found, key=lambda pair: max(-pair.low, pair.high))


def _profiles(board: Boards) -> tuple[Floats, Floats, float, Floats]:
    """Win shares, battles, how much ties calm the variance, ties; (models, models) each."""
    battles = board.battles[0]
    total = battles.sum(axis=1)
    won = np.divide(battles[:, 0] + battles[:, TIE] / 2, total, out=np.full(len(total), 0.5), where=total > 0)
    shares, met, ties = np.full((board.models,) * 2, 0.5), *(np.zeros((board.models,) * 2) for _ in range(2))
    for a, b, share in ((board.first, board.second, won), (board.second, board.first, 1 - won)):
        shares[a, b], met[a, b], ties[a, b] = share, total, battles[:, TIE]
    scatter = (battles * (np.array([1.0, 0.0, 0.5]) - won[:, None]) ** 2).sum()
    calm = scatter / max(float((total * won * (1 - won)).sum()), 1e-300)
    return shares, met, float(calm), ties
