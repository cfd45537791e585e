"""Rows that belong together, and how who learns from them sets some apart without dividing them.

A model may set rows apart of those that it is fitted on: to know when to stop, to choose a parameter, to calibrate.
Rows that are drawn one by one are no test of it where others like them are fitted on: of the same patient, or of the
day before and the day after. So whole groups are set apart, and, where rows follow one another in time, the last ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.kernels.rows.grouping import grouped

Codes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Kin:
    """How rows belong together.

    Attributes:
        groups: (rows,) codes of the group, or the stretch of time, of each row.
        in_time: whether these follow one another in time, in the order of their codes.
    """

    groups: Codes
    in_time: bool = False

    def some(self, rows: Any) -> Kin:
        """Of some of the rows, by their numbers or flags."""
        return replace(self, groups=self.groups[rows])

    def held_out(self, share: float, *, seed: int, strata: Codes | None = None) -> NDArray[np.bool_]:
        """Whether each row is set apart, (rows,): about a share, of every stratum as far as groups allow.

        Laws: no group is divided; in time, all rows set apart are later than all others; some rows are left. Of a
            stratum
        that would be set apart as a whole nothing is, whatever its groups: it has to be learned. None is set apart of
        a single group.
        """
        places, sizes = self._places()
        apart = np.zeros(len(places), dtype=np.bool_)
        if share <= 0 or len(sizes) < 2:
            return apart
        if self.in_time:
            later = np.cumsum(sizes[::-1])[::-1][1:]
            apart = places > int(np.abs(later - share * len(places)).argmin())
        else:
            even = np.zeros(len(places), dtype=np.int64) if strata is None else strata
            apart = grouped(even, places, np.array([1 - share, share]), np.random.default_rng(seed)) == 1
            if not apart.any():
                apart = places == int(sizes.argmin())
            if apart.all():
                apart = places != int(sizes.argmax())
        return apart if strata is None else apart & np.isin(strata, strata[~apart])

    def folds(self, count: int, *, seed: int, strata: Codes | None = None) -> Codes:
        """The fold of each row, (rows,) from 0: about even ones, `count` of them or as many as there are groups.

        Laws: no group is divided, but for rows of a stratum that would be in one fold alone, which are dealt out in
            turn,
        so that all strata are in the rest of every fold; in time folds are stretches that follow one another; none is
        empty.
        """
        places, sizes = self._places()
        count = min(count, len(sizes))
        if self.in_time:
            middles = np.cumsum(sizes) - sizes / 2
            found = np.floor(middles * count / len(places)).astype(np.int64)[places]
        else:
            even = np.zeros(len(places), dtype=np.int64) if strata is None else strata
            found = grouped(even, places, np.full(count, 1 / count), np.random.default_rng(seed))
        found = np.unique(found, return_inverse=True)[1]
        for stratum in np.unique(strata) if strata is not None else ():
            rows = np.flatnonzero(strata == stratum)
            if not np.ptp(found[rows]):
                found[rows] = np.arange(len(rows)) % (found.max() + 1)
        return np.asarray(found)

    def _places(self) -> tuple[Codes, Codes]:
        """Groups numbered without gaps, in their order, and how many rows each has."""
        _, places, sizes = np.unique(self.groups, return_inverse=True, return_counts=True)
        return places, sizes


def crossed(folds: Codes) -> list[tuple[Codes, Codes]]:
    """For each fold, (rows,) from 0, the numbers of the rows outside and inside; none where there is one fold."""
    count = int(folds.max(initial=0)) + 1
    return [(np.flatnonzero(folds != f), np.flatnonzero(folds == f)) for f in range(count)] if count > 1 else []
