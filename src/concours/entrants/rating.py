"""Raters: what a user would give an item, from biases, from neighbours, and from factors.

Rows are a frame, whose first column has the users and whose second the items, as texts; other columns are not looked
at. Of a user or an item that `fit` has not seen, what is known of the other alone is said; of both, the mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from concours.kernels.rows.ranked import best

Array = NDArray[Any]
Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_AT_ONCE: Final = 1000
_ROUNDS: Final = 10
_LITTLE: Final = 0.5
"""A weight in the mean over neighbours that says nothing is known: of few and unlike ones, little is taken."""


@dataclass(frozen=True, kw_only=True)
class Ratings:
    """Ratings by codes of users and items.

    Attributes:
        users, items, values: (ratings,).
        shape: how many users and items there are.
    """

    users: Codes
    items: Codes
    values: Floats
    shape: tuple[int, int]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def turned(self) -> Ratings:
        """With users for items."""
        return Ratings(users=self.items, items=self.users, values=self.values, shape=self.shape[::-1])

    def less(self, values: Floats) -> Ratings:
        """With values (ratings,) taken off."""
        return Ratings(users=self.users, items=self.items, values=self.values - values, shape=self.shape)

    def matrix(self) -> sparse.csr_array:
        """(users, items) the values; a value of 0 is there too."""
        return sparse.csr_array((self.values, (self.users, self.items)), shape=self.shape)

    def known(self) -> sparse.csr_array:
        """(users, items) ones where there is a rating."""
        return sparse.csr_array((np.ones(len(self)), (self.users, self.items)), shape=self.shape)


class Rater(RegressorMixin, BaseEstimator):
    """What raters share: names, the mean, biases of users and items, and the range in which predictions stay.

    A bias is the mean of what is left of ratings without the mean and the other's bias, drawn to 0 as by `drawn`
    ratings of exactly the mean (Koren 2010).

    Fitted: `mean_`, `range_`, `user_bias_` (users,), `item_bias_` (items,), `names_`, of users and of items.
    """

    drawn: float = 4.0

    _TENSORS: tuple[str, ...] = ()

    def fit(self, X: pd.DataFrame, y: ArrayLike) -> Self:
        """Fit to users and items `X` and ratings `y`, (n,)."""
        values = np.asarray(y, dtype=np.float64)
        coded = [pd.factorize(X.iloc[:, place], sort=True) for place in range(2)]
        self.names_ = [[str(name) for name in names] for _, names in coded]
        (users, _), (items, _) = coded
        shape = (len(self.names_[0]), len(self.names_[1]))
        given = Ratings(users=users.astype(np.int64), items=items.astype(np.int64), values=values, shape=shape)
        self.mean_, self.range_ = float(values.mean()), (float(values.min()), float(values.max()))
        self.user_bias_, self.item_bias_ = biases(given, self.mean_, self.drawn)
        self._learn(given)
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """Ratings (n,), within the range of those of `fit`."""
        check_is_fitted(self, "mean_")
        places = [pd.Index(names).get_indexer(pd.Index(X.iloc[:, place])) for place, names in enumerate(self.names_)]
        users, items = (np.asarray(each, dtype=np.int64) for each in places)
        said = self.mean_ + _taken(self.user_bias_, users) + _taken(self.item_bias_, items)
        both = np.flatnonzero((users >= 0) & (items >= 0))
        if len(both):
            said[both] += self._more(users[both], items[both])
        return np.clip(said, *self.range_)

    def get_tensors(self) -> dict[str, Array]:
        """Everything learned, by name."""
        check_is_fitted(self, "mean_")
        return {name: np.ascontiguousarray(getattr(self, name)) for name in self._all}

    def get_state(self) -> dict[str, Any]:
        """Everything else that was fitted, as JSON can hold it."""
        return {"mean": self.mean_, "range": list(self.range_), "names": self.names_}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        """Become fitted as the estimator was whose `get_tensors()` and `get_state()` these are; returns self."""
        for name in self._all:
            setattr(self, name, np.asarray(tensors[name]))
        self.mean_, self.range_, self.names_ = state["mean"], tuple(state["range"]), state["names"]
        return self

    @property
    def _all(self) -> tuple[str, ...]:
        return ("user_bias_", "item_bias_", *self._TENSORS)

    def _learn(self, given: Ratings) -> None:
        """Learn what is beyond biases."""

    def _more(self, users: Codes, items: Codes) -> Floats:
        """(n,) what is added to biases, of users and items that are known."""
        del items
        return np.zeros(len(users))

    def _left(self, given: Ratings) -> Ratings:
        """What is left of ratings without biases."""
        return given.less(self.mean_ + self.user_bias_[given.users] + self.item_bias_[given.items])


class BiasRater(Rater):
    """The mean with the biases of user and item."""

    def __init__(self, *, drawn: float = 4.0) -> None:
        self.drawn = drawn


class NeighbourRater(Rater):
    """What is left of a user's ratings of the items most like the one that is asked about; or of the most alike users'
    ratings of it (Koren 2010, with the shrunk Pearson correlation around biases).

    `of`: whose neighbours, `items` or `users`. `neighbours`: how many of them count, of the `most` that are kept of
    each. `shrink`: a correlation over n ratings counts n - 1 in n - 1 + `shrink`.

    Fitted: `likest_`, `likeness_` (items or users, most), and the ratings `rows_`, `columns_`, `values_`.
    """

    _TENSORS = ("likest_", "likeness_", "rows_", "columns_", "values_")

    def __init__(
        self,
        *,
        of: Literal["items", "users"] = "items",
        neighbours: int = 40,
        most: int = 500,
        shrink: float = 100.0,
        drawn: float = 4.0,
    ) -> None:
        self.of = of
        self.neighbours = neighbours
        self.most = most
        self.shrink = shrink
        self.drawn = drawn

    def _learn(self, given: Ratings) -> None:
        if self.of not in ("items", "users"):
            raise ValueError(f'of must be "items" or "users"; got {self.of!r}')
        left = self._left(given) if self.of == "items" else self._left(given).turned
        self.likest_, self.likeness_ = self._alike(left)
        order = np.lexsort((left.items, left.users))
        self.rows_, self.columns_ = left.users[order], left.items[order]
        self.values_ = left.values[order].astype(np.float32)

    def _alike(self, left: Ratings) -> tuple[Codes, NDArray[np.float32]]:
        """Of each column those most like it, and how alike they are; nothing of those that are not alike at all."""
        values, known = left.matrix().T.tocsr(), left.known().T.tocsr()
        most = max(min(self.most, left.shape[1] - 1), 1)
        found = []
        for at in range(0, left.shape[1], _AT_ONCE):
            part = slice(at, at + _AT_ONCE)
            common = (known[part] @ known.T).toarray()
            products = (values[part] @ values.T).toarray()
            own, others = (values[part].power(2) @ known.T).toarray(), (known[part] @ values.power(2).T).toarray()
            size = np.sqrt(own * others)
            alike = np.divide(products, size, out=np.zeros_like(size), where=size > 1e-9)
            fewer = np.maximum(common - 1, 0)
            alike *= np.divide(fewer, fewer + self.shrink, out=np.zeros_like(fewer), where=fewer > 0)
            alike[np.arange(len(alike)), at + np.arange(len(alike))] = 0.0
            found.append(best(np.where(alike > 0, alike, -np.inf), most))
        return np.concatenate([p.items for p in found]), np.concatenate([p.scores for p in found]).astype(np.float32)

    def _more(self, users: Codes, items: Codes) -> Floats:
        rows, columns = (users, items) if self.of == "items" else (items, users)
        ends = np.searchsorted(self.rows_, np.arange(int(rows.max()) + 2))
        said, values, known = np.zeros(len(rows)), np.zeros(len(self.likest_) + 1), np.zeros(len(self.likest_) + 1)
        order = np.argsort(rows, kind="stable")
        starts = np.flatnonzero(np.concatenate([[True], np.diff(rows[order]) != 0]))
        for asked in np.split(order, starts[1:]):
            own = slice(ends[rows[asked[0]]], ends[rows[asked[0]] + 1])
            there = self.columns_[own]
            values[there], known[there] = self.values_[own], 1.0
            said[asked] = self._mean(columns[asked], values, known)
            values[there], known[there] = 0.0, 0.0
        return said

    def _mean(self, columns: Codes, values: Floats, known: Floats) -> Floats:
        """(n,) the weighted mean of the likest columns that have a value; the last place is that of no column."""
        likest = self.likest_[columns]
        weights = self.likeness_[columns] * known[likest]
        if weights.shape[1] > self.neighbours:
            some = np.argpartition(-weights, self.neighbours - 1, axis=1)[:, : self.neighbours]
            likest, weights = np.take_along_axis(likest, some, axis=1), np.take_along_axis(weights, some, axis=1)
        return np.asarray((weights * values[likest]).sum(axis=1) / (weights.sum(axis=1) + _LITTLE))


class FactorRater(Rater):
    """Vectors of users and items, whose product is added to biases that are learned with them.

    `solver`: `als`, least squares of one side after the other (Zhou et al. 2008); `bayes`, the mean over draws of both
    sides from what they may be, by Gibbs sampling, which takes no penalty (Salakhutdinov and Mnih 2008); `sgd`, steps
    down the slope of a few ratings at a time, each number at a rate of its own (Funk 2006; Duchi, Hazan and Singer
    2011). `penalty`: on vectors and biases; of `als` it grows with the root of how many ratings there are. `rounds`:
    over all ratings.

    Fitted: `user_vectors_` (users, factors), `item_vectors_` (items, factors); of `bayes` the factors of all draws.
    """

    _TENSORS = ("user_vectors_", "item_vectors_")

    def __init__(
        self,
        *,
        solver: Literal["als", "bayes", "sgd"] = "als",
        factors: int = 20,
        penalty: float = 1.5,
        rounds: int = 12,
        drawn: float = 4.0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.solver = solver
        self.factors = factors
        self.penalty = penalty
        self.rounds = rounds
        self.drawn = drawn
        self.random_state = random_state

    def _learn(self, given: Ratings) -> None:
        if self.solver not in _SOLVERS:
            raise ValueError(f'solver must be "als", "bayes" or "sgd"; got {self.solver!r}')
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1))
        users, items = (rng.normal(scale=0.1, size=(size, self.factors + 1)) for size in given.shape)
        users[:, -1], items[:, -1] = self.user_bias_, self.item_bias_
        left = given.less(np.full(len(given), self.mean_))
        users, items = _SOLVERS[self.solver](left, users, items, self, rng)
        self.user_bias_, self.item_bias_ = users[:, -1].copy(), items[:, -1].copy()
        self.user_vectors_, self.item_vectors_ = (side[:, :-1].astype(np.float32) for side in (users, items))

    def _more(self, users: Codes, items: Codes) -> Floats:
        return np.asarray((self.user_vectors_[users] * self.item_vectors_[items]).sum(axis=1), dtype=np.float64)


def biases(given: Ratings, mean: float, drawn: float) -> tuple[Floats, Floats]:
    """Of users and of items, (users,) and (items,): each the drawn mean of what is left without the other."""
    users, items = np.zeros(given.shape[0]), np.zeros(given.shape[1])
    rated, raters = (np.bincount(c, minlength=n) for c, n in zip((given.users, given.items), given.shape, strict=True))
    left = given.values - mean
    for _ in range(_ROUNDS):
        items = np.bincount(given.items, left - users[given.users], given.shape[1]) / np.maximum(raters + drawn, 1)
        users = np.bincount(given.users, left - items[given.items], given.shape[0]) / np.maximum(rated + drawn, 1)
    return users, items


def _of_each(given: Ratings) -> Iterator[Codes]:
    """The places of the ratings of each user, in turn."""
    order = np.argsort(given.users, kind="stable")
    ends = np.searchsorted(given.users[order], np.arange(given.shape[0] + 1))
    return (order[begin:end] for begin, end in pairwise(ends.tolist()))


def _by_least_squares(
    left: Ratings, users: Floats, items: Floats, params: FactorRater, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Vectors whose last number is the bias, which goes with a one on the other side."""
    del rng
    for _ in range(params.rounds):
        for side, other, given in ((users, items, left), (items, users, left.turned)):
            for one, some in enumerate(_of_each(given)):
                behind = other[given.items[some]]
                design = behind.copy()
                design[:, -1] = 1.0
                squares = design.T @ design
                squares[np.diag_indices_from(squares)] += params.penalty * np.sqrt(len(some)) + 1e-9
                side[one] = np.linalg.solve(squares, design.T @ (given.values[some] - behind[:, -1]))
    return users, items


