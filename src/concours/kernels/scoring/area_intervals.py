"""How sure areas under curves are: by the variance that such an area has, not only by the one that few rows show.

Three rows of a class that all rank first show no variance, and still the next may rank last. What is known of areas
speaks beside the rows: for the interval as much as ten rows of the class, for a difference as much as one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import t as student

from concours.kernels.scoring.intervals import LEVEL, intervals
from concours.kernels.scoring.scores import Floats, Means

Variance = Callable[[Floats, Floats, Floats], Floats]
"""Areas, rows of the class, and other rows, to the variances of the areas."""

_SPOKEN = 10
_FARTHEST, _HALVINGS = 60.0, 80


def of_roc(area: Floats, positives: Floats, negatives: Floats) -> Floats:
    """The variance of an area under a ROC curve where scores are exponential (Hanley and McNeil 1982)."""
    both, other = area / (2 - area), 2 * area**2 / (1 + area)
    return np.asarray(
        (area * (1 - area) + (positives - 1) * (both - area**2) + (negatives - 1) * (other - area**2))
        / (positives * negatives)
    )


def of_share(area: Floats, positives: Floats, negatives: Floats) -> Floats:
    """The variance of a share of the rows of the class: the most that a mean over them of values from 0 to 1 has."""
    del negatives
    return np.asarray(area * (1 - area) / positives)


@dataclass(frozen=True, slots=True, kw_only=True)
class Areas:
    """The areas of the classes, whose mean is the estimate.

    Attributes:
        values: (k, classes), of the classes that are sought and occur.
        positives, negatives: (classes,), how many rows, or groups of rows, tell of each class and of the others.
        missing: the variance that classes add of which there is no row.
        variance: of a single area.
    """

    values: Floats
    positives: Floats
    negatives: Floats
    missing: float
    variance: Variance

    @property
    def inner(self) -> Floats:
        """The areas with one row of the class more, of which nothing is known, (k, classes); within 0 and 1."""
        return np.asarray((self.values * self.positives + 0.5) / (self.positives + 1))

    def variances(self, areas: Floats) -> Floats:
        """Of such areas (..., classes), as parts of the variance of their mean."""
        return np.asarray(self.variance(areas, self.positives, self.negatives) / self.values.shape[1] ** 2)

    @property
    def rows(self) -> float:
        """How many rows of a class the variance rests on: those of the one class, or of those that matter most."""
        parts = self.variances(self.inner).mean(axis=0)
        return float(parts.sum() ** 2 / (parts**2 / self.positives).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaMeans(Means):
    """Means of areas, with the areas of the classes."""

    areas: Areas


def with_areas(found: Means, areas: Areas) -> AreaMeans:
    """Areas by the jackknife, with evidence in which one row more of each class speaks, as such areas vary."""
    told = found.tested
    believed = (areas.variances(areas.inner) / (areas.positives + 1)).sum(axis=1) * _scale(found, areas)
    covariance = told.covariance + np.diag((believed + areas.missing) / 2)
    degrees = np.minimum(told.degrees, max(areas.rows, 1.0))
    kept = {field.name: getattr(found, field.name) for field in fields(Means)}
    evidence = replace(told, covariance=covariance, degrees=degrees)
    return AreaMeans(**{**kept, "evidence": evidence}, areas=areas)


def _scale(scores: Means, areas: Areas) -> Floats:
    """How many times as much as such areas these vary, (k,), of which ten rows of the class say that it is once."""
    usual = areas.variances(areas.inner).sum(axis=1)
    return np.asarray((areas.rows * np.diag(scores.covariance) / usual + _SPOKEN) / (areas.rows + _SPOKEN))


@intervals.register
def _(scores: AreaMeans, *, low: float = 0.0, high: float = 1.0, level: float = LEVEL) -> Floats:
    """The areas from which the one found is no more than t standard errors of theirs away (Newcombe 2006).

    Of several classes all areas are moved by the same log-odds.
    """
    areas, middle = scores.areas, logit(scores.areas.inner)
    scale = _scale(scores, areas)
    z = student.isf((1 - level) / 2, areas.rows + _SPOKEN - 1)

    def moved(shift: Floats) -> Floats:
        return np.asarray(expit(middle + shift[:, None]))

    def outside(shift: Floats) -> NDArray[np.bool_]:
        variance = scale * areas.variances(moved(shift)).sum(axis=1) + areas.missing
        return np.asarray(np.abs(scores.means - moved(shift).mean(axis=1)) > z * np.sqrt(variance))

    far = np.full(len(scores.means), _FARTHEST)
    found = _border(-far, far, lambda shift: moved(shift).mean(axis=1) < scores.means)
    ends = [_border(-far, found, outside), _border(far, found, outside)]
    held = np.sort(np.stack([moved(end).mean(axis=1) for end in ends], axis=1), axis=1)
    held = np.stack([np.minimum(held[:, 0], scores.means), np.maximum(held[:, 1], scores.means)], axis=1)
    return np.where(np.isfinite(scale)[:, None], np.clip(held, low, high), np.nan)


def _border(begin: Floats, end: Floats, beyond: Callable[[Floats], NDArray[np.bool_]]) -> Floats:
    """Where, between two shifts, what is so at the first is no longer, by halving (k,)."""
    for _ in range(_HALVINGS):
        middle = (begin + end) / 2
        still = beyond(middle)
        begin, end = np.where(still, middle, begin), np.where(still, end, middle)
    return end
