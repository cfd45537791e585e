"""Dividing rows such that no group of them is divided, and parts are as even as that allows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]

_GOLDEN = (5**0.5 - 1) / 2
_LEAST = 1e-300  # of a share: what is divided by less overflows
_WEIGHED = 20_000  # groups that are placed one by one, the largest first; what is left then is small


def grouped(strata: Codes, groups: Codes, shares: NDArray[np.float64], rng: np.random.Generator) -> Codes:
    """The part of each row, (rows,), where parts get about these shares and no group is divided.

    The largest groups first, each goes where the strata lack it most, as in scikit-learn's `StratifiedGroupKFold`;
    beyond some thousands, the small ones that are left are dealt out evenly, stratum by stratum.

    Law: of equal shares none is empty, where there are as many groups.
    """
    _, groups = np.unique(groups, return_inverse=True)
    _, strata = np.unique(strata, return_inverse=True)
    sizes = np.bincount(groups)
    order = np.lexsort((rng.random(len(sizes)), -sizes))
    first, rest = order[:_WEIGHED], order[_WEIGHED:]
    parts = np.empty(len(sizes), dtype=np.int64)
    of_groups, totals = _strata_of(groups, strata, first), np.bincount(strata)
    parts[first] = _placed(of_groups, shares, totals)
    if len(np.unique(parts[first])) < min(len(first), len(shares)):
        parts[first] = _placed(of_groups, shares, totals, empty_first=True)
    if len(rest):
        main = np.zeros(len(sizes), dtype=np.int64)
        main[groups] = strata  # some row's: most of these groups are of one row
        dealt = rest[np.lexsort((rng.random(len(rest)), main[rest]))]
        even = (np.arange(len(rest)) * _GOLDEN + rng.random()) % 1
        parts[dealt] = np.searchsorted(np.cumsum(shares)[:-1], even, side="right")
    return parts[groups]


def _strata_of(groups: Codes, strata: Codes, chosen: Codes) -> NDArray[np.float64]:
    """How many rows of each stratum the chosen groups have, (chosen, strata)."""
    place = np.full(groups.max() + 1, -1)
    place[chosen] = np.arange(len(chosen))
    width = strata.max() + 1
    cells = (place[groups] * width + strata)[place[groups] >= 0]
    return np.bincount(cells, minlength=len(chosen) * width).reshape(-1, width).astype(np.float64)


def _placed(
    of_groups: NDArray[np.float64], shares: NDArray[np.float64], totals: NDArray[np.int64], *, empty_first: bool = False
) -> NDArray[np.int64]:
    """The part of each group in turn: where the squared distance from the parts' due falls most or rises least.

    Args:
        empty_first: of parts that are equally good, as they are where each group has a stratum of its own, the one with
            the least rows.
    """
    due = shares[:, None] * totals
    rare = np.maximum(shares, _LEAST)[:, None]
    have = np.zeros_like(due)
    parts = np.empty(len(of_groups), dtype=np.int64)
    for index, group in enumerate(of_groups):
        scale = group / totals**2
        rises = ((2 * (have - due) + group) * scale / rare).sum(axis=1)
        best = np.flatnonzero(np.isclose(rises, rises.min(), rtol=0, atol=1e-12)) if empty_first else [rises.argmin()]
        parts[index] = best[have[best].sum(axis=1).argmin()]
        have[parts[index]] += group
    return parts
