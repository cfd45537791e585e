"""What verdicts of judges come to: of pairs in both orders, and of grades; and how judges take places and agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TIE = 0.5


def wins(first: Floats, second: Floats) -> Floats:
    """How much each answer wins, (rows,) from 0 to 1, by a panel that has seen it in either place.

    A judge's word on a row is the mean of its two verdicts, so one that goes by the place alone says a tie; the panel's
    is the mean of its judges' (Zheng et al. 2023 have both orders, and Verga et al. 2024 the panel). A judge with a
    verdict that could not be read says nothing of the row: with one order alone its liking for a place would count.
    Where none says anything it is a tie.

    Args:
        first, second: (judges, rows) verdicts where the answer stood first, and where it stood second: 1 where it is
            the better one, 0 where the other is, 0.5 of a tie, and NaN where none could be read.
    """
    return panel((first + second) / 2, otherwise=TIE)


def panel(said: Floats, *, otherwise: float) -> Floats:
    """The mean (rows,) of what judges say, (judges, rows), NaN of who says nothing; where nobody does, `otherwise`."""
    known = ~np.isnan(said)
    counts = known.sum(axis=0)
    sums = np.where(known, said, 0.0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), otherwise)


@dataclass(frozen=True, kw_only=True)
class Places:
    """How a judge takes the places in which answers stand.

    Attributes:
        rows: that it has judged in both orders.
        first: of its verdicts for one of the two, the share for the one that stood first; 0.5 of who does not mind.
            None where it said nothing but ties.
        same: the share of the rows on which both orders name the same.
        ties: the share of its verdicts.
    """

    rows: int
    first: float | None
    same: float | None
    ties: float | None


def places(first: Floats, second: Floats) -> Places:
    """How one judge takes places, by its verdicts (rows,) as in `wins`."""
    both = ~np.isnan(first) & ~np.isnan(second)
    one, other = first[both], second[both]
    rows = int(both.sum())
    if not rows:
        return Places(rows=0, first=None, same=None, ties=None)
    said = np.concatenate([one, 1 - other])
    decided = said[said != TIE]
    return Places(
        rows=rows,
        first=float((decided == 1).mean()) if len(decided) else None,
        same=float((one == other).mean()),
        ties=float((said == TIE).mean()),
    )


def kappa(one: Floats, other: Floats) -> float | None:
    """Cohen's kappa (1960) of two judges: how much oftener than by chance they say the same of rows (rows,).

    1 of those who always agree, 0 of those who agree as by chance. Rows of which one of them says nothing are left out;
    none where no row is left, or both always say one and the same.
    """
    both = ~np.isnan(one) & ~np.isnan(other)
    if not both.any():
        return None
    values, codes = np.unique(np.concatenate([one[both], other[both]]), return_inverse=True)
    count = int(both.sum())
    table = np.zeros((len(values), len(values)), dtype=np.int64)
    np.add.at(table, (codes[:count], codes[count:]), 1)
    chance = int(table.sum(axis=0) @ table.sum(axis=1))
    return None if chance == count**2 else (count * int(np.trace(table)) - chance) / (count**2 - chance)


def corrected_share(share: float, *, sensitivity: float, specificity: float) -> float:
    """The share that is right, where a judge calls this share right (Rogan and Gladen 1978), between 0 and 1.

    Args:
        sensitivity: the share of what is right that the judge calls right.
        specificity: the share of what is wrong that the judge calls wrong.

    Raises:
        ValueError: the judge is no better than chance.
    """
    told = sensitivity + specificity - 1
    if told <= 0:
        raise ValueError("the judge calls what is wrong right as often as what is right: its share tells nothing")
    return float(np.clip((share + specificity - 1) / told, 0.0, 1.0))
