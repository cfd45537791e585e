"""Rows divided among sites, for study: evenly, in unequal amounts, or so that sites differ in what they have."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from concours.kernels.federating.update import Floats

Codes = NDArray[np.int64]


def even_shares(strata: int, sites: int, alpha: float, rng: np.random.Generator) -> Floats:  # noqa: ARG001
    """(strata, sites): all alike."""
    return np.full((strata, sites), 1 / sites)


def dirichlet_shares(strata: int, sites: int, alpha: float, rng: np.random.Generator) -> Floats:
    """(strata, sites): of each class its own, from a Dirichlet distribution; the smaller `alpha`, the more sites differ
    in what they have (Hsu et al. 2019, "Measuring the effects of non-identical data distribution").
    """
    return rng.dirichlet(np.full(sites, alpha), size=strata)


def quantity_shares(strata: int, sites: int, alpha: float, rng: np.random.Generator) -> Floats:
    """(strata, sites): of all classes the same, so that sites differ in how much they have."""
    return np.tile(rng.dirichlet(np.full(sites, alpha)), (strata, 1))


SHARES: Mapping[str, Callable[[int, int, float, np.random.Generator], Floats]] = {
    "iid": even_shares,
    "dirichlet": dirichlet_shares,
    "quantity": quantity_shares,
}
"""How much of each stratum each site has, by name."""


def divided(strata: Codes, shares: Floats, rng: np.random.Generator) -> Codes:
    """The site of each row, (rows,), by shares (strata, sites) of its stratum; which rows is chance."""
    sites = np.empty(len(strata), dtype=np.int64)
    for stratum, own in enumerate(shares):
        rows = rng.permutation(np.flatnonzero(strata == stratum))
        ends = np.round(np.cumsum(own)[:-1] * len(rows)).astype(np.int64)
        for site, part in enumerate(np.split(rows, ends)):
            sites[part] = site
    return sites
