"""Which pair to show next: the one whose battle is expected to make the ratings surest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

EXPLORE: Final = 0.1
"""The share of the draws that is even over all pairs."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A pair that was drawn, and the probability with which it was: what reweighting divides by."""

    first: int
    second: int
    propensity: float


def falls(covariance: Floats, theta: Floats, aims: NDArray[np.int64], *, centre: bool = False) -> Floats:
    """How far one battle of each pair lowers the variances that matter, (models, models), symmetric, diagonal 0.

    By the rank-one change of the covariance when the information of a battle, p (1 - p), is added along a pair.

    Args:
        covariance: (models, models) of the strengths; theta: (models,) these.
        aims: codes of the models whose variances are summed.
        centre: whether the variances are those of the differences from the mean of `aims`: what tells them apart.
    """
    toward = covariance[aims]
    if centre:
        toward = toward - toward.mean(axis=0)
    moved = toward.T @ toward
    lead = theta[:, None] - theta[None, :]
    information = expit(lead) * expit(-lead)
    own = np.diag(covariance)
    spread = own[:, None] + own[None, :] - 2 * covariance
    gain = np.diag(moved)[:, None] + np.diag(moved)[None, :] - 2 * moved
    found = information * gain / (1 + information * spread)
    np.fill_diagonal(found, 0.0)
    return np.asarray(np.maximum(found, 0.0))


def propensities(fall: Floats, *, explore: float = EXPLORE) -> Floats:
    """(models, models) upper triangle of probabilities, which sum to one: mostly by the fall, a share evenly.

    No pair has probability 0, so that votes can be reweighted to any mix of pairs.
    """
    upper = np.triu(np.ones_like(fall), 1)
    wanted = fall * upper
    total = wanted.sum()
    even = upper / upper.sum()
    return np.asarray(even if total <= 0 else (1 - explore) * wanted / total + explore * even)


def telling(fall: Floats, *, most: int) -> list[tuple[int, int, float]]:
    """The pairs that tell most, the most telling first, each with its share of what these tell together.

    With as many as there are pairs, `propensities` are (1 - explore) times the share, and explore over the number of
    pairs. None where no pair tells anything.

    Args:
        most: how many at most.
    """
    first, second = np.triu_indices(len(fall), 1)
    tells = fall[first, second]
    order = np.argsort(-tells, kind="stable")[:most]
    order = order[tells[order] > 0]
    shares = tells[order] / tells[order].sum() if len(order) else tells[order]
    return list(zip(first[order].tolist(), second[order].tolist(), shares.tolist(), strict=True))


def choose(
    covariance: Floats,
    theta: Floats,
    aims: NDArray[np.int64],
    *,
    many: int,
    rng: np.random.Generator,
    centre: bool = False,
    explore: float = EXPLORE,
) -> tuple[list[Choice], Floats]:
    """Draws pairs one after the other; each is taken to be fought before the next is drawn.

    Returns:
        The pairs, and what the covariance is expected to be once they are fought.
    """
    covariance = covariance.copy()
    chosen = []
    for _ in range(many):
        chances = propensities(falls(covariance, theta, aims, centre=centre), explore=explore)
        place = int(rng.choice(chances.size, p=chances.ravel()))
        first, second = divmod(place, len(theta))
        chosen.append(Choice(first, second, float(chances[first, second])))
        along = covariance[:, first] - covariance[:, second]
        p = float(expit(theta[first] - theta[second]))
        information = p * (1 - p)
        covariance -= information / (1 + information * (along[first] - along[second])) * np.outer(along, along)
    return chosen, covariance
