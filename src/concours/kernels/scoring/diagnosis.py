"""What predictions show beyond a score: what is confused, how sure is right, how far off, and where it is worst."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scoring.intervals import share_intervals

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_ROWS_A_BIN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Reliability:
    """How often what was predicted with some probability came, in bins of like probabilities, (bins,).

    Attributes:
        predicted: mean probability in the bin, increasing.
        observed: share of its rows where it came, within `low` and `high` (95%, Wilson 1927).
        count: its rows.
        error: the mean distance of the two over rows: the expected calibration error (Naeini et al. 2015).
    """

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    count: Codes
    error: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Histogram:
    """Counts (bins,) int64 between edges (bins + 1,); what lies beyond the outer edges is in the end bins."""

    edges: Floats
    counts: Codes


@dataclass(frozen=True, kw_only=True, slots=True)
class Bands:
    """Residuals by what was predicted: quantiles 0.1, 0.5 and 0.9 of true minus predicted, a band each, (bands,).

    `predicted` is the median of the predictions in a band, increasing; `count` its rows.
    """

    predicted: Floats
    low: Floats
    middle: Floats
    high: Floats
    count: Codes


def equal_bins(values: Floats, most: int, *, weights: Floats | None = None) -> Codes:
    """The bin of each value, (rows,), from 0: at most `most` bins of about the same weight, in order of the values.

    Rows weigh the same unless `weights` (rows,), above 0, say otherwise.

    Laws: equal values share a bin, so there may be fewer bins; none is empty, and unless there is just one each has
    twenty rows at least.
    """
    order = np.argsort(values, kind="stable")
    along = np.arange(1.0, len(values) + 1) if weights is None else np.cumsum(weights[order])
    ends = np.searchsorted(along, along[-1] * np.arange(1, most) / most * (1 - 1e-12))
    bins = np.searchsorted(np.unique(values[order][ends]), values)
    first = [start for start, _ in joined(np.bincount(bins), _ROWS_A_BIN)]
    return np.asarray(np.searchsorted(first, bins, side="right") - 1)


def joined(counts: Codes, least: int) -> list[tuple[int, int]]:
    """First and last place of runs of neighbours that count `least` together, or of all, in order.

    The smallest run joins the smaller of its neighbours until all are large enough.
    """
    runs = [(place, place) for place in range(len(counts))]
    sums = counts.tolist()
    while len(runs) > 1 and min(sums) < least:
        place = sums.index(min(sums))
        first = min((p for p in (place - 1, place) if 0 <= p < len(runs) - 1), key=lambda p: sums[p] + sums[p + 1])
        runs[first : first + 2] = [(runs[first][0], runs[first + 1][1])]
        sums[first : first + 2] = [sums[first] + sums[first + 1]]
    return runs


def reliability(p: Floats, came: NDArray[np.bool_], *, most: int = 12) -> Reliability:
    """Probabilities (rows,) against whether it came, (rows,), in at most `most` bins of twenty rows or more each.

    Half of the bins' weight is rows, and half is doubt, `p * (1 - p)`: where nearly all is certain, bins of equal count
    would show nothing of the rest.
    """
    doubt = p * (1 - p)
    bins = equal_bins(p, most, weights=np.asarray(1 / len(p) + doubt / (doubt.sum() or 1.0)))
    count = np.bincount(bins)
    predicted, observed = np.bincount(bins, p) / count, np.bincount(bins, came) / count
    ends = np.concatenate([share_intervals(observed[[i]], int(n)) for i, n in enumerate(count)])
    error = float(count @ np.abs(predicted - observed) / len(p))
    return Reliability(
        predicted=predicted, observed=observed, low=ends[:, 0], high=ends[:, 1], count=count, error=error
    )


def frequent_confusions(counts: Floats, most: int = 20) -> Codes:
    """(k, 3) rows of true class, class named instead, and how often: the most frequent first, none that never was.

    Args:
        counts: (classes, classes), true class first.
    """
    wrong = np.where(np.eye(len(counts), dtype=np.bool_), 0, counts).ravel()
    first = np.argsort(-wrong, kind="stable")[:most]
    first = first[wrong[first] > 0]
    return np.stack([*np.divmod(first, len(counts)), wrong[first].astype(np.int64)], axis=1)


def histogram(values: Floats, bins: int, *, beyond: float = 0.005) -> Histogram:
    """At most `bins` equal bins over all but a share `beyond` of the values at either end, counted in the end bins.

    Bins of whole numbers hold whole numbers, each as many, so that none is empty for its bounds alone. Around a single
    other value the bins are one wide together.
    """
    low, high = np.quantile(values, [beyond, 1 - beyond])
    if (values == np.floor(values)).all():
        low, high = np.floor(low), np.ceil(high)
        width = np.ceil((high - low + 1) / bins)
        edges = low - 0.5 + width * np.arange(np.ceil((high - low + 1) / width) + 1)
    else:
        edges = np.histogram_bin_edges([low, high], bins)
    return Histogram(edges=edges, counts=counted_between(values, edges))


def counted_between(values: Floats, edges: Floats) -> Codes:
    """How many values (rows,) lie between edges (bins + 1,), those beyond counted in the end bins, (bins,)."""
    return np.bincount(np.searchsorted(edges[1:-1], values, side="right"), minlength=len(edges) - 1)


def bands(true: Floats, predicted: Floats, *, most: int = 10) -> Bands:
    """Residuals in at most `most` bands of about as many rows each, in order of the prediction, (rows,)."""
    place = equal_bins(predicted, most)
    rows = [place == band for band in range(place.max() + 1)]
    low, middle, high = np.array([np.quantile((true - predicted)[band], [0.1, 0.5, 0.9]) for band in rows]).T
    centre = np.array([np.median(predicted[band]) for band in rows])
    return Bands(predicted=centre, low=low, middle=middle, high=high, count=np.bincount(place))


def worst(losses: Floats, most: int, *, among: NDArray[np.bool_] | None = None) -> Codes:
    """Positions of the greatest losses, the greatest first, of equal ones the first; `among` some rows only."""
    rows = np.arange(len(losses)) if among is None else np.flatnonzero(among)
    return rows[np.argsort(-losses[rows], kind="stable")[:most]]


def thinned(x: Floats, y: Floats, most: int = 101) -> Codes:
    """Which points of a curve to draw, at most `most`: both ends, and points at even distances along it.

    Distance is |dx| + |dy|, so that a step of any shape costs what it spans. Law: a point left out is no farther from
    one kept than the curve's length over `most - 1`.
    """
    if len(x) <= most:
        return np.arange(len(x))
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    kept = np.searchsorted(along, np.linspace(0, along[-1], most))
    return np.unique([0, *kept[1:-1], len(x) - 1])
