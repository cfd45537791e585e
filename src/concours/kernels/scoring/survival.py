"""Times to an event that may be censored: Kaplan–Meier, concordance, the integrated Brier score.

Targets are (rows, 2) float64: the time until which a row was followed, above 0, and 1 where the event came then, 0
where nothing is known of it after that time (censored). Survival curves are (rows, times): the probability that the
event has not come by each time of a grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from concours.kernels.rows.weighing import without_each
from concours.kernels.scoring.scores import Codes, Floats, Means, jackknifed, unknown_means

_DIGITS = 9
"""Decimals of a share of the horizon to which lifetimes are compared: the rest is rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """A function of time that is 1 at first and changes at some times.

    Attributes:
        times: (steps,) rising.
        values: (steps,) from each time on.
    """

    times: Floats
    values: Floats

    def at(self, times: Floats) -> Floats:
        """The values at times (…,)."""
        places = np.searchsorted(self.times, times, side="right")
        return np.concatenate([[1.0], self.values])[places]

    def thinned(self, most: int) -> Steps:
        """So many steps at most, spread evenly over those that there are."""
        kept = np.unique(np.linspace(0, len(self.times) - 1, min(most, len(self.times))).round().astype(np.int64))
        return Steps(times=self.times[kept], values=self.values[kept])


def kaplan_meier(y: Floats, weights: Floats | None = None) -> Steps:
    """The share that lives on, by the product of the shares that live through each time (Kaplan and Meier 1958).

    Args:
        y: (rows, 2), one row at least.
        weights: (rows,) above 0.
    """
    each = np.ones(len(y)) if weights is None else weights
    times, places = np.unique(y[:, 0], return_inverse=True)
    died = np.bincount(places, each * y[:, 1], len(times))
    there = np.cumsum(np.bincount(places, each, len(times))[::-1])[::-1]
    some = died > 0
    values = np.cumprod(1 - np.minimum(died[some] / there[some], 1.0))
    return Steps(times=times[some], values=values)


def uncensored(y: Floats, weights: Floats | None = None) -> Steps:
    """The share of whom more is known than a time: Kaplan–Meier of being censored, before which events come."""
    each = np.ones(len(y)) if weights is None else weights
    times, places = np.unique(y[:, 0], return_inverse=True)
    lost, died = (np.bincount(places, each * flags, len(times)) for flags in (1 - y[:, 1], y[:, 1]))
    there = np.cumsum((lost + died)[::-1])[::-1] - died
    some = lost > 0
    values = np.cumprod(1 - np.minimum(lost[some] / there[some], 1.0))
    return Steps(times=times[some], values=values)


def lifetimes(curves: Floats, times: Floats) -> Floats:
    """The mean time until the event, at most the last of the grid, (rows,): the area below each curve.

    Curves are 1 at time 0, and straight between the times of the grid. Law: of a mean of curves it is the mean.
    """
    whole = np.concatenate([np.ones((len(curves), 1)), curves], axis=1)
    return np.asarray(((whole[:, 1:] + whole[:, :-1]) / 2) @ np.diff(times, prepend=0.0))


def medians(curves: Floats, times: Floats) -> Floats:
    """The first time of the grid at which a row is more likely gone than not, (rows,); infinite where there is none."""
    gone = curves <= 0.5
    return np.where(gone.any(axis=1), times[gone.argmax(axis=1)], np.inf)


def brier_terms(y: Floats, curves: Floats, *, times: Floats, known: Steps) -> Floats:
    """What each row adds to the integrated Brier score, (rows,), whose mean is the score (Graf et al. 1999).

    At each time the squared error of the curve, 0 for rows whose event has come and 1 for those that live on, weighed
    by the inverse of the probability that so much is known of the row; rows that were censored before count by the
    others. Of that the mean over the time from the first to the last of the grid, by trapezia; of a grid of one time
    its error.

    Args:
        known: of the training part, `uncensored`.
    """
    time, event = y[:, :1], y[:, 1:] > 0
    gone, here = (time <= times) & event, time > times
    weight_gone = 1 / np.maximum(known.at(y[:, 0]), _least(known))
    weight_here = 1 / np.maximum(known.at(times), _least(known))
    errors = np.where(gone, np.square(curves) * weight_gone[:, None], 0.0)
    errors += np.where(here, np.square(1 - curves) * weight_here, 0.0)
    if len(times) == 1:
        return errors[:, 0]
    widths = np.diff(times)
    return np.asarray(((errors[:, 1:] + errors[:, :-1]) / 2) @ widths / widths.sum())


