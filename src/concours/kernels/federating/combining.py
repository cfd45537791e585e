"""Of what sites say, one vector: the mean by rows, and rules that bear some sites that lie.

Each is a function of updates (sites, size), of the rows of each site (sites,), and of the share of sites that may lie.
It gives the vector, (size,), and with what weight each site came into it, (sites,), which add to 1; where that differs
from number to number, the mean over all of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from concours.kernels.federating.update import Floats


class Combined(NamedTuple):
    """A vector (size,), and the weights of the sites in it (sites,)."""

    vector: Floats
    weights: Floats


def weighted_mean(updates: Floats, rows: Floats, liars: float) -> Combined:  # noqa: ARG001 (it bears none)
    """Σ nₖ uₖ / Σ nₖ (McMahan et al. 2017, "Communication-efficient learning of deep networks").

    Laws: of equal updates it is that update; permuting sites with their rows changes nothing but rounding; one liar can
    move it anywhere.
    """
    weights = rows / rows.sum()
    return Combined(weights @ updates, weights)


def median(updates: Floats, rows: Floats, liars: float) -> Combined:  # noqa: ARG001 (rows could be a lie)
    """The median of each number, whatever rows sites say they have (Yin et al. 2018, "Byzantine-robust learning").

    Law: while fewer than half of the sites lie, each number lies between those of honest sites.
    """
    sites, size = updates.shape
    order = np.argsort(updates, axis=0, kind="stable")
    middle = order[[(sites - 1) // 2, sites // 2]]
    vector = np.take_along_axis(updates, middle, axis=0).mean(axis=0)
    return Combined(vector, np.bincount(middle.ravel(), minlength=sites) / (2 * size))


def trimmed_mean(updates: Floats, rows: Floats, liars: float) -> Combined:  # noqa: ARG001 (rows could be a lie)
    """The mean of each number without the largest and the smallest ⌈liars · sites⌉ of it (Yin et al. 2018)."""
    sites, size = updates.shape
    out = min(lying(sites, liars), (sites - 1) // 2)
    kept = np.argsort(updates, axis=0, kind="stable")[out : sites - out]
    vector = np.take_along_axis(updates, kept, axis=0).mean(axis=0)
    return Combined(vector, np.bincount(kept.ravel(), minlength=sites) / kept.size if size else np.zeros(sites))


def krum(updates: Floats, rows: Floats, liars: float) -> Combined:  # noqa: ARG001 (rows could be a lie)
    """The update that is nearest to its n − f − 2 nearest (Blanchard et al. 2017, "Machine learning with adversaries").

    Raises:
        ValueError: n sites are fewer than 2f + 3, with f of them lying.
    """
    weights = np.zeros(len(updates))
    weights[np.argmin(_distances(updates, liars))] = 1.0
    return Combined(weights @ updates, weights)


def multi_krum(updates: Floats, rows: Floats, liars: float) -> Combined:  # noqa: ARG001 (rows could be a lie)
    """The mean of the n − f updates that `krum` puts first (Blanchard et al. 2017).

    Raises:
        ValueError: n sites are fewer than 2f + 3, with f of them lying.
    """
    sites = len(updates)
    kept = np.argsort(_distances(updates, liars), kind="stable")[: sites - lying(sites, liars)]
    weights = np.isin(np.arange(sites), kept) / len(kept)
    return Combined(updates[kept].mean(axis=0), weights)


def lying(sites: int, liars: float) -> int:
    """How many of the sites may lie, ⌈liars · sites⌉."""
    return int(np.ceil(round(liars * sites, 9)))


def _distances(updates: Floats, liars: float) -> Floats:
    """Of each update, the sum of squared distances to its n − f − 2 nearest, (sites,)."""
    sites, bad = len(updates), lying(len(updates), liars)
    if sites < 2 * bad + 3:
        raise ValueError(
            f"krum wants 2f + 3 sites or more a round where f of them may lie; got {sites} with f = {bad}: "
            "sample more sites, or say that fewer may lie"
        )
    squares = np.einsum("ij,ij->i", updates, updates)
    apart = np.maximum(squares[:, None] + squares[None, :] - 2 * (updates @ updates.T), 0.0)
    np.fill_diagonal(apart, np.inf)
    nearest = np.sort(apart, axis=1)[:, : sites - bad - 2]
    return np.asarray(nearest.sum(axis=1))
