"""The board of attacks against defenders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.kernels.ranking.ranks import holm, pair_chances, placings
from concours.kernels.ranking.tiers import tiers
from concours.kernels.scoring.intervals import LEVEL, intervals
from concours.kernels.scoring.rounded import rounded
from concours.kernels.scoring.scores import Means, row_means

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Attacked:
    """What attacks left of defenders, on the same rows, which pair them.

    Attributes:
        helds: of each defender (attacks, 1 + epsilons, rows), 1 where the row holds, else 0; the first of the second
            axis is for no change.
        made: of each defender the numbers of the attacks in the order of its first axis.
        groups: (rows,) which of them belong together, if any do.
    """

    helds: Sequence[Floats]
    made: Sequence[Sequence[int]]
    groups: Codes | None

    def means(self, rows: Sequence[Floats]) -> Means:
        """Shares of the rows (rows,) that hold, each."""
        return row_means(np.stack(rows, axis=1), groups=self.groups)

    def shares(self, rows: Sequence[Floats]) -> list[list[float]]:
        """The same as [share, low, high] of 95%."""
        return _with_ends(self.means(rows))


def robustness(attacked: Attacked, *, attacks: int, at: int, white: Sequence[int]) -> dict[str, Any]:
    """Who holds against whom, a share as [share, low, high] of 95%.

    Args:
        attacks: how many there are.
        at: which of the ε's the board is for.
        white: the numbers of the attacks that follow gradients.

    Returns:
        rows: how many were attacked.
        clean: a defender. matrix: a defender and attack, none where it was not made.
        worst: a defender: "share", "rank" [rank, best, worst], "tier", by rows that hold against all attacks on it.
        Where some met every attack, the others are not ranked: what is told of them is an upper bound.
        curves: a defender: shares that hold against all attacks, for each ε, that of no change first.
        attackers: an attack: "left", the mean share that it leaves the defenders that every attack was made on, and
        "rank", the least first; none where there is no such defender.
        masked: a defender: whether an attack without gradients certainly leaves less than all with together: then its
        gradients are hidden, and it is less robust than those attacks make it look. Certainly: over all defenders and
        all such attacks.
    """
    helds = attacked.helds
    return {
        "rows": helds[0].shape[-1],
        "clean": attacked.shares([held[0, 0] for held in helds]),
        "matrix": _matrix(attacked, attacks, at),
        "worst": _worst(attacked, at),
        "curves": [attacked.shares(list(held.min(axis=0))) for held in helds],
        "attackers": _attackers(attacked, attacks, at),
        "masked": _masked([held[:, at] for held in helds], attacked.made, white, attacked.groups),
    }


def standing(held: NDArray[np.uint8], before: NDArray[np.uint8] | None) -> dict[str, Any]:
    """What a defender holds at the greatest ε against all attacks together.

    Args:
        held: (attacks, 1 + epsilons, rows), 1 where the row holds.
        before: the same, a round earlier.

    Returns:
        worst, stderr: the share of rows that hold, and its standard error.
        change, change_stderr: of `worst` since the round before, paired by rows; where there was one.
    """
    worst = _standing_rows(held)
    means = row_means(worst[:, None])
    found = {"worst": rounded(means.means[0]), "stderr": rounded(means.stderr[0])}
    if before is None:
        return found
    change = row_means((worst - _standing_rows(before))[:, None])
    return {**found, "change": rounded(change.means[0]), "change_stderr": rounded(change.stderr[0])}


def _standing_rows(held: NDArray[np.uint8]) -> Floats:
    return np.asarray(held[:, -1].all(axis=0), dtype=np.float64)


def _with_ends(means: Means) -> list[list[float]]:
    ends = intervals(means, low=0.0, high=1.0)
    return [rounded([m, *e]) for m, e in zip(means.means, ends, strict=True)]


def _matrix(attacked: Attacked, attacks: int, at: int) -> list[list[list[float] | None]]:
    matrix: list[list[list[float] | None]] = [[None] * attacks for _ in attacked.helds]
    for row, held, made in zip(matrix, attacked.helds, attacked.made, strict=True):
        for number, share in zip(made, attacked.shares(list(held[:, at])), strict=True):
            row[number] = share
    return matrix


def _worst(attacked: Attacked, at: int) -> list[dict[str, Any]]:
    """Of each defender, against all attacks on it; ranked among those that met as many as any."""
    holding = [held[:, at].min(axis=0) for held in attacked.helds]
    most = max(len(made) for made in attacked.made)
    met = [place for place, made in enumerate(attacked.made) if len(made) == most]
    ranked = attacked.means([holding[place] for place in met])
    ranks = dict(zip(met, placings(ranked, greater_is_better=True).tolist(), strict=True))
    tier = dict(zip(met, tiers(ranked, greater_is_better=True).tolist(), strict=True))
    shares = attacked.shares(holding)
    return [{"share": share, "rank": ranks.get(i), "tier": tier.get(i)} for i, share in enumerate(shares)]


def _attackers(attacked: Attacked, attacks: int, at: int) -> list[dict[str, Any]] | None:
    """What each attack leaves, over the defenders that met them all."""
    pairs = zip(attacked.helds, attacked.made, strict=True)
    full = [(held, list(numbers)) for held, numbers in pairs if len(numbers) == attacks]
    if not full:
        return None
    means = attacked.means(
        [np.mean([held[numbers.index(a), at] for held, numbers in full], axis=0) for a in range(attacks)]
    )
    ranks = placings(means, greater_is_better=False).tolist()
    return [{"left": share, "rank": rank} for share, rank in zip(_with_ends(means), ranks, strict=True)]


def _masked(
    helds: Sequence[Floats],
    made: Sequence[Sequence[int]],
    white: Sequence[int],
    groups: Codes | None,
) -> list[bool]:
    """Of each defender whether some attack without gradients certainly leaves less than all with them together.

    Paired tests, over all defenders and all their attacks without gradients together (Holm 1979): the attack that
    leaves least is found by the rows that it is tested on.
    """
    each_less = [leaving_less(held, np.isin(numbers, white), groups) for held, numbers in zip(helds, made, strict=True)]
    certain = holm(np.concatenate(each_less), 1 - LEVEL)
    ends = np.cumsum([len(each) for each in each_less])
    return [bool(each.any()) for each in np.split(certain, ends[:-1])]


def leaving_less(held: Floats, white: NDArray[np.bool_], groups: Codes | None) -> Floats:
    """How probable it is of equals that one leaves so much less: each attack without gradients, than all with them."""
    if white.all() or not white.any():
        return np.empty(0)
    means = row_means(np.stack([*held[~white], held[white].min(axis=0)], axis=1), groups=groups)
    last = len(means.means) - 1
    p = pair_chances(means, np.arange(last), np.full(last, last))
    return np.where(means.means[:last] < means.means[last], p, 1.0)
