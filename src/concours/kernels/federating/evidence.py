"""How each site's update of a round lies among the others': numbers in which a site that lies stands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_COLUMNS: Final = 2**16
"""Of the updates, worked on at a time, for the sake of memory."""
_LIKE: Final = 0.75


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the updates of a round's sites show; each (sites,).

    Attributes:
        norm: Euclidean length.
        cosine: with the median, number by number, of all others' updates; 0 where either has no length.
        likeness: the cosine with another site's update that a quarter of the others reach; noise is like nobody's.
        distance: the root of the mean squared distance to the nearest half of the others, which is Krum's score
            (Blanchard et al. 2017) for as many liars as it bears.
    """

    norm: Floats
    cosine: Floats
    likeness: Floats
    distance: Floats


def evidence(updates: NDArray[Any]) -> Evidence:
    """Of updates (sites, size), three at least, all finite.

    Laws: permuting sites permutes it; turning all updates in their space of numbers by a permutation changes nothing;
    scaling all by one factor scales norms and distances, and leaves cosines.
    """
    sites = len(updates)
    if sites < 3:
        raise ValueError(f"among fewer than three sites nobody stands out; got {sites}")
    gram, along, median_square = np.zeros((sites, sites)), np.zeros(sites), np.zeros(sites)
    for start in range(0, updates.shape[1], _COLUMNS):
        part = updates[:, start : start + _COLUMNS].astype(np.float64)
        medians = _medians_of_others(part)
        gram += part @ part.T
        along += (part * medians).sum(axis=1)
        median_square += np.square(medians).sum(axis=1)
    square = np.diag(gram)
    lengths = np.sqrt(square * median_square)
    apart = np.maximum(square[:, None] + square - 2 * gram, 0.0)
    np.fill_diagonal(apart, np.inf)
    near = np.sort(apart, axis=1)[:, : max(1, (sites - 1) // 2)]
    each = np.sqrt(np.outer(square, square))
    alike = np.divide(gram, each, out=np.zeros_like(gram), where=each > 0)
    others = alike[~np.eye(sites, dtype=np.bool_)].reshape(sites, sites - 1)
    return Evidence(
        norm=np.sqrt(square),
        cosine=np.divide(along, lengths, out=np.zeros(sites), where=lengths > 0),
        likeness=np.quantile(others, _LIKE, axis=1),
        distance=np.sqrt(near.mean(axis=1)),
    )


def _medians_of_others(values: Floats) -> Floats:
    """(sites, columns): of each column, the median of all but the site itself, by one sort."""
    sites, columns = values.shape
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.broadcast_to(np.arange(sites)[:, None], (sites, columns)), axis=0)
    low, high = (sites - 2) // 2, (sites - 1) // 2
    parts = [np.where(places > at, ordered[at], ordered[at + 1]) for at in (low, high)]
    return np.asarray((parts[0] + parts[1]) / 2)
