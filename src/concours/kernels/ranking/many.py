"""Many entries ranked together: the certainty of few (`ranking.ranks`), where all pairs at once would take long.

Of thousands of entries there are millions of pairs, and for each the variance of its difference and the degrees of
freedom of that are wanted. Most pairs are decided by bounds of both: the variances come from one product of matrices in
single precision, less what all entries share, whose rounding is known; the fourth moments, of which the degrees are
made, are bounded by those of the two entries (Minkowski 1896). Only pairs that the bounds leave open are looked at row
by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from concours.kernels.scoring.intervals import LEVEL
from concours.kernels.scoring.scores import Means, moved_by

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]

_ROUNDING: Final = 1e-12  # as `ranks.pair_differences` has it
_SINGLE: Final = 2e-5  # of two second moments, far above the rounding of their product in single precision
_SLACK: Final = 1.001
_SAFE: Final = 200.0  # degrees of freedom
_AT_ONCE: Final = 2**21  # values
_WIDE: Final = 2**20  # pairs


@dataclass(frozen=True, slots=True)
class Many:
    """Means of many entries.

    Attributes:
        means: as of few, but that only their variances are known: how pairs vary together `certain` says alone.
        certain: (tested, tested), symmetric: as `ranks.certain_pairs` of few.
    """

    means: Means
    certain: Flags


def many_jackknifed(
    estimates: Floats,
    pseudo: Floats,
    *,
    groups: Codes | None = None,
    weights: Floats | None = None,
    signs: bool = False,
    few: str = "",
    tested: int | None = None,
    level: float = LEVEL,
) -> Many:
    """Estimates (k,) of many entries by their pseudo-values (rows, k), and which certainly differ, over all pairs.

    Args: those of `scores.jackknifed`, and
        few: why the rows are too few to tell; then no pair is certain.
        tested: how many, the first, are told apart; by default all.

    Law: what `ranks.certain_pairs` says of `scores.jackknifed` of the same.
    """
    moved, units = moved_by(pseudo, groups=groups, weights=weights)
    moved = np.ascontiguousarray(moved.T)  # an entry after the other, as pairs are looked at
    second = np.einsum("ij,ij->i", moved, moved)
    scale = (units - 1) / units if moved.shape[1] > 1 else np.nan
    third = np.einsum("ij,ij,ij->i", moved, moved, moved)
    skewness = np.divide(third, second**1.5, out=np.zeros_like(third), where=second > 0)
    means = Means(estimates, np.diag(second * scale), skewness, units, units, few=few)
    some = slice(None, tested)
    certain = np.zeros((len(estimates[some]),) * 2, dtype=np.bool_)
    if not few and np.isfinite(scale):
        unseen = 2.0 ** (1 - units) if signs else 1.0
        certain = _certain(_Pairs(estimates[some], moved[some], second[some], units, unseen), 1 - level)
    return Many(means, certain | certain.T)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Estimates (k,), and by how much each unit moves them, (k, units), with their second moments (k,); `unseen` is how
    probable a difference is that shows no variance.
    """

    estimates: Floats
    moved: Floats
    second: Floats
    units: float
    unseen: float

    @property
    def most(self) -> float:
        """The degrees of freedom of a variance that rests on all units alike."""
        return max(self.units - 1, 1.0)

    def chances(self, value: Floats, variance: Floats, fourth: Floats) -> Floats:
        """How probable differences as great are, by the sums of squares and of fourth powers of what moves them."""
        degrees = self.degrees(variance, fourth)
        scaled = variance * (self.units - 1) / self.units
        return np.asarray(2 * student.sf(np.abs(value) / np.sqrt(scaled), degrees))

    def degrees(self, variance: Floats, fourth: Floats) -> Floats:
        """Of freedom of these variances (`scores.pair_degrees`)."""
        share = fourth / np.square(variance) - 1 / self.moved.shape[1]
        found = np.divide(2.0, share, out=np.full(share.shape, self.most), where=share > 0)
        return np.asarray(np.clip(found, 1.0, self.most))

    def exactly(self, first: Codes, second: Codes) -> Floats:
        """(pairs,) chances, row by row."""
        found = np.ones(len(first))
        for start in range(0, len(first), step := max(_AT_ONCE // self.moved.shape[1], 1)):
            one, other = first[start : start + step], second[start : start + step]
            apart = np.square(self.moved[one] - self.moved[other])
            variance, fourth = apart.sum(axis=1), np.einsum("ij,ij->i", apart, apart)
            value = self.estimates[one] - self.estimates[other]
            nothing = variance <= _ROUNDING * (self.second[one] + self.second[other])
            some = np.where(nothing, 1.0, variance)
            chances = self.chances(value, some, np.where(nothing, 0.0, fourth))
            rounding = np.sqrt(_ROUNDING * (self.second[one] + self.second[other]) * (self.units - 1) / self.units)
            z = np.divide(np.abs(value), rounding, out=np.where(value == 0, 0.0, np.inf), where=rounding > 0)
            unseen = np.maximum(2 * student.sf(z, self.most), self.unseen)
            found[start : start + step] = np.where(nothing, unseen, chances)
        return found


def _certain(pairs: _Pairs, alpha: float) -> Flags:
    """(k, k): which differ, above the diagonal."""
    k = len(pairs.estimates)
    centred = pairs.moved - pairs.moved.mean(axis=0)
    fourths = _fourth_moments(centred) ** 0.25
    single = centred.astype(np.float32)
    del centred
    products = single @ single.T
    del single
    total = k * (k - 1) // 2
    cut = float(student.isf(alpha / (2 * total), min(_SAFE, pairs.most))) if total else np.inf
    least = float(student.isf(alpha / 2, pairs.most))
    certain, open_pairs = np.zeros((k, k), dtype=np.bool_), []
    for rows in _blocks(k):
        one, other = np.nonzero(np.arange(k)[None, :] > rows[:, None])
        one = rows[one]
        value = pairs.estimates[one] - pairs.estimates[other]
        own = products[one, one].astype(np.float64) + products[other, other]
        variance = own - 2 * products[one, other].astype(np.float64)
        slack = _SINGLE * own
        low, high = np.maximum(variance - slack, 0.0), variance + slack
        scale = (pairs.units - 1) / pairs.units
        with np.errstate(divide="ignore", invalid="ignore"):
            nearest, farthest = (np.abs(value) / np.sqrt(each * scale) for each in (high, low))
        maybe = (value != 0) & ~(farthest < least)
        one, other, nearest, farthest, low = (each[maybe] for each in (one, other, nearest, farthest, low))
        tiny = low <= 2 * _ROUNDING * (pairs.second[one] + pairs.second[other])
        fourth = _SLACK * (fourths[one] + fourths[other]) ** 4
        degrees = np.where(tiny, 1.0, pairs.degrees(np.where(tiny, 1.0, low), fourth))
        sure = (nearest >= cut) & (degrees >= min(_SAFE, pairs.most)) & ~tiny
        certain[one[sure], other[sure]] = True
        left = ~sure
        most = np.where(tiny[left], 1.0, 2 * student.sf(nearest[left], degrees[left]))
        fewest = np.where(tiny[left], 0.0, 2 * student.sf(farthest[left], pairs.most))
        open_pairs.append((one[left], other[left], fewest, most))
    one, other, fewest, most = (np.concatenate(parts) for parts in zip(*open_pairs, strict=True))
    sure = int(np.count_nonzero(certain))
    rejected = _rejected(most, alpha, left=total - sure)
    unclear = _rejected(fewest, alpha, left=total - sure) & ~rejected
    p = np.where(rejected, 0.0, 1.0)
    p[unclear] = pairs.exactly(one[unclear], other[unclear])
    rejected = _rejected(p, alpha, left=total - sure)
    certain[one[rejected], other[rejected]] = True
    return certain


def _fourth_moments(moved: Floats) -> Floats:
    """(k,) sums of fourth powers."""
    squares = (np.square(one) for one in moved)
    return np.array([one @ one for one in squares])


def _blocks(k: int) -> list[Codes]:
    """Rows of all pairs of so many, some at a time."""
    step = max(_WIDE // max(k, 1), 1)
    return [np.arange(start, min(start + step, k)) for start in range(0, k, step)]


def _rejected(p: Floats, alpha: float, *, left: int) -> Flags:
    """Which hypotheses are rejected (`ranks.holm`), of so many that are left: further ones have a p of 1.

    Laws: with lesser p no fewer are rejected; those that are rejected for sure may have a p of 0.
    """
    order = np.argsort(p, kind="stable")
    passed = np.logical_and.accumulate(p[order] <= alpha / (left - np.arange(len(p))))
    found = np.zeros(len(p), dtype=np.bool_)
    found[order] = passed
    return found
