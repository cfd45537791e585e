"""Recommenders that are arithmetic: popularity, neighbours of items, and a linear model of all items.

Rows are a frame (n,), in whose column `items` is what is known of each user, an array of codes; targets are an Arrow
array (n,) of lists of codes, what was held out of them. All of both is fitted on. A user is no part of a model: what is
known of one is looked at when it is asked, so that whoever comes later is asked in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from concours.kernels.rows.ranked import Ranked, Sought, best
from concours.kernels.scoring.recommendations import gains

Array = NDArray[Any]

_AT_ONCE: Final = 1000
_LEFT: Final = 5
"""One of so many users is set apart to choose a penalty by."""


class Recommender(BaseEstimator):
    """What recommenders share: users as a matrix, and the best of what they have not yet.

    `items`: how many there are. `best`: how many are recommended. Whoever has no known item gets the most popular ones.
    Items that nobody had in `fit` are not recommended.

    Fitted: `popularity_`, (items,), how many users have each item.
    """

    items: int | None
    best: int | None

    _TENSORS: tuple[str, ...] = ()

    def fit(self, X: Any, y: Any) -> Self:
        """Fit to what is known of users `X`, and to what was held out of them `y`."""
        self.items_ = self.items or 1 + max(
            int(Sought.of(y).items.max()), *(int(max(r, default=0)) for r in X["items"])
        )
        known, asked = matrix(X["items"], self.items_), matrix(Sought.of(y), self.items_)
        self.popularity_ = np.asarray((known + asked).sum(axis=0), dtype=np.float32).ravel()
        self._learn(known, asked)
        return self

    def predict(self, X: Any) -> Ranked:
        """The best `best` items of each user."""
        check_is_fitted(self, "popularity_")
        known = matrix(X["items"], self.items_)
        parts = [
            self._ranked(X.iloc[at : at + _AT_ONCE], known[at : at + _AT_ONCE]) for at in range(0, len(X), _AT_ONCE)
        ]
        if not parts:
            return Ranked(items=np.empty((0, 0), dtype=np.int64), scores=np.empty((0, 0)))
        return Ranked(items=np.concatenate([p.items for p in parts]), scores=np.concatenate([p.scores for p in parts]))

    def get_tensors(self) -> dict[str, Array]:
        """Everything learned, by name."""
        check_is_fitted(self, "popularity_")
        return {name: np.ascontiguousarray(getattr(self, name)) for name in ("popularity_", *self._TENSORS)}

    def get_state(self) -> dict[str, Any]:
        """Everything else that was fitted, as JSON can hold it."""
        return {"items": self.items_}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        """Become fitted as the estimator was whose `get_tensors()` and `get_state()` these are; returns self."""
        for name in ("popularity_", *self._TENSORS):
            setattr(self, name, np.asarray(tensors[name]))
        self.items_ = state["items"]
        return self

    def _learn(self, known: sparse.csr_array, asked: sparse.csr_array) -> None:
        """Learn of users as matrices of ones, (n, items) both."""

    def _scores(self, X: Any, known: sparse.csr_array) -> NDArray[np.floating[Any]]:
        """(n, items) how well each suits; the higher, the better."""
        raise NotImplementedError

    def _ranked(self, X: Any, known: sparse.csr_array) -> Ranked:
        scores = np.array(self._scores(X, known), dtype=np.float64)
        scores[np.diff(known.indptr) == 0] = self.popularity_
        scores[known.nonzero()] = -np.inf
        scores[:, self.popularity_ == 0] = -np.inf
        return best(scores, self.best or scores.shape[1])


class PopularRecommender(Recommender):
    """What most users have."""

    def __init__(self, *, items: int | None = None, best: int | None = None) -> None:
        self.items = items
        self.best = best

    def _scores(self, X: Any, known: sparse.csr_array) -> NDArray[np.floating[Any]]:
        del X
        return np.tile(self.popularity_, (known.shape[0], 1))


class NeighbourRecommender(Recommender):
    """The items whose users are those of the items that somebody has (Sarwar et al. 2001; Deshpande and Karypis 2004).

    Likeness is the cosine, with `shrink` added to its denominator, so that two users in common say little. Of each item
    the `neighbours` likest count.

    Fitted: `likest_` (items, neighbours), codes of the items that are likest to each, `likeness_`.
    """

    _TENSORS = ("likest_", "likeness_")

    def __init__(
        self, *, neighbours: int = 100, shrink: float = 10.0, items: int | None = None, best: int | None = None
    ) -> None:
        self.neighbours = neighbours
        self.shrink = shrink
        self.items = items
        self.best = best

    def _learn(self, known: sparse.csr_array, asked: sparse.csr_array) -> None:
        users = sparse.csr_array((known + asked).T)
        norms = np.sqrt(self.popularity_)
        most = min(self.neighbours, self.items_ - 1) or 1
        found = []
        for at in range(0, self.items_, _AT_ONCE):
            common = (users[at : at + _AT_ONCE] @ users.T).toarray()
            within = norms[at : at + _AT_ONCE, None] * norms + self.shrink
            alike = np.divide(common, within, out=np.zeros_like(common), where=within > 0)
            alike[np.arange(len(alike)), at + np.arange(len(alike))] = -np.inf
            found.append(best(alike, most))
        self.likest_ = np.concatenate([each.items for each in found])
        self.likeness_ = np.concatenate([each.scores for each in found]).astype(np.float32)

    def _scores(self, X: Any, known: sparse.csr_array) -> NDArray[np.floating[Any]]:
        del X
        of = np.repeat(np.arange(self.items_), self.likest_.shape[1])
        there = self.likest_.ravel() >= 0
        table = sparse.csr_array(
            (self.likeness_.ravel()[there], (self.likest_.ravel()[there], of[there])), shape=(self.items_, self.items_)
        )
        return np.asarray((known @ table).toarray())


class LinearRecommender(Recommender):
    """Each item is a weighted sum of all others that somebody has: least squares with a penalty, in closed form (EASE;
    Steck 2019).

    `penalty`: None: that of `penalties` by which the held-out items of a fifth of the users are ranked best, fitted on
    the others. Of more than `most` items, the most popular ones alone count, as time grows with their cube.

    Fitted: `weights_` (counted, counted), `counted_`, the codes of the items that count, `penalty_`.
    """

    _TENSORS = ("weights_", "counted_")

    def __init__(
        self,
        *,
        penalty: float | None = None,
        penalties: Sequence[float] = (50.0, 150.0, 400.0, 1000.0),
        most: int = 6000,
        items: int | None = None,
        best: int | None = None,
    ) -> None:
        self.penalty = penalty
        self.penalties = penalties
        self.most = most
        self.items = items
        self.best = best

    def _learn(self, known: sparse.csr_array, asked: sparse.csr_array) -> None:
        order = np.argsort(-self.popularity_, kind="stable")[: self.most]
        self.counted_ = np.sort(order[self.popularity_[order] > 0]).astype(np.int64)
        users = (known + asked)[:, self.counted_]
        self.penalty_ = self.penalty or self._chosen(users, known[:, self.counted_], asked[:, self.counted_])
        self.weights_ = self._solved(users, self.penalty_)

    def _chosen(self, users: sparse.csr_array, known: sparse.csr_array, asked: sparse.csr_array) -> float:
        judging = np.arange(users.shape[0]) % _LEFT == 0
        if judging.all() or not asked[judging].nnz:
            return float(self.penalties[len(self.penalties) // 2])
        seen, sought = known[judging], asked[judging]
        y = Sought(offsets=sought.indptr.astype(np.int64), items=sought.indices.astype(np.int64))
        tried = []
        for penalty in self.penalties:
            scores = np.asarray(seen @ self._solved(users[~judging], penalty))
            scores[seen.nonzero()] = -np.inf
            tried.append((-float(gains(y, best(scores, 10)).mean()), float(penalty)))
        return min(tried)[1]

    @staticmethod
    def _solved(users: sparse.csr_array, penalty: float) -> NDArray[np.float32]:
        """(counted, counted) the weights of items in the rows for those in the columns, none for themselves."""
        common = (users.T @ users).toarray().astype(np.float64)
        common[np.diag_indices_from(common)] += penalty
        inverse = linalg.inv(common, overwrite_a=True, check_finite=False)
        weights = -inverse / np.diag(inverse)
        weights[np.diag_indices_from(weights)] = 0.0
        return weights.astype(np.float32)

    def _scores(self, X: Any, known: sparse.csr_array) -> NDArray[np.floating[Any]]:
        del X
        scores = np.full(known.shape, -np.inf, dtype=np.float32)
        scores[:, self.counted_] = known[:, self.counted_] @ self.weights_
        return scores

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "penalty": self.penalty_}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.penalty_ = state["penalty"]
        return super().set_tensors(tensors, state)


def matrix(lists: Any, items: int) -> sparse.csr_array:
    """Lists of codes, (n,) arrays or `Sought`, as a matrix of ones (n, items)."""
    if isinstance(lists, Sought):
        offsets, codes = lists.offsets, lists.items
    else:
        offsets = np.concatenate([[0], np.cumsum([len(each) for each in lists])])
        codes = np.concatenate([np.empty(0, dtype=np.int64), *lists]).astype(np.int64)
    ones = np.ones(len(codes), dtype=np.float32)
    return sparse.csr_array((ones, codes, offsets), shape=(len(offsets) - 1, items))
