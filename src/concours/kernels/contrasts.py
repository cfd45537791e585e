"""Groups of rows against all others: whose losses are greater on average than chance allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from concours.kernels.ranks import LEVEL

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrasts:
    """The mean of each group, and of all rows outside it, (groups,).

    Attributes:
        rows: how many a group has.
        mean, low, high: of its values, with a 95% interval by Student's t.
        rest: the mean of all other rows.
        p: one-sided: how probable as great a difference would be if the group's values were no greater (Welch 1947).
        excess: by how much the group's mean is at least greater than the rest's (a one-sided 95% bound); by this,
            great and certain differences come first.
    """

    rows: NDArray[np.int64]
    mean: Floats
    low: Floats
    high: Floats
    rest: Floats
    p: Floats
    excess: Floats


def contrasts(
    values: Floats,
    codes: NDArray[np.integer],
    groups: int,
    clusters: NDArray[np.integer] | None = None,
    *,
    wider: float = 1.0,
) -> Contrasts:
    """Groups of rows against the rest, for groups that have two rows, and two others, at least.

    Args:
        values: (rows,), greater is worse.
        codes: (rows,) the group of each row in [0, groups); -1 for none.
        clusters: (rows,) codes from 0; rows of one belong together, and only clusters are independent: then variances
            come from the sums of each cluster's residuals (Liang and Zeger 1986).
        wider: by how much standard errors are wider than those of independent rows, or clusters.

    Others' values are undefined (NaN), but for `rows`.
    """
    inside = codes >= 0
    centre = values.mean()
    away, place = (values - centre)[inside], codes[inside]
    n = np.bincount(place, minlength=groups)
    sums: Floats = np.bincount(place, weights=away, minlength=groups).astype(np.float64)
    squares: Floats = np.bincount(place, weights=np.square(away), minlength=groups).astype(np.float64)
    others = len(values) - n
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, variance = _moments(n, sums, squares)
        rest, variance_rest = _moments(others, -sums, np.square(values - centre).sum() - squares)
        own, outer = variance / n, variance_rest / others
        scale = np.sqrt(own + outer)
        freedom = np.where(scale > 0, scale**4 / (own**2 / (n - 1) + outer**2 / (others - 1)), 1.0)
        independent = n - 1
        if clusters is not None:
            own, scale, independent = _clustered(values - centre, codes, clusters, mean, rest)
            freedom = np.maximum(independent, 1.0)
        own, scale = wider**2 * own, wider * scale
        difference = mean - rest
        score = np.where(scale > 0, difference / scale, np.sign(difference) * np.inf)
        p = np.where(difference == 0, 0.5, t.sf(score, freedom))
        half = t.isf((1 - LEVEL) / 2, independent) * np.sqrt(own)
        excess = difference - np.where(scale > 0, t.isf(1 - LEVEL, freedom) * scale, 0.0)
    undefined = (n < 2) | (others < 2)
    fields = {"mean": mean + centre, "low": mean + centre - half, "high": mean + centre + half}
    fields |= {"rest": rest + centre, "p": p, "excess": excess}
    return Contrasts(rows=n, **{name: np.where(undefined, np.nan, field) for name, field in fields.items()})


def _moments(n: NDArray[np.int64], sums: Floats, squares: Floats) -> tuple[Floats, Floats]:
    """Means and variances of single rows; a variance within rounding of nothing is nothing."""
    mean = sums / n
    left = squares - n * np.square(mean)
    return mean, np.where(left > 1e-12 * squares, left, 0.0) / (n - 1)


def _clustered(
    values: Floats, codes: NDArray[np.integer], clusters: NDArray[np.integer], mean: Floats, rest: Floats
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Of each group the variance of its mean, the standard error of its difference, and its clusters less one."""
    own, scale, freedom = np.empty(len(mean)), np.empty(len(mean)), np.empty(len(mean), dtype=np.int64)
    most = int(clusters.max()) + 1
    for group in range(len(mean)):
        inside = codes == group
        here = np.bincount(clusters[inside], weights=values[inside] - mean[group], minlength=most)
        there = np.bincount(clusters[~inside], weights=values[~inside] - rest[group], minlength=most)
        n, others = max(int(inside.sum()), 1), max(int((~inside).sum()), 1)
        count = len(np.unique(clusters[inside]))
        correction = count / max(count - 1, 1)
        own[group] = correction * np.square(here / n).sum()
        scale[group] = np.sqrt(correction * np.square(here / n - there / others).sum())
        freedom[group] = count - 1
    return own, scale, freedom
