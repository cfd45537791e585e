"""Battles as counts: who met whom, how it ended, in which category. Counts of parts add up to counts of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

LEFT: Final = 0
RIGHT: Final = 1
TIE: Final = 2
OUTCOMES: Final = 3

_DENSE = 1 << 22
"""So many cells are counted in a table of all possible ones; beyond that, those that occur are sorted."""


@dataclass(frozen=True, kw_only=True)
class Votes:
    """Battles one by one, in the order of the file, as codes.

    Attributes:
        left, right: (rows,) codes of the models.
        outcome: (rows,) LEFT, RIGHT or TIE: who won.
        weight: (rows,) finite, at least 0; ones where absent.
        category: (rows,) codes; zeros where absent.
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    outcome: NDArray[np.int32]
    weight: Floats | None = None
    category: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.left)

    def among(self, some: NDArray[np.bool_]) -> Votes:
        """Some of the battles."""
        arrays: dict[str, Any] = {key: None if value is None else value[some] for key, value in vars(self).items()}
        return Votes(**arrays)


def joined(parts: Sequence[Votes]) -> Votes:
    """Votes one after the other; either all parts have weights, and categories, or none."""
    if len(parts) == 1:
        return parts[0]
    arrays: dict[str, Any] = {}
    for key in ("left", "right", "outcome", "weight", "category"):
        values = [getattr(part, key) for part in parts]
        arrays[key] = None if values[0] is None else np.concatenate(values)
    return Votes(**arrays)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """The tensor model × model × outcome × category, with the cells that occur only.

    Laws: `+` is associative and commutative (weights up to rounding), and `count` of rows that are set together is the
    sum of the counts of the parts, in any order; names and cells are sorted, so that equal votes give equal counts.
    Battles of a model with itself are kept here, and left out by whoever rates.

    Attributes:
        names, categories: sorted.
        left, right, category: (cells,) codes, sorted by category, left, right.
        battles, weight, square: (cells, 3) by outcome: how many weigh anything, the sum of their weights and of the
            squares of these.
    """

    names: tuple[str, ...]
    categories: tuple[str, ...]
    left: Codes
    right: Codes
    category: Codes
    battles: Floats
    weight: Floats
    square: Floats

    def __add__(self, other: Counts) -> Counts:
        names = self.names if self.names == other.names else tuple(sorted({*self.names, *other.names}))
        same = self.categories == other.categories
        categories = self.categories if same else tuple(sorted({*self.categories, *other.categories}))
        one, two = self.relabelled(names, categories), other.relabelled(names, categories)
        joined = {key: np.concatenate([getattr(one, key), getattr(two, key)]) for key in _ARRAYS}
        return _reduced(names, categories, joined)

    def relabelled(self, names: tuple[str, ...], categories: tuple[str, ...]) -> Counts:
        """The same counts with more names or categories, both sorted."""
        if (names, categories) == (self.names, self.categories):
            return self
        place = {name: code for code, name in enumerate(names)}
        models = np.array([place[name] for name in self.names], dtype=np.int64)
        place = {name: code for code, name in enumerate(categories)}
        sorts = np.array([place[name] for name in self.categories], dtype=np.int64)
        return Counts(
            names=names,
            categories=categories,
            left=models[self.left],
            right=models[self.right],
            category=sorts[self.category],
            battles=self.battles,
            weight=self.weight,
            square=self.square,
        )

    def boards(self, *, by_category: bool) -> Boards:
        """The counts by unordered pair: of all categories together, and then of each if asked."""
        models = len(self.names)
        first, second = np.minimum(self.left, self.right), np.maximum(self.left, self.right)
        met = first != second
        pairs, place = np.unique((first * models + second)[met], return_inverse=True)
        turned = (self.left > self.right)[met]
        board = np.zeros(len(place), dtype=np.int64)
        tables = [self._folded(board, place, turned, met, (1, len(pairs)))]
        if by_category:
            shape = len(self.categories), len(pairs)
            tables.append(self._folded(self.category[met], place, turned, met, shape))
        battles, weight, square = (np.concatenate(parts) for parts in zip(*tables, strict=True))
        return Boards(
            models=models, first=pairs // models, second=pairs % models, battles=battles, weight=weight, square=square
        )

    def _folded(
        self, board: Codes, place: Codes, turned: NDArray[np.bool_], met: NDArray[np.bool_], shape: tuple[int, int]
    ) -> tuple[Floats, Floats, Floats]:
        cells = (board * shape[1] + place)[:, None] * OUTCOMES + np.where(
            turned[:, None], [RIGHT, LEFT, TIE], [0, 1, 2]
        )
        size = shape[0] * shape[1] * OUTCOMES
        return tuple(  # type: ignore[return-value]
            np.bincount(cells.ravel(), values[met].ravel(), size).astype(np.float64).reshape(*shape, OUTCOMES)
            for values in (self.battles, self.weight, self.square)
        )

    @property
    def selves(self) -> Floats:
        """(models,) how many battles each had with itself."""
        own = self.left == self.right
        return np.bincount(self.left[own], self.battles[own].sum(axis=1), len(self.names)).astype(np.float64)