def _least(known: Steps) -> float:
    """What a probability of being known of counts as that is nothing: half of the least that is more."""
    some = known.values[known.values > 0]
    return float(some[-1]) / 2 if len(some) else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Comparable pairs of rows, by the rows.

    Attributes:
        right: (rows,) what the pairs of each row weigh that are in the right order, those of equal lifetimes half.
        all: (rows,) what all of them weigh.
    """

    right: Floats
    all: Floats


def pairs(y: Floats, life: Floats, weights: Floats) -> Pairs:
    """The pairs of each row with others of which it is known who came first.

    A pair is comparable where one row's event came before the other's time, or at the same time where the other was
    censored (Harrell et al. 1982). It is in the right order where who came first has the shorter lifetime. A pair
    weighs what its rows weigh, multiplied. Rows are sorted and merged, in time n log² n.

    Args:
        life: (rows,) predicted lifetimes.
    """
    came = y[:, 1] > 0
    order = np.lexsort((~came, y[:, 0]))
    new = np.any(np.diff(np.stack([y[order, 0], came[order]]), axis=1) != 0, axis=0)
    place = np.empty(len(y), dtype=np.int64)
    place[order] = np.concatenate([[0], np.cumsum(new)])
    rank = np.unique(life, return_inverse=True)[1].astype(np.int64)
    first = np.where(came, weights, 0.0)
    later, sooner = _beyond(place, weights), _beyond(-place, first)
    above, below = _later_above(place, rank, weights), _later_above(-place, -rank, first)
    alike, alike_first = _later_alike(place, rank, weights), _later_alike(-place, rank, first)
    right = np.where(came, above + alike / 2, 0.0) + below + alike_first / 2
    return Pairs(right=weights * right, all=weights * (np.where(came, later, 0.0) + sooner))


def _beyond(place: Codes, weights: Floats) -> Floats:
    """(rows,) what all rows weigh whose place is greater."""
    order = np.argsort(place, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(weights[order])])
    return np.asarray(sums[-1] - sums[np.searchsorted(place[order], place, side="right")])


def _later_alike(place: Codes, rank: Codes, weights: Floats) -> Floats:
    """(rows,) what the rows of equal rank weigh whose place is greater."""
    span = int(np.ptp(place)) + 2
    keys = (rank - rank.min()) * span + (place - place.min())
    order = np.argsort(keys, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(weights[order])])
    ends = np.searchsorted(keys[order], (keys // span) * span + span)
    return np.asarray(sums[ends] - sums[np.searchsorted(keys[order], keys, side="right")])


def _later_above(place: Codes, rank: Codes, weights: Floats) -> Floats:
    """(rows,) what the rows weigh whose place and rank are both greater: halves are merged, whose sides are sorted."""
    order = np.lexsort((-rank, place))  # of one place, who is behind ranks no higher
    ranks, mass, found = (rank - rank.min())[order], weights[order], np.zeros(len(place))
    positions, span, size = np.arange(len(place)), int(np.ptp(rank)) + 2, 1
    while size < len(place):
        block, behind = positions // (2 * size), (positions // size) % 2 == 1
        keys = block * span + ranks
        sides = np.argsort(keys[behind], kind="stable")
        told, sums = keys[behind][sides], np.concatenate([[0.0], np.cumsum(mass[behind][sides])])
        ahead = ~behind
        ends = np.searchsorted(told, (block[ahead] + 1) * span)
        found[ahead] += sums[ends] - sums[np.searchsorted(told, keys[ahead], side="right")]
        size *= 2
    out: Floats = np.empty(len(place))
    out[order] = found
    return out


def concordance(y: Floats, life: Floats, weights: Floats | None = None) -> float:
    """The share of comparable pairs that lifetimes put in the right order (Harrell et al. 1982), equal ones half.

    Not a number where no pair is comparable.

    Args:
        life: (rows,) predicted lifetimes, the longer the later the event.
    """
    found = pairs(y, life, np.ones(len(y)) if weights is None else weights)
    total = float(found.all.sum())
    return float(found.right.sum()) / total if total > 0 else np.nan


def rounded_lifetimes(curves: Floats, times: Floats) -> Floats:
    """`lifetimes` as shares of the horizon, without what is rounding alone, so that rows alike are alike."""
    return np.asarray(np.round(lifetimes(curves, times) / times[-1], _DIGITS))


def concordance_means(
    y: Floats, lives: Sequence[Floats], *, groups: Codes | None = None, weights: Floats | None = None
) -> Means:
    """Concordances of several models on the same rows, by the jackknife: what they are without each row's pairs.

    Groups are left out whole by `jackknifed`, by the sum of what their rows say.
    """
    each = np.ones(len(y)) if weights is None else weights
    found = [pairs(y, life, each) for life in lives]
    total = found[0].all.sum() / 2
    if total <= 0:
        return unknown_means(len(lives))
    estimates = np.array([one.right.sum() / 2 / total for one in found])
    left = total - found[0].all
    known = np.where(left > 0, left, 1.0)
    without = [
        np.where(left > 0, (one.right.sum() / 2 - one.right) / known, one.right.sum() / 2 / total) for one in found
    ]
    pseudo = without_each(estimates, np.stack(without, axis=1), each)
    events = float(y[:, 1].sum())
    return jackknifed(estimates, pseudo, groups=groups, weights=weights, rarest=events)
