"""Metrics of labels by tables of what came and what was named: what no row has shown is not taken for impossible.

A cell of a table that is empty may be so by chance. So some rows are believed beforehand: spread evenly over the true
classes, half of them hits, misses spread evenly over the other classes. With two classes two, 1/2 a cell, Jeffreys'
prior (Brown, Cai and DasGupta 2001; Goutte and Gaussier 2005); of two models on the same rows, who are believed to err
independently, 1/4 a cell (Agresti and Caffo 2000; Agresti and Min 2005). With k classes √(2 k) rows: what is believed
of each class alike then moves a mean over classes by as many of its standard errors, however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from concours.kernels.counts import OfCounts, confusion, slopes
from concours.kernels.intervals import intervals
from concours.kernels.ranks import LEVEL
from concours.kernels.scores import Codes, Evidence, Floats, Means, by_unit
from concours.kernels.weighing import effective

_DRAWS = 2000
_AT_ONCE = 2_000_000
"""Cells that are drawn at once, at most, for the sake of memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountMeans(Means):
    """Means of a metric of labels, with the tables that tell of it.

    Attributes:
        tables: (k, classes, classes), true class first, in rows of equal weight that stand alone and tell as much.
        metric: of such tables.
    """

    tables: Floats
    metric: OfCounts


def tabled(
    found: Means,
    y: Codes,
    labels: Sequence[Codes],
    classes: int,
    metric: OfCounts,
    *,
    groups: Codes | None = None,
    weights: Floats | None = None,
    empty: float = np.nan,
) -> CountMeans:
    """Estimates of a metric of labels with their tables; what is 0 / 0 is `empty`.

    Pairs are told apart by the variance of their difference in the joint table (truth, first, second) with what is
    believed beforehand. All joint tables have the same margins, so one covariance has the variances of all pairs.

    Args:
        found: the same estimates by the jackknife.
        y: (rows,) codes of the true classes.
        labels: (rows,) codes of the classes named, by each model.
    """
    each = np.ones(len(y)) if weights is None else weights
    tables = np.stack([confusion(y, named, classes, weights) for named in labels])
    prior = believed(classes)
    steep = np.stack([slopes(table, metric) for table in tables + prior])
    moved = each[:, None] * np.stack([of[y, named] for of, named in zip(steep, labels, strict=True)], axis=1)
    units = effective(each, groups)
    seen = _seen(by_unit(moved, each, groups), units)
    lean = prior.sum(axis=1) ** -0.5 * (prior * steep).sum(axis=2)
    unseen = lean @ lean.T
    np.fill_diagonal(unseen, (prior * steep**2).sum(axis=(1, 2)))
    independent = (tables * steep**2).sum(axis=(1, 2))
    own = np.diag(unseen)
    dearer = np.maximum((np.diag(seen) + own) / (independent + own), 1.0)
    evidence = Evidence(
        estimates=metric(tables + prior),
        covariance=seen + unseen,
        degrees=np.full(seen.shape, max(units - 1, 1.0)),
    )
    kept = {field.name: getattr(found, field.name) for field in fields(Means)}
    return CountMeans(
        **{**kept, "means": np.where(np.isnan(metric(tables, np.nan)), empty, found.means), "evidence": evidence},
        tables=tables / dearer[:, None, None],
        metric=metric,
    )


def believed(classes: int) -> Floats:
    """What is believed before any row is seen, (classes, classes), true class first: √(2 k) rows, half of them hits."""
    each = (2 / classes) ** 0.5
    found = np.full((classes, classes), each / (2 * (classes - 1)))
    np.fill_diagonal(found, each / 2)
    return found


def _seen(moved: Floats, units: float) -> Floats:
    squares = moved.T @ moved
    return squares * (units - 1) / units if len(moved) > 1 else np.full_like(squares, np.nan)


@intervals.register
def _(scores: CountMeans, *, low: float = -np.inf, high: float = np.inf, level: float = LEVEL) -> Floats:
    """Quantiles of the posterior of each table, a Dirichlet's; of few rows tables as much smaller as t is wider."""
    tail = (1 - level) / 2
    found = np.full((len(scores.means), 2), np.nan)
    for place in np.flatnonzero(np.isfinite(scores.means) & np.isfinite(scores.tables).all(axis=(1, 2))):
        degrees = _degrees(scores.tables[place], scores.units, scores.metric)
        wider = float(student.isf(tail, degrees) / norm.isf(tail)) ** 2
        drawn = _posterior(scores.tables[place] / wider, scores.metric)
        ends = np.quantile(drawn, [tail, 1 - tail])
        found[place] = min(ends[0], scores.means[place]), max(ends[1], scores.means[place])
    return np.asarray(np.clip(found, low, high))


def _degrees(table: Floats, units: float, metric: OfCounts) -> float:
    """Of freedom, of the variance of a metric: those of as many units, and of more than two classes mostly fewer.

    With two classes a metric is made of one or two shares, which Jeffreys' prior holds. With more it is a sum of many,
    and its posterior is too narrow where the rows that matter most are few: then the degrees are those by the fourth
    moment of what rows tell (Satterthwaite 1946), but no fewer than there are rows of the rarest class that occurs.
    """
    most = max(units - 1, 1.0)
    if len(table) == 2:
        return most
    shape = table + believed(len(table))
    steep = slopes(shape, metric)
    second, fourth = (shape * steep**2).sum(), (shape * steep**4).sum()
    share = fourth / second**2 - 1 / shape.sum() if second > 0 else 0.0
    of_classes = table.sum(axis=1)
    least = max(float(of_classes[of_classes > 0].min()), 1.0)
    return min(max(2 / share, least), most) if share > 0 else most


def _posterior(table: Floats, metric: OfCounts) -> Floats:
    """The metric of tables drawn from the posterior, (draws,); always the same ones."""
    rng, shape = np.random.default_rng(0), table + believed(len(table))
    left, found = _DRAWS, list[NDArray[np.float64]]()
    while left:
        some = min(left, max(_AT_ONCE // table.size, 1))
        found.append(metric(rng.standard_gamma(shape, size=(some, *shape.shape))))
        left -= some
    return np.concatenate(found)