@dataclass(frozen=True, kw_only=True)
class Boards:
    """Counts of several boards over the same models and pairs.

    Attributes:
        models: how many.
        first, second: (pairs,) codes, first < second.
        battles, weight, square: (boards, pairs, 3); outcomes are as seen from the first of the pair.
    """

    models: int
    first: Codes
    second: Codes
    battles: Floats
    weight: Floats
    square: Floats

    @cached_property
    def incidence(self) -> csr_array:
        """(pairs, models): +1 for the first of a pair, -1 for the second."""
        pairs = len(self.first)
        columns = np.stack([self.first, self.second], axis=1).ravel()
        starts = np.arange(0, 2 * pairs + 1, 2)
        return csr_array((np.tile([1.0, -1.0], pairs), columns, starts), shape=(pairs, self.models))

    def played(self) -> Floats:
        """(boards, models): in how many battles each model took part."""
        return np.asarray((abs(self.incidence).T @ self.battles.sum(axis=2).T).T)

    def ended(self, board: int) -> Floats:
        """(models, 3) how many battles of a board each model won, lost and tied."""
        battles = self.battles[board]
        sides = np.concatenate([self.first, self.second])
        both = np.concatenate([battles, battles[:, [RIGHT, LEFT, TIE]]])
        return np.stack([np.bincount(sides, column, self.models) for column in both.T], axis=1)

    def shares(self, board: int) -> tuple[Floats, Floats]:
        """(models, models) battles of the row with the column, and the share that the row won, NaN for none.

        A tie is half a win.
        """
        battles = self.battles[board]
        total = battles.sum(axis=1)
        won = np.divide(battles[:, LEFT] + battles[:, TIE] / 2, total, out=np.full(len(total), np.nan), where=total > 0)
        met, share = np.zeros((self.models, self.models)), np.full((self.models, self.models), np.nan)
        for one, other, value in ((self.first, self.second, won), (self.second, self.first, 1 - won)):
            met[one, other], share[one, other] = total, value
        return met, share

    def block(self, chosen: slice | Sequence[int]) -> Boards:
        """Some of the boards."""
        return Boards(
            models=self.models,
            first=self.first,
            second=self.second,
            battles=self.battles[chosen],
            weight=self.weight[chosen],
            square=self.square[chosen],
        )


def count(votes: Votes, names: Sequence[str], categories: Sequence[str] = ("",)) -> Counts:
    """The counts of some votes, whose codes are places in `names` and `categories`, which need not be sorted."""
    models, rows = len(names), len(votes)
    key = (votes.left.astype(np.int64) * models + votes.right) * OUTCOMES + votes.outcome
    if votes.category is not None:
        key += votes.category.astype(np.int64) * (models * models * OUTCOMES)
    size = len(categories) * models * models * OUTCOMES
    if size <= max(_DENSE, 4 * rows):
        battles = np.bincount(key, minlength=size).astype(np.float64)
        found = np.flatnonzero(battles)
        place, width = key, size
    else:
        found, place = np.unique(key, return_inverse=True)
        width = len(found)
        battles = np.bincount(place, minlength=width).astype(np.float64)
    sums = [battles, battles, battles]
    if votes.weight is not None:
        powers = (votes.weight, np.square(votes.weight))
        battles = np.bincount(place, votes.weight > 0, width).astype(np.float64)
        sums = [battles, *(np.bincount(place, power, width).astype(np.float64) for power in powers)]
    if width == size:
        sums = [values[found] for values in sums]
    order = np.argsort(np.asarray(names, dtype=object)), np.argsort(np.asarray(categories, dtype=object))
    ranks = [np.empty(len(each), dtype=np.int64) for each in order]
    for rank, each in zip(ranks, order, strict=True):
        rank[each] = np.arange(len(each))
    cell, outcome = found // OUTCOMES, found % OUTCOMES
    tables = np.zeros((3, len(found), OUTCOMES))
    tables[:, np.arange(len(found)), outcome] = sums
    arrays: dict[str, NDArray[Any]] = {
        "left": ranks[0][cell // models % models],
        "right": ranks[0][cell % models],
        "category": ranks[1][cell // models**2],
        "battles": tables[0],
        "weight": tables[1],
        "square": tables[2],
    }
    return _reduced(tuple(sorted(names)), tuple(sorted(categories)), arrays)


_ARRAYS: Final = ("left", "right", "category", "battles", "weight", "square")


def _reduced(names: tuple[str, ...], categories: tuple[str, ...], arrays: dict[str, NDArray[Any]]) -> Counts:
    """Cells that are the same are added, and sorted."""
    models = max(len(names), 1)
    key = (arrays["category"] * models + arrays["left"]) * models + arrays["right"]
    found, place = np.unique(key, return_inverse=True)
    cells = place[:, None] * OUTCOMES + np.arange(OUTCOMES)
    sums = (
        np.bincount(cells.ravel(), arrays[key].ravel(), len(found) * OUTCOMES).astype(np.float64).reshape(-1, OUTCOMES)
        for key in ("battles", "weight", "square")
    )
    battles, weight, square = sums
    return Counts(
        names=names,
        categories=categories,
        left=found // models % models,
        right=found % models,
        category=found // models**2,
        battles=battles,
        weight=weight,
        square=square,
    )
