"""Weights that are chosen crosswise: those for the rows of a fold by the others, out of few good members."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Choose = Callable[[Codes, Codes], Floats]
"""From the places of candidates and of rows to the candidates' weights, (candidates,), adding up to one."""


@dataclass(frozen=True, kw_only=True)
class Crossfitted:
    """Weights of members.

    Attributes:
        weights: (members,), chosen on all rows.
        fold_weights: (folds, members), of each fold chosen on the rows of the others.
    """

    weights: Floats
    fold_weights: Floats

    @property
    def members(self) -> Codes:
        """Those that have a weight anywhere: the greatest weight by all rows first, then by the mean of the folds."""
        used = np.flatnonzero((self.weights > 0) | (self.fold_weights > 0).any(axis=0))
        means = self.fold_weights.mean(axis=0)
        return np.asarray(used[np.lexsort((used, -means[used], -self.weights[used]))])


def folds_of(rows: int, count: int, groups: Codes | None = None, *, seed: int) -> Codes:
    """(rows,) the fold of each row, from 0: as many, or as many as there are groups, about even, drawn by chance.

    Args:
        groups: (rows,) codes; rows of one group are in one fold.
    """
    units = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    number = int(units.max(initial=-1)) + 1
    return np.asarray((np.random.default_rng(seed).permutation(number) % min(count, max(number, 1)))[units])


def best_few(losses: NDArray[np.floating], most: int, mass: Floats | None = None) -> Codes:
    """The places of the members with the least mean loss, at most so many, rising; of equal ones the first.

    Args:
        losses: (members, rows).
        mass: (rows,) what rows weigh.
    """
    means = np.average(losses, axis=1, weights=mass)
    return np.sort(np.argsort(means, kind="stable")[:most])


def crossfitted(
    losses: NDArray[np.floating], folds: Codes, choose: Choose, *, most: int, mass: Floats | None = None
) -> Crossfitted:
    """Chooses weights on all rows, and for each fold on the rows of the others, out of the best few by the same rows.

    Args:
        losses: (members, rows), by which the few are taken: what a member loses on a row.
        folds: (rows,) from 0, two at least.
        most: how many are chosen from.
        mass: (rows,) what rows weigh.

    Law: nothing that is said of the rows of a fold hangs on their targets.
    """
    members, rows = losses.shape

    def chosen(seen: Codes) -> Floats:
        some = losses if len(seen) == rows else losses[:, seen]
        few = best_few(some, most, None if mass is None else mass[seen])
        weights = np.zeros(members)
        weights[few] = choose(few, seen)
        return weights

    each = [chosen(np.flatnonzero(folds != fold)) for fold in range(int(folds.max()) + 1)]
    return Crossfitted(weights=chosen(np.arange(rows)), fold_weights=np.stack(each))
