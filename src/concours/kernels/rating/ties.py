"""How a difference in strength becomes a win, a loss or a tie: Bradley-Terry, with three ways to see ties.

`d` is the difference of the natural-log strengths of the first and the second of a pair; `eta` is how much ties are
liked. Everything is given for many pairs at once, and for several boards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
TieModel = Literal["half", "davidson", "rao-kupper"]


@dataclass(frozen=True, slots=True)
class Terms:
    """The gradient of the log likelihood, and minus its Hessian, in pieces.

    Attributes:
        slope, curve, cross: (..., pairs) by d, by d twice, by d and eta.
        slope_eta, curve_eta: (...,) summed over the pairs.
    """

    slope: Floats
    curve: Floats
    cross: Floats
    slope_eta: Floats
    curve_eta: Floats


class Ties(Protocol):
    """A model of outcomes."""

    parameters: int
    """How many of its own it has, 0 or 1."""
    low: float
    """What eta is above."""

    def start(self, counts: Floats) -> Floats:
        """(...,) a first guess of eta from counts (..., pairs, 3)."""

    def terms(self, d: Floats, eta: Floats, counts: Floats) -> Terms:
        """At d (..., pairs) and eta (...,), for counts (..., pairs, 3)."""

    def scores(self, d: Floats, eta: Floats) -> tuple[Floats, Floats]:
        """What one battle of each outcome adds to the slopes by d and by eta, (..., pairs, 3) each."""

    def chances(self, d: Floats, eta: Floats) -> Floats:
        """(..., pairs, 3) probabilities of the outcomes."""


class Half:
    """A tie is half a win for both (Bradley and Terry 1952). It has no probability of its own."""

    parameters = 0
    low = -np.inf

    def start(self, counts: Floats) -> Floats:
        return np.zeros(counts.shape[:-2])

    def terms(self, d: Floats, eta: Floats, counts: Floats) -> Terms:
        p = expit(d)
        total = counts[..., 0] + counts[..., 1] + counts[..., 2]
        none = np.zeros(eta.shape)
        return Terms(counts[..., 0] + counts[..., 2] / 2 - total * p, total * p * (1 - p), none, none, none)

    def scores(self, d: Floats, eta: Floats) -> tuple[Floats, Floats]:
        slopes = np.array([1.0, 0.0, 0.5]) - expit(d)[..., None]
        return slopes, np.zeros_like(slopes)

    def chances(self, d: Floats, eta: Floats) -> Floats:
        p = expit(d)
        return np.stack([p, 1 - p, np.zeros_like(p)], axis=-1)


class Davidson:
    """The odds of a tie are exp(eta) times the geometric mean of those of the two wins (Davidson 1970)."""

    parameters = 1
    low = -np.inf

    def start(self, counts: Floats) -> Floats:
        share = _tie_share(counts)
        return np.log(2 * share / (1 - share))

    def chances(self, d: Floats, eta: Floats) -> Floats:
        eta = np.broadcast_to(np.asarray(eta)[..., None], d.shape)
        utilities = np.stack([d / 2, -d / 2, eta], axis=-1)
        grown = np.exp(utilities - utilities.max(axis=-1, keepdims=True))
        return np.asarray(grown / grown.sum(axis=-1, keepdims=True))

    def terms(self, d: Floats, eta: Floats, counts: Floats) -> Terms:
        p = self.chances(d, eta)
        total = counts.sum(axis=-1)
        lead, tied = p[..., 0] - p[..., 1], p[..., 2]
        return Terms(
            slope=(counts[..., 0] - counts[..., 1] - total * lead) / 2,
            curve=total * (1 - tied - lead**2) / 4,
            cross=-total * tied * lead / 2,
            slope_eta=(counts[..., 2] - total * tied).sum(axis=-1),
            curve_eta=(total * tied * (1 - tied)).sum(axis=-1),
        )

    def scores(self, d: Floats, eta: Floats) -> tuple[Floats, Floats]:
        p = self.chances(d, eta)
        lead = (p[..., 0] - p[..., 1]) / 2
        return np.array([0.5, -0.5, 0.0]) - lead[..., None], np.array([0.0, 0.0, 1.0]) - p[..., 2:]


class RaoKupper:
    """A win needs a margin eta > 0, what lies between is a tie (Rao and Kupper 1967)."""

    parameters = 1
    low = 0.0

    def start(self, counts: Floats) -> Floats:
        return 2 * np.arctanh(_tie_share(counts))

    def chances(self, d: Floats, eta: Floats) -> Floats:
        win, loss = self._both(d, eta)
        return np.stack([win, loss, 1 - win - loss], axis=-1)

    def terms(self, d: Floats, eta: Floats, counts: Floats) -> Terms:
        win, loss = self._both(d, eta)
        held, lost = counts[..., 0] + counts[..., 2], counts[..., 1] + counts[..., 2]
        up, down = held * (1 - win), lost * (1 - loss)
        curve_up, curve_down = up * win, down * loss
        ties, grown = counts[..., 2].sum(axis=-1), np.exp(2 * eta)
        return Terms(
            slope=up - down,
            curve=curve_up + curve_down,
            cross=curve_down - curve_up,
            slope_eta=ties * 2 * grown / (grown - 1) - (up + down).sum(axis=-1),
            curve_eta=(curve_up + curve_down).sum(axis=-1) + ties * 4 * grown / np.square(grown - 1),
        )

    def scores(self, d: Floats, eta: Floats) -> tuple[Floats, Floats]:
        win, loss = self._both(d, eta)
        grown = np.exp(2 * np.asarray(eta))[..., None]
        by_d = np.stack([1 - win, loss - 1, loss - win], axis=-1)
        tie = 2 * grown / (grown - 1) - (1 - win) - (1 - loss)
        return by_d, np.stack([win - 1, loss - 1, tie], axis=-1)

    def _both(self, d: Floats, eta: Floats) -> tuple[Floats, Floats]:
        margin = np.asarray(eta)[..., None]
        return np.asarray(expit(d - margin)), np.asarray(expit(-d - margin))


TIES: Final[dict[TieModel, Ties]] = {"half": Half(), "davidson": Davidson(), "rao-kupper": RaoKupper()}


def _tie_share(counts: Floats) -> Floats:
    ties, total = counts[..., 2].sum(axis=-1), counts.sum(axis=(-2, -1))
    return np.asarray(np.clip(ties / np.maximum(total, 1e-300), 1e-6, 1 - 1e-6))
