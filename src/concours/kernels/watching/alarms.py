"""Alarms: whether something fails more often than was promised, told row by row, from whichever row on.

An offer is watched by rows whose answers are known. It fails at one where it is wrong, or, the sharper test, where it
says something else than the model that competed: of the same model that is rare, of another one it is not.

Each row multiplies a likelihood ratio against the promised rate, the most that may fail; its expectation is at most 1
as long as the promise is held, whatever came before. The ratios that begin at each row so far are added up, and
averaged over alternatives (the statistic of Shiryaev 1963 and Roberts 1966, as an e-detector of Shin, Ramdas and
Rinaldo 2024). So a swap is seen as soon after a year as after a day. While the promise is held the sum less the number
of rows is a supermartingale. Hence, for an alarm at a sum of c:

- among the first N rows there is a false alarm with a probability of N / c at most, for every N;
- a false alarm takes c rows at least in expectation.

It is no promise for all time: any detector that finds late changes soon has a false alarm some day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ODDS = 1.25 * 1.6 ** np.arange(8)
"""The odds of failing that are looked for, in those of the promise: five points of accuracy and more, of any that is
below 97%, lie among them."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Alarm:
    """How strongly rows so far speak against a promise.

    Attributes:
        promised: the greatest share of rows that may fail, between 0 and 1.
        sums: (alternatives,) logarithms of the sums of ratios.
        rows, failed: how many there were.
        greatest: logarithm of the greatest average of the sums at any row.
    """

    promised: float
    sums: Floats
    rows: int = 0
    failed: int = 0
    greatest: float = -np.inf

    def raised(self, between: float) -> bool:
        """Whether there was an alarm, of which a false one takes `between` rows in expectation, at least."""
        return bool(self.greatest >= np.log(between))


def watching(promised: float) -> Alarm:
    """An alarm before the first row.

    Raises:
        ValueError: the promise is no share between 0 and 1, both left out.
    """
    if not 0 < promised < 1:
        raise ValueError(f"promised: expected a share above 0 and below 1, got {promised}")
    return Alarm(promised=promised, sums=np.full(len(ODDS), -np.inf))


def heard(alarm: Alarm, failed: Flags) -> Alarm:
    """The alarm after more rows, (rows,), in their order.

    Law: rows told at once are as those told one after the other.
    """
    gains, sums, greatest = ratios(alarm.promised), alarm.sums, alarm.greatest
    for row in np.asarray(failed, dtype=np.int64):
        sums = step(sums, gains[row])
        greatest = max(greatest, float(averaged(sums)))
    rows, count = alarm.rows + len(failed), alarm.failed + int(np.sum(failed))
    return replace(alarm, sums=sums, rows=rows, failed=count, greatest=greatest)


def ratios(promised: float) -> Floats:
    """(2, alternatives) logarithms of what a row that holds, and one that fails, multiply."""
    sought = expit(logit(promised) + np.log(ODDS))
    return np.stack([np.log1p(-sought) - np.log1p(-promised), np.log(sought) - np.log(promised)])


def step(sums: Floats, gains: Floats) -> Floats:
    """Logarithms of sums (..., alternatives) after one more row, with gains (..., alternatives)."""
    return np.asarray(np.logaddexp(sums, 0.0) + gains)


def averaged(sums: Floats) -> Floats:
    """Logarithm (...,) of the average of sums (..., alternatives)."""
    return np.asarray(np.logaddexp.reduce(sums, axis=-1) - np.log(sums.shape[-1]))