def _by_steps(
    left: Ratings, users: Floats, items: Floats, params: FactorRater, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    sides = [(side, np.full(side.shape, _BEGUN)) for side in (users, items)]
    for _ in range(params.rounds):
        for some in np.array_split(rng.permutation(len(left)), max(len(left) // _BATCH, 1)):
            at = left.users[some], left.items[some]
            own = users[at[0]], items[at[1]]
            told = (own[0][:, :-1] * own[1][:, :-1]).sum(axis=1) + own[0][:, -1] + own[1][:, -1]
            error = (told - left.values[some])[:, None]
            for (side, squares), places, mine, other in zip(sides, at, own, own[::-1], strict=True):
                slopes = error * other
                slopes[:, -1] = error[:, 0]
                rows, slope = _summed(places, slopes + params.penalty * mine)
                squares[rows] += slope**2
                side[rows] -= _RATE * slope / np.sqrt(squares[rows])
    return users, items


def _summed(places: Codes, values: Floats) -> tuple[Codes, Floats]:
    """The different places, and the sums of the values (n, width) at each."""
    rows, which = np.unique(places, return_inverse=True)
    table = sparse.csr_array((np.ones(len(which)), (which, np.arange(len(which)))), shape=(len(rows), len(which)))
    return rows, np.asarray(table @ values)


def _by_draws(
    left: Ratings, users: Floats, items: Floats, params: FactorRater, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Vectors of many draws side by side, whose product is the mean of the products of the draws.

    Each draw is of one side given the other, as least squares would have it, with the uncertainty that there is; what
    vectors are like on the whole is drawn too.
    """
    drawn: list[tuple[Floats, Floats]] = []
    sure = _TOLD / max(float(left.values.var()), 1e-9)
    for round_ in range(params.rounds):
        users = _drawn_side(users, items, left, sure, rng)
        items = _drawn_side(items, users, left.turned, sure, rng)
        if round_ >= params.rounds * _SETTLING:
            drawn.append((users.copy(), items.copy()))
    sides = []
    for place in range(2):
        vectors = np.concatenate([draw[place][:, :-1] for draw in drawn], axis=1) / np.sqrt(len(drawn))
        bias = np.mean([draw[place][:, -1] for draw in drawn], axis=0)
        sides.append(np.concatenate([vectors, bias[:, None]], axis=1))
    return sides[0], sides[1]


def _drawn_side(side: Floats, other: Floats, given: Ratings, sure: float, rng: np.random.Generator) -> Floats:
    """A draw of all vectors of one side; see `_by_draws`. `sure`: one over the variance of ratings around them."""
    width = side.shape[1]
    mean, precision = _prior(side, rng)
    squares = np.tile(precision, (len(side), 1, 1))
    towards = np.tile(precision @ mean, (len(side), 1))
    for one, some in enumerate(_of_each(given)):
        design = other[given.items[some]]
        aims = given.values[some] - design[:, -1]
        design[:, -1] = 1.0
        squares[one] += sure * (design.T @ design)
        towards[one] += sure * (design.T @ aims)
    roots = np.linalg.cholesky(squares)
    means = np.linalg.solve(squares, towards[:, :, None])[:, :, 0]
    noise = rng.standard_normal((len(side), width, 1))
    return np.asarray(means + np.linalg.solve(np.swapaxes(roots, 1, 2), noise)[:, :, 0])


def _prior(side: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """A draw of the mean and the precision of vectors, given them: Normal and Wishart, which know next to nothing."""
    rows, width = side.shape
    mean = side.mean(axis=0)
    spread = (side - mean).T @ (side - mean) + np.outer(mean, mean) * rows / (rows + 1) + np.eye(width)
    root = np.linalg.cholesky(np.linalg.inv(spread))
    draws = root @ np.tril(rng.standard_normal((width, width)), -1)
    draws += root @ np.diag(np.sqrt(rng.chisquare(rows + width - np.arange(width))))
    precision = draws @ draws.T
    at = rows * mean / (rows + 1)
    return at + np.linalg.solve(np.linalg.cholesky((rows + 1) * precision).T, rng.standard_normal(width)), precision


_SETTLING: Final = 0.3
"""The share of the rounds that is not kept, as draws still hang on where they began."""
_TOLD: Final = 1.9
"""The variance of ratings by that which they have around what is said of them, as of MovieLens."""
_BATCH: Final = 1000
_RATE: Final = 0.05
_BEGUN: Final = 1e-8
_SOLVERS: Final = {"als": _by_least_squares, "sgd": _by_steps, "bayes": _by_draws}


def _taken(values: Floats, places: Codes) -> Floats:
    """Values at some places; 0 where there is none, -1."""
    return np.where(places >= 0, values[np.maximum(places, 0)], 0.0) if len(values) else np.zeros(len(places))
