"""Splits: which rows judge, which fold each of the others is in, and which judging rows are shown to the public."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from concours.kernels.rows.grouping import grouped

Codes = NDArray[np.int64]


def test_rows(
    strata: Codes,
    share: float,
    rng: np.random.Generator,
    *,
    groups: Codes | None = None,  # noqa: PT028 (no test)
) -> NDArray[np.bool_]:
    """Whether each row is in the test part: a systematic sample of `share` of each stratum (rows,).

    Rows of a stratum of one are never in it, because nothing could be learned of them. With groups the sample is of
    these, whole, so that the shares are kept as well as their sizes allow.
    """
    if not share:
        return np.zeros(len(strata), dtype=np.bool_)
    if groups is not None:
        return grouped(strata, groups, np.array([1 - share, share]), rng) == 1
    position = np.arange(len(strata)) + rng.random()
    chosen = np.empty(len(strata), dtype=np.bool_)
    chosen[_dealt(strata, rng)] = np.floor((position + 1) * share) > np.floor(position * share)
    return chosen & (np.bincount(strata)[strata] > 1)


def fold_rows(
    strata: Codes, folds: int, rng: np.random.Generator, *, groups: Codes | None = None, repeats: int = 1
) -> Codes:
    """The fold of each row, (rows,) in [0, folds): strata are dealt out in turn.

    With several repeats (rows, repeats), the r-th column in [r * folds, (r + 1) * folds), so that a fold's number tells
    its repeat.

    Laws: folds of one repeat differ by one row at most, and by one row at most in each stratum. With groups, rows of
    one group are in one fold, and sizes and strata are as even as the groups allow.
    """
    columns = [repeat * folds + _fold_rows(strata, folds, rng, groups) for repeat in range(repeats)]
    return columns[0] if repeats == 1 else np.stack(columns, axis=1)


def _fold_rows(strata: Codes, folds: int, rng: np.random.Generator, groups: Codes | None) -> Codes:
    if groups is not None:
        return grouped(strata, groups, np.full(folds, 1 / folds), rng)
    result = np.empty(len(strata), dtype=np.int64)
    result[_dealt(strata, rng)] = np.arange(len(strata)) % folds
    return result


def last_rows(time: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """Whether each row is in the test part: about the last `share` by time (rows,).

    Law: every row of it is later than every other row; rows of one time stay together.
    """
    moments, counts = np.unique(time, return_counts=True)
    later = np.cumsum(counts[::-1])[::-1]
    first = int(np.abs(later - share * len(time)).argmin())
    return time >= moments[first] if share and first else np.zeros(len(time), dtype=np.bool_)


def time_folds(time: NDArray[np.float64], folds: int) -> Codes:
    """The fold of each row, (rows,) in [0, folds): consecutive stretches of time with about as many rows each.

    Every row is predicted out of fold once, so models of early folds are fitted on later rows too; only the test part
    is evaluated strictly forward. What blocks do prevent is that neighbours in time stand on both sides of nearly every
    row. Rows of one time stay together; a fold is empty only where there are fewer times than folds, or nearly so.
    """
    _, place, counts = np.unique(time, return_inverse=True, return_counts=True)
    middles = np.cumsum(counts) - (counts + 1) / 2
    return np.asarray(np.floor(middles * folds / len(time)).astype(np.int64)[place])


def time_blocks(time: NDArray[np.float64]) -> Codes:
    """The block of each row, (rows,) from 0: consecutive stretches of time of about √rows rows each.

    Rows that follow in time are not independent; the means of such blocks nearly are, so that a standard error over
    blocks holds (batch means; Flegal and Jones 2010, whose batches of √n are consistent). Rows of one time are in one
    block.
    """
    _, place, counts = np.unique(time, return_inverse=True, return_counts=True)
    first = np.cumsum(counts) - counts
    return np.unique((first // max(int(np.sqrt(len(time))), 1))[place], return_inverse=True)[1]


def public_rows(ids: Codes, share: float) -> NDArray[np.bool_]:
    """Whether each row's score may be shown while a contest is open, (rows,): about a share of them.

    Law: a function of a row's id alone, so it stays as it is when rows are added.
    """
    return _mixed(ids) < share


def _mixed(ids: Codes) -> NDArray[np.float64]:
    """Numbers in [0, 1) from ids, as good as random: the finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    x = ids.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (x ^ (x >> np.uint64(31))) / 2.0**64


def _dealt(strata: Codes, rng: np.random.Generator) -> Codes:
    """Row numbers, stratum after stratum, shuffled within each."""
    shuffled = rng.permutation(len(strata))
    few = strata.max(initial=0) < 1 << 16  # narrow numbers are sorted by radix: many times faster on millions of rows
    return shuffled[np.argsort(strata[shuffled].astype(np.uint16) if few else strata[shuffled], kind="stable")]
